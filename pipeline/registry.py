"""The numbers of devices and metrics; what was never heard of gets one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from storage.database import Conn
from storage.queries import load

K = TypeVar("K")
V = TypeVar("V")

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of a report's counters and of its gauges, in its order."""

_KIND_BY_COLLECTOR = {"zkteco": "clock", "adms": "clock", "mqtt": "pos"}
_MOST_KNOWN = 500_000  # names kept in memory: more than any fleet has, less than hurts


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers that names have: of devices by key, of metrics by name, of shapes a row of them."""

    devices: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, int] = field(default_factory=dict)
    shapes: dict[Shape, NDArray[np.int16]] = field(default_factory=dict)


class Registry:
    """Numbers never change, so they are asked for once.

    What a transaction finds is remembered only after it is committed (`keep`): it may have given
    the number itself.
    """

    def __init__(self, collector: str) -> None:
        self._kind = _KIND_BY_COLLECTOR.get(collector.partition(":")[0], collector)
        self._known = Numbers()

    def devices(self, conn: Conn, keys: Collection[str], found: Numbers) -> Mapping[str, int]:
        """The id of each device key, among others. An unknown key becomes a device that is not
        adopted yet; its kind is guessed from the collector that found it."""
        known = self._known.devices
        missing = [key for key in keys if key not in known]
        if not missing:
            return known
        found.devices.update(self._ask_devices(conn, missing))
        return known | found.devices

    def metrics(self, conn: Conn, shape: Shape, found: Numbers) -> NDArray[np.int16]:
        """The id of each metric of a report of that shape."""
        ids = self._known.shapes.get(shape)
        if ids is None:
            ids = found.shapes.get(shape)
        if ids is None:
            counters, gauges = shape
            kinds = dict.fromkeys(counters, MetricKind.COUNTER)
            kinds |= dict.fromkeys(gauges, MetricKind.GAUGE)
            found.metrics.update(_ask_metrics(conn, kinds, self._known.metrics | found.metrics))
            numbers = self._known.metrics | found.metrics
            ids = np.array([numbers[name] for name in (*counters, *gauges)], np.int16)
            found.shapes[shape] = ids
        return ids

    def keep(self, found: Numbers) -> None:
        """Remembers what a transaction found, which is committed now."""
        _remember(self._known.devices, found.devices)
        _remember(self._known.metrics, found.metrics)
        _remember(self._known.shapes, found.shapes)

    def forget(self) -> None:
        """Asks anew for everything: a device was removed, or the store is another one."""
        self._known = Numbers()

    def _ask_devices(self, conn: Conn, keys: Collection[str]) -> dict[str, int]:
        ids = _devices(conn, keys)
        unknown = [key for key in keys if key not in ids]
        if unknown:
            conn.execute(load("ingest")["register_devices"], {"keys": unknown, "kind": self._kind})
            ids |= _devices(conn, unknown)
        return ids


def _remember(known: dict[K, V], more: Mapping[K, V]) -> None:
    if len(known) > _MOST_KNOWN:
        known.clear()
    known.update(more)


def _ask_metrics(
    conn: Conn, kinds: Mapping[str, MetricKind], known: Mapping[str, int]
) -> dict[str, int]:
    asked = [name for name in kinds if name not in known]
    ids = _metrics(conn, asked) if asked else {}
    unknown = [name for name in asked if name not in ids]
    if unknown:
        values = {"names": unknown, "kinds": [kinds[name] for name in unknown]}
        conn.execute(load("ingest")["register_metrics"], values)
        ids |= _metrics(conn, unknown)
    return ids


def _devices(conn: Conn, keys: Collection[str]) -> dict[str, int]:
    rows = conn.execute(load("ingest")["devices"], {"keys": list(keys)}).fetchall()
    return {row["key"]: row["id"] for row in rows}


def _metrics(conn: Conn, names: Collection[str]) -> dict[str, int]:
    rows = conn.execute(load("ingest")["metrics"], {"names": list(names)}).fetchall()
    return {row["name"]: row["id"] for row in rows}
