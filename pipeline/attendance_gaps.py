"""Where attendance records may be missing, and how that is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from statistics import median

from domain.text import N_
from pipeline.attendance_export import Wanted
from pipeline.zones import zone_of
from storage.database import Conn, Row
from storage.queries import load

WEEKS_BACK = 6
"""A clock's own pattern is what it did on the same weekday of so many weeks before."""

FEWEST_WEEKS = 3
"""Of those weeks it must have had punches on that weekday in at least so many."""

NOT_SEEN_AFTER = timedelta(hours=26)
"""A clock's log is read or heard at least daily; a little is allowed for a slow one."""

CLEARINGS = (
    "x.RecordsFell",
    "x.RecordsCleared",
    "x.RecordsDeleted",
    "x.DataCleared",
    "x.FactoryReset",
)
"""Events after which a clock holds fewer records than before."""

_WEEK = timedelta(days=7)


class GapKind(StrEnum):
    """How it is known that records may be missing."""

    NO_PUNCHES = "no_punches"
    NOT_SEEN = "not_seen"
    CLEARED = "cleared"
    MISSING = "missing"


GAP_TEXT: Mapping[GapKind, str] = {
    GapKind.NO_PUNCHES: N_("no punches on a day that usually has some"),
    GapKind.NOT_SEEN: N_("its log was not seen since"),
    GapKind.CLEARED: N_("its log was emptied or shrank"),
    GapKind.MISSING: N_("it holds records that are not stored"),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One finding.

    Attributes:
        day: by the clock's own calendar, or the day (UTC) of what happened.
        since: from when on its log was not seen, or when it was emptied; None for a whole day.
        count: punches that were to be expected, or records that are missing; 0: not known.
    """

    device: str
    serial: str
    site: str
    kind: GapKind
    day: date
    since: datetime | None = None
    count: int = 0


def find_gaps(conn: Conn, wanted: Wanted, now: datetime) -> list[Gap]:
    """What may be missing of the records that `wanted` names, by device and day.

    Raises NotFoundError for a site or a device that is not there.
    """
    values = wanted.to_sql(conn) | {
        "since": wanted.first - WEEKS_BACK * _WEEK,
        "codes": list(CLEARINGS),
    }
    found = [
        *_quiet(conn.execute(load("attendance")["days"], values).fetchall(), wanted, now),
        *_unseen(conn.execute(load("attendance")["last_seen"], values).fetchall(), wanted, now),
        *_cleared(conn.execute(load("attendance")["clearings"], values).fetchall()),
        *_lacking(conn.execute(load("attendance")["lacking"], values).fetchall()),
    ]
    return sorted(found, key=lambda gap: (gap.device, gap.day, gap.kind))


def quiet_days(punches: Mapping[date, int], first: date, last: date) -> Iterator[tuple[date, int]]:
    """Days of [first, last] without punches on which the clock's own pattern expects some.

    `punches`: count by day, also of the weeks before. Yields the day and the median of the same
    weekday in the weeks before it.
    """
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if punches.get(day, 0):
            continue
        before = [punches.get(day - week * _WEEK, 0) for week in range(1, WEEKS_BACK + 1)]
        busy = [count for count in before if count]
        if len(busy) >= FEWEST_WEEKS:
            yield day, round(median(busy))


def _quiet(rows: list[Row], wanted: Wanted, now: datetime) -> Iterator[Gap]:
    by_clock: dict[tuple[str, str, str, str], dict[date, int]] = defaultdict(dict)
    for row in rows:
        counts = by_clock[row["device"], row["serial"], row["site"], row["zone"]]
        if row["day"] is not None:
            counts[row["day"]] = row["punches"]
    for (device, serial, site, zone), counts in by_clock.items():
        yesterday = now.astimezone(zone_of(zone) or UTC).date() - timedelta(days=1)
        for day, usual in quiet_days(counts, wanted.first, min(wanted.last, yesterday)):
            yield Gap(device, serial, site, GapKind.NO_PUNCHES, day, count=usual)


def _unseen(rows: list[Row], wanted: Wanted, now: datetime) -> Iterator[Gap]:
    for row in rows:
        since = row["seen_at"] or row["adopted_at"]
        if now - since > NOT_SEEN_AFTER and since.date() <= wanted.last:
            yield Gap(*_clock(row), GapKind.NOT_SEEN, since.date(), since)


def _cleared(rows: list[Row]) -> Iterator[Gap]:
    """Once a clock and day: its operation log and its count may both tell of it."""
    first = {(row["device"], row["at"].date()): row for row in reversed(rows)}
    for row in first.values():
        yield Gap(*_clock(row), GapKind.CLEARED, row["at"].date(), row["at"])


def _lacking(rows: list[Row]) -> Iterator[Gap]:
    for row in rows:
        yield Gap(*_clock(row), GapKind.MISSING, row["day"], count=row["missing"])


def _clock(row: Row) -> tuple[str, str, str]:
    return row["device"], row["serial"], row["site"]
