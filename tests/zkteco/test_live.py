"""Live events: hints that have a clock polled at once, whatever they look like."""

from __future__ import annotations

import socket
import struct
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.zkteco.live import Frames, LiveListener
from domain.clock import ManualClock, ScaledClock
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.wire import Command, EventCode, Packet
from storage.database import Database
from tests.zkteco.conftest import Register, Serve, until
from tests.zkteco.test_collector import collecting

LENGTHS = [0, 1, 10, 12, 14, 32, 36, 37, 52, 100]
SPEED = 60.0  # a minute of the clocks' time a second


def listened(database: Database, clock: ManualClock) -> None:
    """Every clock is to be listened to, and polled once an hour only."""
    with database.transaction() as conn:
        conn.execute("UPDATE clock_poll SET live_capture = true, interval_s = 86400")


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as conn:
        return [tuple(row.values()) for row in conn.execute(query.encode())]


def users(database: Database) -> list[str]:
    return [row[0] for row in rows(database, "SELECT user_ref FROM attendance_record ORDER BY at")]


def test_a_punch_is_stored_soon_after_it_is_told(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    register("door-1", serve(device))
    listened(database, clock)
    fast = ScaledClock(clock.now(), datetime.now(UTC), SPEED)
    with collecting(database, fast, workers=1):
        until(lambda: users(database) == ["1"])
        until(lambda: device.commands[Command.REG_EVENT] == 1)
        for number in range(2, 4):
            device.punch(str(number), at=clock.now() + timedelta(minutes=number))
            until(partial(lambda n: len(users(database)) == n, number))
    assert rows(database, "SELECT live_by, live_until FROM clock_poll") == [(None, None)]


def test_events_of_every_length_are_hints(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))
    listened(database, clock)
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
    stop = Event()
    thread = Thread(target=LiveListener(fleet, 3.0).run, args=[stop])
    thread.start()
    try:
        until(lambda: device.commands[Command.REG_EVENT] == 1)
        for heard, length in enumerate(LENGTHS, 1):
            device._tell(EventCode.ATTLOG, bytes(range(length)))
            until(partial(lambda n: device.commands[Command.ACK_OK] == n, heard))
        until(lambda: rows(database, "SELECT hinted FROM clock_poll") == [(True,)])
    finally:
        stop.set()
        thread.join()


def test_a_clock_that_restarted_is_listened_to_again(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))
    listened(database, clock)
    fast = ScaledClock(clock.now(), datetime.now(UTC), SPEED)
    with collecting(database, fast, workers=1):
        until(lambda: device.commands[Command.REG_EVENT] == 1)
        device.fault = Fault.REFUSING  # resets what is open
        until(lambda: rows(database, "SELECT live_by FROM clock_poll") == [(None,)])
        with database.transaction() as conn:  # instead of waiting for half a minute
            conn.execute("UPDATE clock_poll SET live_until = NULL")
        device.fault = Fault.NONE
        until(lambda: device.commands[Command.REG_EVENT] >= 2)


def test_a_clock_is_listened_to_by_one(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    server = serve(EmulatedClock("SN1", clock))
    register("door-1", server)
    one, other = (
        ClaimedClocks(database, clock, Ingest(database, clock, "zkteco")) for _ in range(2)
    )
    assert one.claim_live(9) == []  # nobody asked for it
    listened(database, clock)
    (target,) = one.claim_live(9)
    assert (target.host, target.port) == (server.host, server.port)
    assert other.claim_live(9) == []
    assert one.renew_live([target]) == {target.device_id}
    assert other.renew_live([target]) == set()
    clock.advance(timedelta(minutes=1))  # its holder is gone
    assert len(other.claim_live(9)) == 1
    assert one.renew_live([target]) == set()
    other.leave_live([target.device_id])
    assert one.claim_live(9) == []  # not at once
    with database.transaction() as conn:
        conn.execute("UPDATE clock_poll SET port = 1, live_by = 'x', live_until = NULL")
    assert len(one.claim_live(9)) == 1
    assert one.renew_live([target]) == set()  # it was moved


def test_a_hint_that_comes_during_a_poll_is_not_lost(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    from tests.zkteco.test_fleet import ask

    device = EmulatedClock("SN1", clock)
    number = register("door-1", serve(device))
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
    (target,) = fleet.claim(1, 1)
    outcome = ask(target, clock)
    fleet.hint([number])
    assert fleet.settle([outcome]) == 1
    clock.advance(timedelta(seconds=15))
    (target,) = fleet.claim(1, 1)
    assert target.log_is_old


packets = st.lists(st.binary(max_size=60).map(lambda data: Packet(500, 1, 0, data)), max_size=8)


@given(packets, st.data())
def test_frames_are_cut_however_they_arrive(sent: list[Packet], data: st.DataObject) -> None:
    stream = b"".join(packet.encode() for packet in sent)
    frames, heard = Frames(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        heard += frames.feed(stream[:size])
        stream = stream[size:]
    assert heard == [500] * len(sent)


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400", struct.pack("<II", 0x7D825050, 1 << 30)])
def test_what_is_no_frame_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        Frames().feed(junk)


def test_a_clock_that_says_nothing_is_given_up(database: Database, clock: ManualClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with database.transaction() as conn:
            conn.execute("INSERT INTO device (key, kind) VALUES ('d', 'clock')")
            conn.execute(
                "INSERT INTO clock_poll (device_id, host, port, next_poll_at, live_capture)"
                " SELECT id, '127.0.0.1', %s, %s, true FROM device",
                [silent.getsockname()[1], clock.now()],
            )
        fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
        stop = Event()
        thread = Thread(target=LiveListener(fleet, 0.2).run, args=[stop])
        thread.start()
        until(
            lambda: (
                rows(database, "SELECT live_until IS NOT NULL, live_by FROM clock_poll")
                == [(True, None)]
            )
        )
        stop.set()
        thread.join()
