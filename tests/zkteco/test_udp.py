"""Clocks that speak nothing but UDP, over a network that loses, repeats and delays."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.session import poll
from domain.clock import ManualClock
from domain.errors import DeviceUnreachableError
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.datagrams import DatagramServer
from simulator.zkteco.wire import Command, Packet
from storage.database import Database
from tests.zkteco.conftest import until
from tests.zkteco.test_collector import collecting, states


@contextmanager
def serving(clock: EmulatedClock) -> Iterator[DatagramServer]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = DatagramServer(clock)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(120)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def target_of(server: DatagramServer) -> PollTarget:
    return PollTarget(1, "d", server.host, server.port, server.clock.comm_key, transport="udp")


def worn(clock: ManualClock, records: int) -> EmulatedClock:
    device = EmulatedClock("SN1", clock, comm_key=7)
    device.enrol("1001")
    for number in range(records):
        device.punch("1001", at=clock.now() - timedelta(seconds=records - number))
    device.operate(0)
    return device


@pytest.mark.parametrize("records", [0, 3, 25, 26, 1000])  # 25 fill pyzk's buffer to the brim
def test_a_clock_is_read_whole(clock: ManualClock, records: int) -> None:
    with serving(worn(clock, records)) as server:
        sighting = poll(target_of(server), timeout_s=60)
    assert sighting.serial == "SN1"
    assert sighting.log is not None
    assert sighting.log.count == len(sighting.log.fresh) == records


def test_packets_that_come_twice_or_late_are_no_other_answers(clock: ManualClock) -> None:
    earlier: list[bytes] = []

    def net(packets: Sequence[bytes]) -> Sequence[bytes]:
        event = Packet(Command.REG_EVENT, 1, 0, b"hint").bare()
        sent = [*earlier, event, *packets]
        earlier[:] = packets[-1:]
        return sent

    with serving(worn(clock, 500)) as server:
        server.net = net
        sighting = poll(target_of(server), timeout_s=60)
    assert sighting.local_time == clock.now().replace(tzinfo=None)
    assert sighting.log is not None
    assert len(sighting.log.fresh) == 500


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (lambda packets: packets[:2] + packets[3:], "protocol"),  # a part of the log: it is told
        (lambda packets: packets[:-1] if len(packets) > 1 else packets, "timeout"),
    ],
)
def test_a_log_with_a_hole_is_not_taken_for_whole(
    clock: ManualClock, lose: Callable[[Sequence[bytes]], Sequence[bytes]], reason: str
) -> None:
    with serving(worn(clock, 500)) as server:
        server.net = lose
        with pytest.raises(DeviceUnreachableError) as failure:
            poll(target_of(server), timeout_s=0.3 if reason == "timeout" else 60)
    assert failure.value.reason == reason


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.HALF_DOWNLOAD])
def test_a_clock_that_falls_silent_times_out(clock: ManualClock, fault: Fault) -> None:
    device = worn(clock, 500)
    device.fault = fault
    with serving(device) as server, pytest.raises(DeviceUnreachableError) as failure:
        poll(target_of(server), timeout_s=0.3)
    assert failure.value.reason == "timeout"


def test_a_closed_port_and_a_wrong_key_are_told_apart(clock: ManualClock) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(DeviceUnreachableError) as failure:
        poll(PollTarget(1, "d", "127.0.0.1", port, transport="udp"), timeout_s=60)
    assert failure.value.reason == "refused"
    with serving(worn(clock, 0)) as server:
        server.clock.comm_key = 8
        wrong = PollTarget(1, "d", server.host, server.port, 9, transport="udp")
        with pytest.raises(DeviceUnreachableError) as failure:
            poll(wrong, timeout_s=60)
    assert failure.value.reason == "auth_failed"


def test_the_collector_polls_by_the_clocks_transport(
    database: Database, clock: ManualClock
) -> None:
    with serving(worn(clock, 30)) as server:
        with database.transaction() as conn:
            conn.execute("INSERT INTO device (key, kind) VALUES ('d', 'clock')")
            conn.execute(
                "INSERT INTO clock_poll (device_id, host, port, comm_key, transport, next_poll_at)"
                " SELECT id, %s, %s, 7, 'udp', %s FROM device",
                [server.host, server.port, clock.now()],
            )
        with collecting(database, clock, workers=1):
            until(lambda: states(database) == {"d": "up"})
