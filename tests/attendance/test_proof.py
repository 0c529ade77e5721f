"""The bytes of a polled clock's log against what is stored."""

from __future__ import annotations

import struct
from datetime import date, timedelta

import pytest

from collectors.zkteco.decode import read_attendance
from collectors.zkteco.known import Known
from domain.clock import ManualClock
from domain.report import DeviceReport, EventReport, Severity
from pipeline.attendance import store_records
from pipeline.attendance_export import Wanted
from pipeline.attendance_proof import Proof, prove
from pipeline.clock_logs import keep_log
from pipeline.ingest import Ingest
from simulator.zkteco.clock import EmulatedClock
from storage.database import Database
from tests.attendance.conftest import TEHRAN, Clocked

TODAY = Wanted(date(2026, 3, 2), date(2026, 3, 2))


@pytest.fixture
def device(clock: ManualClock) -> EmulatedClock:
    return EmulatedClock("door-1", clock)


@pytest.fixture
def device_id(database: Database, clock: ManualClock, enter_clock: Clocked) -> int:
    found = enter_clock("door-1")
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO clock_poll (device_id, host, port, next_poll_at, serial)"
            " VALUES (%s, 'h', 1, %s, 'door-1')",
            [found, clock.now()],
        )
    return found


def read(database: Database, clock: ManualClock, device_id: int, device: EmulatedClock) -> None:
    """Keeps the clock's log and its records, as a poll of all of it does."""
    body = bytes(device.attendance_log)
    log = read_attendance(struct.pack("<I", len(body)) + body, device.record_count, Known(), {})
    with database.transaction() as conn:
        keep_log(conn, device_id, "door-1", log, device.record_count, clock.now())
        store_records(conn, device_id, "door-1", TEHRAN, log.fresh.records(), clock.now())
    clock.advance(timedelta(hours=2))


def proof(database: Database) -> Proof:
    (found,) = prove(database, TODAY)
    return found


def test_equal_then_missing_then_more(
    database: Database, clock: ManualClock, device: EmulatedClock, device_id: int
) -> None:
    for user in ("7", "7", "8"):
        device.punch(user)
    read(database, clock, device_id, device)
    equal = proof(database)
    assert (equal.held, equal.stored, equal.verdict, equal.holds) == (3, 3, "equal", True)
    assert equal.digest_held == equal.digest_stored

    with database.transaction() as conn:
        conn.execute("DELETE FROM attendance_record WHERE user_ref = '8'")
    lacking = proof(database)
    assert (lacking.missing, lacking.verdict, lacking.holds) == (1, "missing 1", False)
    assert lacking.digest_held == equal.digest_held != lacking.digest_stored

    device.clear_records()
    device.punch("9")
    device.punch("9", at=clock.now() - timedelta(hours=3))
    cleared = EventReport("attendanceLog", "x.RecordsCleared", Severity.INFO)
    now = clock.now()
    Ingest(database, clock, "zkteco").store([DeviceReport("door-1", now, now, events=[cleared])])
    read(database, clock, device_id, device)
    more = proof(database)
    assert (more.held, more.missing, more.more) == (2, 0, 2)
    assert more.verdict == "all stored, and 2 more, cleared at 2026-03-02T14:00:00+00:00"


def test_a_damaged_log_proves_nothing(
    database: Database, clock: ManualClock, device: EmulatedClock, device_id: int
) -> None:
    device.punch("7")
    read(database, clock, device_id, device)
    with database.transaction() as conn:
        conn.execute("UPDATE clock_log_segment SET body = body || 'x'")
    damaged = proof(database)
    assert not damaged.holds
    assert damaged.verdict.startswith("not proved: ")
