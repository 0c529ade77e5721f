"""Clocks that move to other addresses: what they say goes to their own device, or nowhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from collectors.zkteco.job import Failure
from collectors.zkteco.reporting import answered, failed
from collectors.zkteco.session import poll
from domain.clock import ManualClock
from domain.errors import DeviceUnreachableError
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from simulator.zkteco.clock import EmulatedClock, Fault
from storage.database import Database
from tests.zkteco.conftest import Register, Serve


@pytest.fixture
def fleet(database: Database, clock: ManualClock) -> ClaimedClocks:
    return ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))


def poll_all(fleet: ClaimedClocks, clock: ManualClock) -> None:
    """One round over every clock, one at a time."""
    clock.advance(timedelta(minutes=10))
    for target in fleet.claim(9, 9):
        began = clock.now()
        try:
            sighting = poll(target, timeout_s=60)
            outcome = answered(target, sighting, clock.now(), began)
        except DeviceUnreachableError as error:
            outcome = failed(target, Failure(error.reason, str(error)), began, clock.now())
        assert fleet.settle([outcome]) == 1


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as conn:
        return [tuple(row.values()) for row in conn.execute(query.encode())]


def where(database: Database) -> dict[str, int]:
    return dict(
        rows(database, "SELECT key, port FROM clock_poll JOIN device ON device.id = device_id")
    )


def punches(database: Database) -> list[tuple[Any, ...]]:
    """Device, serial number and user of each record."""
    return rows(
        database,
        "SELECT device.key, attendance_record.serial, user_ref FROM attendance_record"
        " JOIN device ON device.id = device_id ORDER BY 1, 2, 3",
    )


def events(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "SELECT device.key, code, raw_code FROM device_event JOIN device ON device.id = device_id"
        " ORDER BY 1, 2, 3",
    )


def two(clock: ManualClock) -> tuple[EmulatedClock, EmulatedClock]:
    devices = EmulatedClock("SN1", clock), EmulatedClock("SN2", clock)
    for number, device in enumerate(devices, 1):
        device.punch(str(number))
    return devices


def swap(one: EmulatedClock, other: EmulatedClock) -> None:
    """Somebody exchanges two clocks, so that each stands at the other's address."""
    one.serial, other.serial = other.serial, one.serial
    one.attendance_log, other.attendance_log = other.attendance_log, one.attendance_log


def test_swapped_clocks_are_found_again_and_nothing_is_mixed_up(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    one, other = two(clock)
    ports = {"door-1": serve(one), "door-2": serve(other)}
    for key, server in ports.items():
        register(key, server)
    poll_all(fleet, clock)
    swap(one, other)
    one.punch("12")  # on the clock SN2, which is door-2's
    other.punch("11")
    for _ in range(3):
        poll_all(fleet, clock)
    assert where(database) == {"door-1": ports["door-2"].port, "door-2": ports["door-1"].port}
    assert punches(database) == [
        *(("door-1", "SN1", "1"), ("door-1", "SN1", "11")),
        *(("door-2", "SN2", "12"), ("door-2", "SN2", "2")),
    ]
    assert events(database) == [
        ("door-1", "x.SerialChanged", "SN2"),
        ("door-2", "x.SerialChanged", "SN1"),
    ]
    assert rows(database, "SELECT failures, stranger FROM clock_poll") == [(0, ""), (0, "")]
    assert rows(database, "SELECT to_state FROM device_transition WHERE to_state = 'down'") == []


def test_a_clock_that_took_anothers_address_is_followed(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    """DHCP gave door-2's address to door-1's clock; where door-2's is now nobody knows."""
    one, other = two(clock)
    ports = {"door-1": serve(one), "door-2": serve(other)}
    for key, server in ports.items():
        register(key, server)
    poll_all(fleet, clock)
    swap(one, other)
    one.fault = Fault.REFUSING
    other.punch("11")
    for _ in range(4):
        poll_all(fleet, clock)
    assert where(database)["door-1"] == ports["door-2"].port
    assert ("door-1", "SN1", "11") in punches(database)
    assert len(punches(database)) == 3
    states = dict(
        rows(database, "SELECT key, state FROM device_status JOIN device ON device.id = device_id")
    )
    assert states == {"door-1": "up", "door-2": "down"}


def test_one_clock_entered_twice_is_polled_for_the_first_device_only(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    server = serve(device)
    register("door-1", server)
    poll_all(fleet, clock)
    register("door-2", server)
    for _ in range(3):
        poll_all(fleet, clock)
    assert punches(database) == [("door-1", "SN1", "1")]
    assert events(database) == [("door-2", "x.SerialChanged", "SN1")]
    assert rows(database, "SELECT last_error FROM clock_poll ORDER BY device_id")[1] == (
        f"stranger: the clock SN1 of door-1 answers at 127.0.0.1:{server.port}",
    )


def test_a_replaced_clocks_records_stay_with_the_device(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    register("door-1", serve(device))
    poll_all(fleet, clock)
    device.serial = "SN9"
    device.attendance_log.clear()
    device.punch("2")
    for _ in range(2):
        poll_all(fleet, clock)
    assert punches(database) == [("door-1", "SN1", "1"), ("door-1", "SN9", "2")]
    assert rows(database, "SELECT serial FROM clock_log ORDER BY serial") == [("SN1",), ("SN9",)]
