"""Attendance records into the store: each once, however often and by whichever way they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.attendance import AttendanceRecord
from storage.copy import copy_rows
from storage.database import Conn, Database
from storage.queries import load

_INCOMING = {
    "user_ref": "text",
    "at": "timestamptz",
    "local_time": "timestamp",
    "status": "int2",
    "punch": "int2",
    "nth": "int4",
}


def store_records(
    conn: Conn,
    device_id: int,
    serial: str,
    zone: ZoneInfo,
    records: Iterable[AttendanceRecord],
    now: datetime,
) -> int:
    """Stores records of the clock `serial` and returns how many were not stored before.

    A record is known by its serial number, its punch and its place among equal punches (`nth`).
    `zone` is the site's: what the clock's local times mean. Inside the caller's transaction.
    """
    conn.execute(load("attendance")["incoming"])
    if not copy_rows(conn, "attendance_incoming", _INCOMING, _rows(zone, records)):
        return 0
    values = {"device_id": device_id, "serial": serial, "now": now}
    return conn.execute(load("attendance")["take_in"], values).rowcount


def place_records(database: Database) -> int:
    """Gives records of devices that had no site the site, and its time; returns how many.

    To be run every now and then. Raises StoreUnavailableError when the database is away.
    """
    with database.transaction() as conn:
        return conn.execute(load("attendance")["place"]).rowcount


def _rows(zone: ZoneInfo, records: Iterable[AttendanceRecord]) -> Iterator[tuple[Any, ...]]:
    for record in records:
        punch = record.punch
        at = punch.local_time.replace(tzinfo=zone)
        yield (punch.user_ref, at, punch.local_time, punch.status, punch.punch, record.nth)
