"""The numbers of devices and metrics, and the sessions that are known; what is new gets its row.

In a transaction of its own, before the batch's: what is remembered here is committed, and no writer
waits for another in the middle of a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from pipeline.statuses import make_statuses
from storage.database import Conn, Database
from storage.literals import numbers, texts
from storage.queries import load

K = TypeVar("K")
V = TypeVar("V")

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of a report's counters and of its gauges, in its order."""

Session = tuple[int, str]
"""Device and boot."""

_KIND_BY_COLLECTOR = {"zkteco": "clock", "adms": "clock", "mqtt": "pos"}
_MOST_KNOWN = 500_000  # of each kind kept in memory: more than any fleet has, less than hurts


class RowGoneError(Exception):
    """Something that was known has lost its row: somebody removed it."""


class Registry:
    """Numbers never change, so they are asked for once. Any number of threads may ask at once: what
    they learn they may learn twice."""

    def __init__(self, database: Database, collector: str) -> None:
        self._database = database
        self._collector = collector
        protocol = collector.partition(":")[0]  # `mqtt:north` is one of several
        self._kind = _KIND_BY_COLLECTOR.get(protocol, protocol)
        self._devices: dict[str, int] = {}
        self._metrics: dict[str, int] = {}
        self._shapes: dict[Shape, NDArray[np.int16]] = {}
        self._sessions: dict[Session, None] = {}

    def devices(self, keys: Collection[str], now: datetime) -> Mapping[str, int]:
        """The id of each device key, among others; each has its status. An unknown key becomes a
        device that is not adopted yet; its kind is guessed from the collector that found it."""
        known = self._devices = _bounded(self._devices)
        unknown = [key for key in keys if key not in known]
        if unknown:
            with self._begun() as conn:
                values = {"keys": unknown, "kind": self._kind}
                conn.execute(load("ingest")["register_devices"], values)
                rows = conn.execute(load("ingest")["devices"], {"keys": unknown}).fetchall()
                found = {row["key"]: row["id"] for row in rows}
                make_statuses(conn, self._collector, found.values(), now)
            known |= found
        return known

    def metrics(self, shape: Shape) -> NDArray[np.int16]:
        """The ids of the metrics of a report of that shape."""
        ids = self._shapes.get(shape)
        if ids is None:
            counters, gauges = shape
            kinds = dict.fromkeys(counters, MetricKind.COUNTER)
            known = self._learn_metrics(kinds | dict.fromkeys(gauges, MetricKind.GAUGE))
            ids = np.array([known[name] for name in (*counters, *gauges)], np.int16)
            self._shapes = _bounded(self._shapes)
            self._shapes[shape] = ids
        return ids

    def open_sessions(self, wanted: Collection[Session], now: datetime) -> None:
        """Makes sure that each has its row; that of a new one has seen nothing."""
        known = self._sessions = _bounded(self._sessions)
        unknown = [session for session in wanted if session not in known]
        if unknown:
            devices, boots = zip(*unknown, strict=True)
            values = {"devices": numbers(devices), "boots": texts(boots), "now": now}
            with self._begun() as conn:
                conn.execute(load("ingest")["open_sessions"], values)
            known.update(dict.fromkeys(unknown))

    def forget(self) -> None:
        """Asks anew for everything: somebody removed a device or an old session."""
        self._devices, self._metrics, self._shapes, self._sessions = {}, {}, {}, {}

    def _learn_metrics(self, kinds: Mapping[str, MetricKind]) -> Mapping[str, int]:
        known = self._metrics = _bounded(self._metrics)
        unknown = [name for name in kinds if name not in known]
        if unknown:
            values = {"names": unknown, "kinds": [kinds[name] for name in unknown]}
            with self._begun() as conn:
                conn.execute(load("ingest")["register_metrics"], values)
                rows = conn.execute(load("ingest")["metrics"], {"names": unknown}).fetchall()
            known |= {row["name"]: row["id"] for row in rows}
        return known

    @contextmanager
    def _begun(self) -> Iterator[Conn]:
        """A transaction that gives up when a caller of ours holds what it needs."""
        with self._database.transaction() as conn:
            conn.execute(load("ingest")["limit_lock_wait"])
            yield conn


def _bounded(known: dict[K, V]) -> dict[K, V]:
    """`known`, or an empty one in place of one that grew too large; who reads that goes on with it."""
    return known if len(known) <= _MOST_KNOWN else {}
