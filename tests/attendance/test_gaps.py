"""Where punches may be missing."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.report import DeviceReport, EventReport, Severity
from pipeline.attendance_export import Wanted
from pipeline.attendance_gaps import WEEKS_BACK, Gap, GapKind, find_gaps, quiet_days
from pipeline.ingest import Ingest
from storage.database import Database
from tests.attendance.conftest import Clocked, punch_on

TODAY = date(2026, 3, 2)  # a Monday
WEEK = timedelta(days=7)


def gaps(database: Database, clock: ManualClock, days: int = 14) -> list[Gap]:
    with database.transaction() as conn:
        return find_gaps(conn, Wanted(TODAY - timedelta(days=days), TODAY), clock.now())


def test_a_working_day_without_punches_is_found_and_a_free_one_is_not(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    lost = TODAY - timedelta(days=4)
    days = [TODAY - timedelta(days=number) for number in range(1, 60)]
    worked = [day for day in days if day.weekday() < 5 and day != lost]
    punch_on(database, clock, device_id, "door-1", worked)
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO clock_poll (device_id, host, port, next_poll_at, log_read_at)"
            " VALUES (%s, 'h', 1, %s, %s)",
            [device_id, clock.now(), clock.now()],
        )
    assert gaps(database, clock) == [
        Gap("door-1", "door-1", "gate", GapKind.NO_PUNCHES, lost, count=2)
    ]


def test_a_log_that_was_not_seen_for_long_is_said(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    seen = clock.now() - timedelta(days=3)
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO push_clock (device_id, serial, first_seen_at, heard_at)"
            " VALUES (%s, 'SN1', %s, %s)",
            [device_id, seen, seen],
        )
    (gap,) = gaps(database, clock)
    assert (gap.kind, gap.since) == (GapKind.NOT_SEEN, seen)


def test_what_the_clock_holds_and_we_lack_and_what_was_emptied_is_said(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    now = clock.now()
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO push_clock (device_id, serial, first_seen_at, heard_at)"
            " VALUES (%s, 'SN1', %s, %s)",
            [device_id, now, now],
        )
        conn.execute(
            "INSERT INTO attendance_check (device_id, serial, day, claimed, stored, checked_at)"
            " VALUES (%s, 'SN1', %s, 9, 7, %s)",
            [device_id, TODAY - timedelta(days=1), now],
        )
    fell = EventReport("attendanceLog", "x.RecordsFell", Severity.ERROR)
    Ingest(database, clock, "adms").store([DeviceReport("door-1", now, now, events=[fell])])
    assert [(gap.kind, gap.day, gap.count) for gap in gaps(database, clock)] == [
        (GapKind.MISSING, TODAY - timedelta(days=1), 2),
        (GapKind.CLEARED, TODAY, 0),
    ]


@given(st.dictionaries(st.integers(0, 70), st.integers(1, 50)), st.integers(0, 20))
def test_only_days_without_punches_after_busy_weeks_are_quiet(
    counts: dict[int, int], length: int
) -> None:
    punches = {TODAY - timedelta(days=back): count for back, count in counts.items()}
    first = TODAY - timedelta(days=length)
    for day, usual in quiet_days(punches, first, TODAY):
        assert first <= day <= TODAY
        assert day not in punches
        before = [
            punches[day - n * WEEK] for n in range(1, WEEKS_BACK + 1) if day - n * WEEK in punches
        ]
        assert len(before) >= 3
        assert min(before) <= usual <= max(before)
