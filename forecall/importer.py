"""Loads a history folder into the store: all of it or, on any error, nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from domain.clock import Clock
from domain.errors import BadInputError
from domain.vocabulary import metric
from pipeline.history import History, HistoryDevice, HistoryRecord, MetricReadings, read_history
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
        self._ids = np.zeros(0, np.int64)

    def run(self) -> ImportCounts:
        self._ids = np.array([self._device(device) for device in self._history.devices], np.int64)
        self._make_room()
        # Repairs first: a counter begins anew with the part that was replaced.
        repairs = self._records("add_maintenance", self._history.maintenance)
        failures = self._records("add_failure", self._history.failures)
        readings, events = self._all_readings(), self._events()
        return ImportCounts(len(self._ids), readings, events, repairs, failures)

    def _device(self, device: HistoryDevice) -> int:
        statements = load("importer")
        if device.site:
            self._conn.execute(statements["ensure_customer"], {"key": _CUSTOMER})
            self._conn.execute(
                statements["ensure_site"], {"key": device.site, "customer": _CUSTOMER}
            )
        values = {
            **asdict(device),
            "installed_on": device.installed_on or None,
            "attributes": Jsonb(device.attributes),
            "at": self._now,
        }
        row = self._conn.execute(statements["ensure_device"], values).fetchone()
        assert row is not None
        return int(row["id"])

    def _make_room(self) -> None:
        moments = [event.at for event in self._history.events if event.at < self._until]
        for readings in self._history.readings:
            kept = self._kept(readings)
            if len(kept.at):
                moments += [_moment(kept.at[0]), _moment(kept.at[-1])]
        if moments:
            detect(self._conn).ensure(self._conn, min(moments), max(moments))

    def _kept(self, readings: MetricReadings) -> MetricReadings:
        limit = np.datetime64(self._until.astimezone(UTC).replace(tzinfo=None), "us")
        kept = int(np.searchsorted(readings.at, limit))
        return MetricReadings(
            readings.metric, readings.at[:kept], readings.device[:kept], readings.value[:kept]
        )

    def _all_readings(self) -> int:
        count = 0
        start, end = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        for position, readings in enumerate(self._history.readings):
            self._say(
                f"storing {readings.metric}", 0.1 + 0.4 * position / len(self._history.readings)
            )
            kept = self._kept(readings)
            if len(kept.at):
                count += self._readings(kept)
                start, end = min(start, _moment(kept.at[0])), max(end, _moment(kept.at[-1]))
        self._roll_up(start, end)
        return count

    def _readings(self, readings: MetricReadings) -> int:
        kind = metric(readings.metric).kind
        row = self._conn.execute(
            load("importer")["ensure_metric"], {"name": readings.metric, "kind": kind}
        ).fetchone()
        assert row is not None
        identity = np.full(len(readings.at), row["id"])
        columns = [readings.at, readings.at, self._ids[readings.device], identity, readings.value]
        return write_arrays(self._conn, "reading", READING, columns)

    def _roll_up(self, start: datetime, end: datetime) -> None:
        began, whole = start, max(end - start, timedelta(hours=1))
        start = start.replace(minute=0, second=0, microsecond=0)
        while start <= end:
            self._say("rolling up", 0.5 + 0.45 * min(1.0, max(0.0, (start - began) / whole)))
            span = {"devices": self._ids.tolist(), "start": start, "end": start + _ROLL_UP_SPAN}
            self._conn.execute(load("importer")["roll_up"], span | counter_parts(self._conn))
            start += _ROLL_UP_SPAN

    def _events(self) -> int:
        rows = (
            (
                *(event.at, event.at, int(self._ids[event.device])),
                *(event.component, event.code, event.severity, "", ""),
            )
            for event in self._history.events
            if event.at < self._until
        )
        return copy_rows(self._conn, "device_event", DEVICE_EVENT, rows)

    def _records(self, statement: str, records: Sequence[HistoryRecord]) -> int:
        rows: list[dict[str, Any]] = [
            {
                "device_id": int(self._ids[record.device]),
                "component": record.component,
                "action": record.action,
                "at": record.at,
            }
            for record in records
            if record.at < self._until
        ]
        with self._conn.cursor() as cursor:
            cursor.executemany(load("importer")[statement], rows)
        return len(rows)


def _moment(tick: Any) -> datetime:
    moment: datetime = tick.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
