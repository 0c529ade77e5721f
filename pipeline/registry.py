"""The numbers of devices and metrics, and the sessions that are known; what is new gets its row.

In a transaction of its own, before the batch's: what is remembered here is committed, and no writer
waits for another in the middle of a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from pipeline.statuses import make_statuses
from storage.database import Conn, Database
from storage.literals import numbers, texts
from storage.queries import load

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of a report's counters and of its gauges, in its order."""

Session = tuple[int, str]
"""Device and boot."""

_KIND_BY_COLLECTOR = {"zkteco": "clock", "adms": "clock", "mqtt": "pos"}
_MOST_KNOWN = 500_000  # of each kind kept in memory: more than any fleet has, less than hurts


class RowGoneError(Exception):
    """Something that was known has lost its row: somebody removed it."""


class Registry:
    """Numbers never change, so they are asked for once."""

    def __init__(self, database: Database, collector: str) -> None:
        self._database = database
        self._collector = collector
        protocol = collector.partition(":")[0]  # `mqtt:north` is one of several
        self._kind = _KIND_BY_COLLECTOR.get(protocol, protocol)
        self._devices: dict[str, int] = {}
        self._metrics: dict[str, int] = {}
        self._shapes: dict[Shape, NDArray[np.int16]] = {}
        self._sessions: set[Session] = set()

    def devices(self, keys: Collection[str], now: datetime) -> Mapping[str, int]:
        """The id of each device key, among others; each has its status. An unknown key becomes a
        device that is not adopted yet; its kind is guessed from the collector that found it."""
        unknown = [key for key in keys if key not in self._devices]
        if unknown:
            _limit(self._devices)
            with self._begun() as conn:
                conn.execute(
                    load("ingest")["register_devices"], {"keys": unknown, "kind": self._kind}
                )
                rows = conn.execute(load("ingest")["devices"], {"keys": unknown}).fetchall()
                found = {row["key"]: row["id"] for row in rows}
                make_statuses(conn, self._collector, found.values(), now)
            self._devices |= found
        return self._devices

    def metrics(self, shape: Shape) -> NDArray[np.int16]:
        """The ids of the metrics of a report of that shape."""
        ids = self._shapes.get(shape)
        if ids is None:
            counters, gauges = shape
            kinds = dict.fromkeys(counters, MetricKind.COUNTER)
            self._learn_metrics(kinds | dict.fromkeys(gauges, MetricKind.GAUGE))
            ids = np.array([self._metrics[name] for name in (*counters, *gauges)], np.int16)
            _limit(self._shapes)
            self._shapes[shape] = ids
        return ids

    def open_sessions(self, wanted: Collection[Session], now: datetime) -> None:
        """Makes sure that each has its row; that of a new one has seen nothing."""
        unknown = [session for session in wanted if session not in self._sessions]
        if unknown:
            _limit(self._sessions)
            devices, boots = zip(*unknown, strict=True)
            values = {"devices": numbers(devices), "boots": texts(boots), "now": now}
            with self._begun() as conn:
                conn.execute(load("ingest")["open_sessions"], values)
            self._sessions.update(unknown)

    def forget(self) -> None:
        """Asks anew for everything: somebody removed a device or an old session."""
        for known in (self._devices, self._metrics, self._shapes, self._sessions):
            known.clear()

    def _learn_metrics(self, kinds: Mapping[str, MetricKind]) -> None:
        unknown = [name for name in kinds if name not in self._metrics]
        if unknown:
            values = {"names": unknown, "kinds": [kinds[name] for name in unknown]}
            with self._begun() as conn:
                conn.execute(load("ingest")["register_metrics"], values)
                rows = conn.execute(load("ingest")["metrics"], {"names": unknown}).fetchall()
            self._metrics |= {row["name"]: row["id"] for row in rows}

    @contextmanager
    def _begun(self) -> Iterator[Conn]:
        """A transaction that gives up when a caller of ours holds what it needs."""
        with self._database.transaction() as conn:
            conn.execute(load("ingest")["limit_lock_wait"])
            yield conn


def _limit(known: dict[Any, Any] | set[Any]) -> None:
    if len(known) > _MOST_KNOWN:
        known.clear()
