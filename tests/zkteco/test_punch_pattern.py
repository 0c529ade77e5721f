"""A month of several clocks: a silence is told once, a holiday and a quiet clock are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attendance import AttendanceRecord, Punch
from domain.clock import ManualClock
from pipeline.attendance import store_records
from pipeline.punch_pattern import expected_week, watch_punches
from storage.database import Database

START = date(2026, 1, 5)  # a Monday
TEHRAN, BERLIN, TOKYO = map(ZoneInfo, ("Asia/Tehran", "Europe/Berlin", "Asia/Tokyo"))
HOLIDAYS = {date(2026, 1, 22), date(2026, 2, 26)}  # Thursdays: in the history, and in the month
WATCHED_FROM = datetime(2026, 2, 9, tzinfo=UTC)
DAYS = 28


def busy(day: date, rng: np.random.Generator) -> Iterator[time]:
    """Thirty people come and go, but for Fridays and holidays."""
    if day.weekday() == 4 or day in HOLIDAYS:
        return
    for hour, spread in ((8, 900), (17, 1500)):
        for second in rng.normal(hour * 3600 + 1200, spread, 30):
            yield _time(second)


def quiet(_: date, rng: np.random.Generator) -> Iterator[time]:
    """A few people, whenever they come."""
    for second in rng.uniform(0, 86_399, int(rng.integers(0, 4))):
        yield _time(second)


def _time(second: float) -> time:
    whole = int(second)
    return time(whole // 3600, whole // 60 % 60, whole % 60)


class Month:
    """Clocks whose punches are stored as the days go by."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self._database, self._clock = database, clock
        self._rng = np.random.default_rng(7)
        with database.transaction() as conn:
            conn.execute("INSERT INTO customer (key, name) VALUES ('c', 'C')")

    def add(self, key: str, zone: ZoneInfo) -> int:
        with self._database.transaction() as conn:
            site = conn.execute(
                "INSERT INTO site (key, name, customer_id, time_zone) VALUES (%s, %s, 1, %s)"
                " RETURNING id",
                [key, key, zone.key],
            ).fetchone()
            assert site is not None
            row = conn.execute(
                "INSERT INTO device (key, kind, site_id, adopted_at) VALUES (%s, 'clock', %s, %s)"
                " RETURNING id",
                [key, site["id"], self._clock.now()],
            ).fetchone()
            assert row is not None
            conn.execute(
                "INSERT INTO device_status (device_id, state, since) VALUES (%s, 'up', %s)",
                [row["id"], self._clock.now()],
            )
        return int(row["id"])

    def punch(self, device: int, zone: ZoneInfo, day: date, times: Iterator[time]) -> None:
        records = [
            AttendanceRecord(Punch(str(n), datetime.combine(day, at), 1, 0), 1)
            for n, at in enumerate(times)
        ]
        with self._database.transaction() as conn:
            store_records(conn, device, f"S{device}", zone, records, self._clock.now())

    def events(self) -> list[tuple[str, str, date]]:
        with self._database.transaction() as conn:
            rows = conn.execute(
                "SELECT key, code, device_event.at FROM device_event"
                " JOIN device ON device.id = device_id ORDER BY device_event.at, key"
            ).fetchall()
        return [(row["key"], row["code"], row["at"].date()) for row in rows]


def test_a_month_of_clocks(database: Database) -> None:
    clock = ManualClock(datetime.combine(START, time(), UTC))
    month = Month(database, clock)
    rng = np.random.default_rng(3)
    there = {key: month.add(key, TEHRAN) for key in ("a", "b", "c", "dirty")}
    alone, gone = month.add("alone", BERLIN), month.add("gone", TOKYO)
    few = month.add("few", TEHRAN)
    ends = {"dirty": (date(2026, 2, 17), date(2026, 2, 19)), "gone": (date(2026, 2, 24), None)}

    def works(key: str, day: date) -> bool:
        first, back = ends.get(key, (None, None))
        return first is None or day < first or (back is not None and day >= back)

    day, last = START, WATCHED_FROM.date() + timedelta(days=DAYS)
    while day < last:
        # What is still to come that day is stored already: the rule must not look ahead.
        for key, device in there.items():
            month.punch(device, TEHRAN, day, busy(day, rng) if works(key, day) else iter(()))
        month.punch(few, TEHRAN, day, quiet(day, rng))
        month.punch(alone, BERLIN, day, busy(day, rng))
        month.punch(gone, TOKYO, day, busy(day, rng) if works("gone", day) else iter(()))
        for _ in range(8 if day >= WATCHED_FROM.date() else 0):
            watch_punches(database, clock)
            clock.advance(timedelta(hours=3))
        day += timedelta(days=1)
        clock.set(datetime.combine(day, time(), UTC))
    assert month.events() == [
        ("dirty", "x.NoPunches", date(2026, 2, 17)),
        ("dirty", "x.PunchesBack", date(2026, 2, 19)),
        ("gone", "x.NoPunches", date(2026, 2, 25)),  # nobody to ask: on the second day
    ]


@given(st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_nothing_is_expected_that_one_week_in_four_did_not_bring(weeks: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 50, (weeks, 168)).astype(float)
    expected = expected_week(counts)
    if weeks < 4:
        assert not expected.any()
    else:
        fewer = (counts < expected).sum(axis=0)
        assert (fewer <= weeks // 4).all()
        assert (expected <= counts.max(axis=0)).all()


@pytest.mark.parametrize("days", [0, 10])
def test_a_clock_without_weeks_behind_it_is_not_judged(database: Database, days: int) -> None:
    clock = ManualClock(datetime.combine(START, time(12), UTC))
    month = Month(database, clock)
    device = month.add("new", TEHRAN)
    rng = np.random.default_rng(1)
    for n in range(days):
        month.punch(device, TEHRAN, START + timedelta(days=n), busy(START, rng))
    clock.advance(timedelta(days=days + 20))
    assert watch_punches(database, clock) == 0
