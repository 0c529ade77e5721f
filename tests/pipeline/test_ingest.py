"""Ingest against a real PostgreSQL: what is stored, once, and what follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta, timezone

import pytest
from msgspec.structs import replace

from domain.clock import ManualClock
from domain.device import ReportedState
from domain.errors import BadInputError, StoreUnavailableError
from domain.report import (
    Contact,
    DeviceFacts,
    DeviceReport,
    EventReport,
    Identity,
    RejectedMessage,
    Severity,
)
from pipeline.ingest import Ingest
from storage.database import Database, Row

LINES = {"ReceiptLinePrintedCount": 1200.0}
JAM = EventReport("billAcceptor", "jam", Severity.CRITICAL, "id003", "45")


@pytest.fixture
def ingest(database: Database, clock: ManualClock) -> Ingest:
    return Ingest(database, clock, "mqtt")


@pytest.fixture
def report(clock: ManualClock) -> DeviceReport:
    """A heartbeat of `till-1`, received the moment it was sent."""
    identity = Identity("boot-a", 1)
    return DeviceReport("till-1", clock.now(), clock.now(), identity, Contact(interval_s=60))


Rows = Callable[[str], list[Row]]


@pytest.fixture
def rows(database: Database) -> Rows:
    def read(statement: str) -> list[Row]:
        with database.transaction() as conn:
            return conn.execute(statement).fetchall()

    return read


def test_a_report_leaves_device_reading_event_transition_and_signs(
    ingest: Ingest, report: DeviceReport, rows: Rows
) -> None:
    facts = DeviceFacts("TM-T88", "1.2", "SN7")
    result = ingest.store([replace(report, counters=LINES, events=(JAM,), facts=facts)])
    assert (result.stored, result.duplicate, result.rejected) == (1, 0, 0)
    device = rows("SELECT * FROM device")[0]
    assert (device["key"], device["kind"], device["adopted_at"]) == ("till-1", "pos", None)
    assert (device["model"], device["firmware"], device["serial"]) == ("TM-T88", "1.2", "SN7")
    reading = rows("SELECT * FROM reading JOIN metric ON metric.id = metric_id")[0]
    assert (reading["name"], reading["kind"], reading["value"]) == (
        "ReceiptLinePrintedCount",
        "counter",
        1200.0,
    )
    event = rows("SELECT * FROM device_event")[0]
    assert (event["code"], event["dialect"], event["raw_code"]) == ("jam", "id003", "45")
    transition = rows("SELECT * FROM device_transition")[0]
    assert (transition["to_state"], transition["cause"]) == ("up", "first_contact")
    assert [row["kind"] for row in rows("SELECT * FROM pending_sign ORDER BY kind")] == [
        "event",
        "transition",
    ]
    assert rows("SELECT * FROM rollup_touched")[0]["hour"] == report.at.replace(minute=0)
    assert rows("SELECT * FROM intake_count")[0]["stored"] == 1


def test_a_redelivered_report_is_stored_once(
    ingest: Ingest, report: DeviceReport, rows: Rows
) -> None:
    full = replace(report, counters=LINES, events=(JAM,))
    first = ingest.store([full, full])
    again = ingest.store([full])
    assert (first.stored, first.duplicate) == (1, 1)
    assert (again.stored, again.duplicate) == (0, 1)
    assert len(rows("SELECT FROM reading")) == len(rows("SELECT FROM device_event")) == 1
    assert len(rows("SELECT FROM pending_sign WHERE kind = 'event'")) == 1
    count = rows("SELECT * FROM intake_count")[0]
    assert (count["stored"], count["duplicate"], count["rejected"]) == (1, 2, 0)


def test_the_same_number_in_another_boot_is_another_message(
    ingest: Ingest, report: DeviceReport
) -> None:
    other = replace(report, identity=Identity("boot-b", 1))
    assert ingest.store([report, other]).stored == 2


def test_reports_without_identity_are_never_duplicates(
    ingest: Ingest, report: DeviceReport
) -> None:
    poll = replace(report, identity=None)
    assert ingest.store([poll, poll]).stored == 2


def test_rejected_messages_are_kept_whole_and_once(
    ingest: Ingest, clock: ManualClock, rows: Rows
) -> None:
    rejected = RejectedMessage("mqtt", clock.now(), "v1/t/s/d/state", b"\x00\xff", "not JSON")
    first = ingest.store([], [rejected, rejected])
    assert (first.rejected, first.duplicate) == (1, 1)
    again = ingest.store(
        [], [dataclasses.replace(rejected, received_at=clock.now() + timedelta(hours=1))]
    )
    assert (again.rejected, again.duplicate) == (0, 1)
    row = rows("SELECT * FROM rejected_message")[0]
    assert (row["source"], row["body"], row["reason"]) == (
        "v1/t/s/d/state",
        b"\x00\xff",
        "not JSON",
    )


def test_an_unbelievable_time_gives_way_to_the_arrival_and_is_told_once_a_day(
    ingest: Ingest, report: DeviceReport, clock: ManualClock, rows: Rows
) -> None:
    wrong = replace(report, at=report.at - timedelta(days=31), counters=LINES)
    ingest.store([wrong])
    ingest.store([replace(wrong, identity=Identity("boot-a", 2))])
    assert {row["at"] for row in rows("SELECT at FROM reading")} == {clock.now()}
    told = rows("SELECT component, code, severity FROM device_event")
    assert [tuple(row.values()) for row in told] == [("realTimeClock", "x.ClockOff", "warning")]
    clock.advance(timedelta(days=2))
    later = replace(wrong, received_at=clock.now(), at=clock.now() + timedelta(minutes=6))
    ingest.store([replace(later, identity=Identity("boot-a", 3))])
    assert len(rows("SELECT FROM device_event")) == 2


def test_hours_are_utc_hours_whatever_the_zone_of_the_report(
    ingest: Ingest, report: DeviceReport, rows: Rows
) -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    local = replace(report, at=report.at.astimezone(tehran), counters=LINES)
    ingest.store([local])
    assert rows("SELECT hour FROM rollup_touched") == [{"hour": report.at}]


def test_a_straggler_leaves_its_readings_and_nothing_else(
    ingest: Ingest, report: DeviceReport, rows: Rows
) -> None:
    newest = replace(report, identity=Identity("boot-a", 9))
    late = replace(
        report,
        counters=LINES,
        contact=Contact(reported=ReportedState.HARDWARE_ERROR),
        at=report.at - timedelta(hours=3),
    )
    ingest.store([newest])
    assert ingest.store([late]).stored == 1
    assert len(rows("SELECT FROM reading")) == 1
    status = rows("SELECT * FROM device_status")[0]
    assert (status["state"], status["seq"], status["reported"]) == ("up", 9, "")
    assert status["last_seen_at"] == report.received_at


def test_a_device_that_says_it_is_broken_is_down_from_its_own_moment(
    ingest: Ingest, report: DeviceReport, clock: ManualClock, rows: Rows
) -> None:
    ingest.store([report])
    broke = report.at + timedelta(minutes=2)
    clock.advance(timedelta(minutes=4))
    contact = Contact(reported=ReportedState.HARDWARE_ERROR, component="receiptPrinter")
    said = DeviceReport("till-1", broke, clock.now(), Identity("boot-a", 2), contact)
    ingest.store([said])
    down = rows("SELECT * FROM device_transition ORDER BY id")[-1]
    assert (down["to_state"], down["cause"], down["detail"]) == (
        "down",
        "reported",
        "hardwareError",
    )
    assert (down["component"], down["at"]) == ("receiptPrinter", broke)
    assert (status := rows("SELECT * FROM device_status")[0])["state"] == "down"
    assert status["due_at"] == clock.now() + timedelta(minutes=3)


def test_what_can_not_be_stored_is_refused_and_leaves_nothing(
    ingest: Ingest, report: DeviceReport, rows: Rows
) -> None:
    bad = replace(
        report, identity=Identity("boot-a", 2), events=(dataclasses.replace(JAM, code="a\0b"),)
    )
    with pytest.raises(BadInputError):
        ingest.store([report, bad])
    for table in ("reading", "device_event", "pending_sign", "rejected_message"):
        assert rows(f"SELECT FROM {table}") == []
    assert rows("SELECT FROM device_status WHERE last_seen_at IS NOT NULL") == []
    assert rows("SELECT FROM device_session WHERE NOT isempty(seen)") == []


def test_a_database_that_is_away_is_said_in_forecalls_words(
    clock: ManualClock, report: DeviceReport
) -> None:
    nowhere = Database("host='/nonexistent' dbname=none", max_size=1)
    with pytest.raises(StoreUnavailableError):
        Ingest(nowhere, clock, "mqtt").store([report])
    nowhere.close()


def test_a_batch_may_be_stored_inside_an_open_transaction(
    ingest: Ingest, database: Database, report: DeviceReport, rows: Rows
) -> None:
    with database.transaction() as conn, conn.transaction(force_rollback=True):
        ingest.store_in(conn, [report])
    for table in ("reading", "device_event", "pending_sign", "rejected_message"):
        assert rows(f"SELECT FROM {table}") == []
    assert rows("SELECT FROM device_status WHERE last_seen_at IS NOT NULL") == []
    assert rows("SELECT FROM device_session WHERE NOT isempty(seen)") == []
    with database.transaction() as conn:
        assert ingest.store_in(conn, [report]).stored == 1


def test_collectors_that_start_again_and_again_use_up_no_numbers(
    database: Database, clock: ManualClock, report: DeviceReport, rows: Rows
) -> None:
    for start in range(5):
        again = replace(report, identity=Identity("boot-a", start + 1), counters=LINES)
        Ingest(database, clock, "mqtt").store([again])
    other = replace(report, device_key="till-2", gauges={"x.SupplyVoltage": 12.0})
    Ingest(database, clock, "mqtt").store([other])
    for table in ("metric", "device"):
        numbers = [row["id"] for row in rows(f"SELECT id FROM {table} ORDER BY id")]
        assert numbers[1] == numbers[0] + 1
