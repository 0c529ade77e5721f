"""Silent failure: a clock that answers, but on which nobody punches when people always do.

Each clock is held against its own weeks. What is expected of an hour of the week is what all but
one in four of the last weeks brought at least: a holiday among them lowers nothing, and where few
people punch, now in this hour and now in that, nothing is expected at all. When most clocks of the
same time zone are silent it is a holiday; where there are no others to ask, a silence must last into
a second day of work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from collectors.zkteco.fleet import COLLECTOR
from domain.clock import Clock
from domain.report import Contact, DeviceReport, EventReport, Severity
from pipeline.clock_fleet import known_zone
from pipeline.ingest import Ingest
from storage.database import Conn, Database, Row
from storage.queries import load

COMPONENT = "fingerprintSensor"
NO_PUNCHES = EventReport(COMPONENT, "x.NoPunches", Severity.WARNING)
PUNCHES_BACK = EventReport(COMPONENT, "x.PunchesBack", Severity.INFO)

EXPECTED = 10.0
"""So many punches must have been expected of a silence before it is told."""

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_HOURS_A_WEEK = 168
_FEWEST_WEEKS, _MOST_WEEKS = 4, 8
_ONE_IN = 4
_LEARN_AT_ONCE = 100
_LOOK_BACK = timedelta(days=14)
_FEWEST_PEERS = 3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Watched:
    """A clock that can be reached.

    Attributes:
        expected: punches at least, by hour of the week from Monday.
        last_at: its last punch; `last` and `now`: the same and the present on its own wall.
        silent_since: its last punch before a silence that was told; None: none was.
    """

    device_id: int
    key: str
    zone: str
    expected: Floats
    last_at: datetime
    last: datetime
    now: datetime
    silent_since: datetime | None


def watch_punches(database: Database, clock: Clock) -> int:
    """Learns patterns that are a day old, and tells silences that begin and end; returns how many.

    Raises StoreUnavailableError when the database is away.
    """
    now = clock.now()
    with database.transaction() as conn:
        _learn(conn, now)
        rows = conn.execute(load("punch_pattern")["watched"], {"now": now}).fetchall()
        watched = [_watched(row, now) for row in rows]
        silent = silences(watched)
        reports = [
            report
            for each in watched
            for report in _told(conn, each, each.device_id in silent, now)
        ]
        if reports:
            Ingest(database, clock, COLLECTOR).store_in(conn, reports)
    return len(reports)


def expected_week(counts: Floats) -> Floats:
    """What each hour of the week brings at least, but for one week in four.

    `counts`: (weeks, 168), punches. Returns (168,); zeros for fewer than four weeks.
    """
    weeks = len(counts)
    if weeks < _FEWEST_WEEKS:
        return np.zeros(_HOURS_A_WEEK)
    lowest: Floats = np.sort(counts, axis=0)[weeks // _ONE_IN]
    return lowest


def silences(watched: Sequence[Watched]) -> set[int]:
    """The devices that are silent when they should not be."""
    by_zone: dict[str, list[Watched]] = defaultdict(list)
    for each in watched:
        by_zone[each.zone].append(each)
    return {device for zone in by_zone.values() for device in _silences_of_zone(zone)}


def _silences_of_zone(watched: Sequence[Watched]) -> set[int]:
    """Of clocks whose walls show the same."""
    end = watched[0].now.replace(minute=0, second=0, microsecond=0)
    hours = [end - n * _HOUR for n in range(_LOOK_BACK // _HOUR, 0, -1)]
    slots = [_hour_of_week(hour) for hour in hours]
    due = np.array([each.expected[slots] for each in watched])
    # From each of the hours to the present: (clocks, hours + 1).
    until_now = np.append(np.cumsum(due[:, ::-1], axis=1)[:, ::-1], np.zeros((len(due), 1)), axis=1)
    first = [_first_whole_hour(each, hours[0]) for each in watched]
    missed = until_now[np.arange(len(watched)), first]
    days = np.array([hour.toordinal() for hour in hours])
    return {
        each.device_id
        for n, each in enumerate(watched)
        if missed[n] >= EXPECTED
        and _others_punch(until_now[:, first[n]], missed, days[first[n] :], due[n, first[n] :])
    }


def _others_punch(
    awaited: Floats, missed: Floats, days: npt.NDArray[np.int64], due: Floats
) -> bool:
    """Whether a silence is the clock's own.

    `awaited`: what each clock of the zone should have brought since it began; `missed`: what each
    still owes. `due`: the silent one's hours, which lie on `days`.
    """
    asked = awaited >= EXPECTED  # it itself is among them
    if np.count_nonzero(asked) < _FEWEST_PEERS:
        return int((np.bincount(days - days[0], due) >= EXPECTED / 2).sum()) > 1
    return bool(2 * np.count_nonzero(missed[asked] <= awaited[asked] / 2) >= asked.sum())


def _first_whole_hour(each: Watched, start: datetime) -> int:
    """The place of the first hour behind its last punch, counted from `start`."""
    return min(max(0, (each.last - start) // _HOUR + 1), _LOOK_BACK // _HOUR)


def _hour_of_week(hour: datetime) -> int:
    return hour.weekday() * 24 + hour.hour


def _watched(row: Row, now: datetime) -> Watched:
    zone = ZoneInfo(known_zone(row["time_zone"]))
    return Watched(
        device_id=row["id"],
        key=row["key"],
        zone=row["time_zone"],
        expected=np.array(row["expected"]),
        last_at=row["last_at"],
        last=row["last_at"].astimezone(zone).replace(tzinfo=None),
        now=now.astimezone(zone).replace(tzinfo=None),
        silent_since=row["silent_since"],
    )


def _told(conn: Conn, each: Watched, silent: bool, now: datetime) -> list[DeviceReport]:
    """What is new of its silence, said by whoever notes it first.

    One that was told goes on until somebody punches, whatever the others do meanwhile.
    """
    queries, values = load("punch_pattern"), {"device_id": each.device_id, "since": each.last_at}
    if silent and each.silent_since is None:
        event, noted = NO_PUNCHES, conn.execute(queries["fall_silent"], values).fetchone()
    elif each.silent_since is not None and each.last_at > each.silent_since:
        event, noted = PUNCHES_BACK, conn.execute(queries["speak_again"], values).fetchone()
    else:
        return []
    # Not the device itself spoke: whether it is up is told by its polls.
    contact = Contact(is_will=True)
    return [DeviceReport(each.key, now, now, contact=contact, events=[event])] if noted else []


def _learn(conn: Conn, now: datetime) -> None:
    queries = load("punch_pattern")
    values = {"stale": now - _DAY, "limit": _LEARN_AT_ONCE}
    devices = [row["id"] for row in conn.execute(queries["stale"], values)]
    if not devices:
        return
    span = {"devices": devices, "start": now - _MOST_WEEKS * _WEEK, "end": now}
    hours: dict[int, list[Row]] = defaultdict(list)
    for row in conn.execute(queries["hours"], span):
        hours[row["device_id"]].append(row)
    learnt = [
        {"device_id": device, "now": now, "expected": _expected(hours[device])}
        for device in devices
    ]
    with conn.cursor() as cursor:
        cursor.executemany(queries["learnt"], learnt)


def _expected(hours: Sequence[Row]) -> list[float]:
    """The pattern of one clock, its weeks counted back from its last punch; empty: not known."""
    if not hours:
        return []
    newest = max(row["hour"] for row in hours)
    weeks = min(_MOST_WEEKS, (newest - hours[0]["since"]) // _WEEK)
    counts = np.zeros((weeks, _HOURS_A_WEEK))
    for row in hours:
        ago = (newest - row["hour"]) // _WEEK
        if ago < weeks:
            counts[ago, _hour_of_week(row["hour"])] += row["n"]
    week = expected_week(counts)
    return week.tolist() if week.any() else []
