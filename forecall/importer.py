"""Loads a history folder into the store: all of it or, on any error, nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from domain.clock import Clock
from domain.errors import BadInputError
from pipeline.features.frames import HOUR, Ints, floor_to
from pipeline.history import (
    History,
    HistoryDevice,
    HistoryRecords,
    MetricReadings,
    moments,
    read_history,
    tick,
)
from pipeline.rollups import counter_parts
from storage.arrays import write_arrays
from storage.copy import DEVICE_EVENT, READING, copy_rows
from storage.database import Conn, Database
from storage.engine import detect
from storage.queries import load

_CUSTOMER = "imported"  # whose the sites of a history folder are, until somebody says otherwise
_ROLL_UP_SPAN = timedelta(days=28)

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is behind it (0 to 1)."""


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many rows of each kind came in."""

    devices: int
    readings: int
    events: int
    maintenance: int
    failures: int


def import_history(
    database: Database,
    clock: Clock,
    folder: Path,
    *,
    until: datetime | None = None,
    progress: Progress | None = None,
) -> ImportCounts:
    """Stores what `folder` holds (up to but without `until`), rolls it up and adopts its devices.

    Raises BadInputError when something in it does not fit, or when it was imported before.
    """
    say = progress or (lambda _what, _share: None)
    say("reading files", 0.0)
    history = read_history(folder)
    with database.transaction() as conn:
        _refuse_twice(conn, history)
        counts = _Import(conn, clock.now(), history, until, say).run()
        conn.execute(
            load("importer")["remember"],
            {
                "digest": history.digest,
                "folder": str(folder),
                "at": clock.now(),
                "counts": Jsonb(asdict(counts)),
            },
        )
    say("done", 1.0)
    return counts


def _refuse_twice(conn: Conn, history: History) -> None:
    row = conn.execute(load("importer")["known_digest"], {"digest": history.digest}).fetchone()
    if row:
        raise BadInputError(
            f"history: {history.folder} was imported at {row['imported_at']:%Y-%m-%d %H:%M} UTC"
        )


class _Import:
    """One folder on its way into one transaction."""

    def __init__(
        self, conn: Conn, now: datetime, history: History, until: datetime | None, say: Progress
    ) -> None:
        self._conn, self._now, self._history, self._say = conn, now, history, say
        self._until = until or datetime.max.replace(tzinfo=UTC)
        self._ids: Ints = np.zeros(0, np.int64)

    def run(self) -> ImportCounts:
        self._ids = self._devices()
        self._make_room()
        # Repairs first: a counter begins anew with the part that was replaced.
        repairs = self._records("add_maintenance", self._history.maintenance)
        failures = self._records("add_failure", self._history.failures)
        readings, events = self._all_readings(), self._events()
        return ImportCounts(len(self._ids), readings, events, repairs, failures)

    def _devices(self) -> Ints:
        devices, statements = self._history.devices, load("importer")
        sites = sorted({device.site for device in devices if device.site})
        with self._conn.cursor() as cursor:
            if sites:
                cursor.execute(statements["ensure_customer"], {"key": _CUSTOMER})
            cursor.executemany(
                statements["ensure_site"], [{"key": key, "customer": _CUSTOMER} for key in sites]
            )
            cursor.executemany(statements["ensure_device"], map(self._device, devices))
        keys = {"keys": [device.key for device in devices]}
        rows = self._conn.execute(statements["device_ids"], keys).fetchall()
        return np.array([row["id"] for row in rows], np.int64)

    def _device(self, device: HistoryDevice) -> dict[str, Any]:
        return {
            **asdict(device),
            "installed_on": device.installed_on or None,
            "attributes": Jsonb(device.attributes),
            "at": self._now,
        }

    def _make_room(self) -> None:
        columns = [self._history.events.at, *(each.at for each in self._history.readings)]
        ends = [end for column in columns if len(column) for end in (column.min(), column.max())]
        kept = [moment for moment in moments(np.array(ends)) if ends]
        if kept:
            last = min(max(kept), max(self._until, min(kept)))
            detect(self._conn).ensure(self._conn, min(kept), last)

    def _all_readings(self) -> int:
        count, every = 0, self._history.readings
        for position, readings in enumerate(every):
            self._say(f"storing {readings.metric}", 0.1 + 0.4 * position / len(every))
            there = (readings.at < tick(self._until)) & ~np.isnan(readings.value)
            count += self._readings(readings if there.all() else readings.where(there))
        if count:
            self._roll_up()
        return count

    def _readings(self, readings: MetricReadings) -> int:
        row = self._conn.execute(
            load("importer")["ensure_metric"], {"name": readings.metric, "kind": readings.kind}
        ).fetchone()
        assert row is not None
        identity = np.full(len(readings.at), row["id"])
        columns = [readings.at, readings.at, self._ids[readings.device], identity, readings.value]
        return write_arrays(self._conn, "reading", READING, columns)

    def _roll_up(self) -> None:
        began, end = self._history.began, min(self._history.ended, self._until)
        start, whole = floor_to(began, HOUR), max(end - began, HOUR)
        while start <= end:
            self._say("rolling up", 0.5 + 0.45 * min(1.0, max(0.0, (start - began) / whole)))
            span = {"devices": self._ids.tolist(), "start": start, "end": start + _ROLL_UP_SPAN}
            self._conn.execute(load("importer")["roll_up"], span | counter_parts(self._conn))
            start += _ROLL_UP_SPAN

    def _events(self) -> int:
        events = self._history.events
        events = events.where(events.at < tick(self._until))
        at, ids = moments(events.at), self._ids[events.device].tolist()
        words = (column.texts() for column in (events.component, events.code, events.severity))
        none = [""] * len(at)
        rows = zip(at, at, ids, *words, none, none, strict=True)
        return copy_rows(self._conn, "device_event", DEVICE_EVENT, rows)

    def _records(self, statement: str, records: HistoryRecords) -> int:
        rows: list[dict[str, Any]] = [
            {"device_id": int(self._ids[device]), "component": part, "action": action, "at": at}
            for at, device, part, action in records.where(records.at < tick(self._until))
        ]
        with self._conn.cursor() as cursor:
            cursor.executemany(load("importer")[statement], rows)
        return len(rows)
