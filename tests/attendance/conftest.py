"""A site with a clock whose punches are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.attendance import AttendanceRecord, Punch
from domain.clock import ManualClock
from pipeline.attendance import store_records
from storage.database import Database

TEHRAN = ZoneInfo("Asia/Tehran")
Clocked = Callable[..., int]


@pytest.fixture
def enter_clock(database: Database, clock: ManualClock) -> Clocked:
    """Enters an adopted clock of a site; returns the device's id."""

    def enter(key: str, site: str = "gate", zone: str = "Asia/Tehran") -> int:
        values = {"key": key, "site": site, "zone": zone, "now": clock.now() - timedelta(days=90)}
        with database.transaction() as conn:
            conn.execute(
                "INSERT INTO customer (key, name) VALUES ('c', 'C') ON CONFLICT DO NOTHING"
            )
            conn.execute(
                "INSERT INTO site (key, name, customer_id, time_zone)"
                " SELECT %(site)s, %(site)s, id, %(zone)s FROM customer ON CONFLICT DO NOTHING",
                values,
            )
            row = conn.execute(
                "INSERT INTO device (key, kind, serial, site_id, adopted_at)"
                " SELECT %(key)s, 'clock', %(key)s, id, %(now)s FROM site WHERE key = %(site)s"
                " RETURNING id",
                values,
            ).fetchone()
        assert row is not None
        return int(row["id"])

    return enter


def punch_on(
    database: Database, clock: ManualClock, device_id: int, serial: str, days: list[date]
) -> None:
    """Two punches on each of the days."""
    punches = [
        Punch(str(user), datetime.combine(day, time(8, user)), 1, 0)
        for day in days
        for user in (1, 2)
    ]
    with database.transaction() as conn:
        records = [AttendanceRecord(punch, 1) for punch in punches]
        store_records(conn, device_id, serial, TEHRAN, records, clock.now())
