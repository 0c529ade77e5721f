"""What pyzk 0.9 trips over, and that a poll of ours survives it: docs/zkteco.md names these tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from zk import ZK
from zk.exception import ZKNetworkError
from zk.user import User

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.session import poll
from domain.clock import ManualClock
from domain.errors import DeviceUnreachableError
from simulator.zkteco.clock import EmulatedClock, Fault, Make
from simulator.zkteco.records import RecordSize
from simulator.zkteco.server import ClockServer
from simulator.zkteco.wire import Command
from tests.zkteco.conftest import Connect, Serve

USERS = ("1001", "1002", "1003")
THIRTY_FIRST_OF_FEBRUARY = (26 * 372 + 31 + 30) * 86_400


class PunchedMeanwhile(EmulatedClock):
    """Somebody punches after the clock has said how much it holds, and before it is read."""

    def free_sizes(self) -> bytes:
        sizes = super().free_sizes()
        self.punch("1003")
        return sizes


def with_punches(device: EmulatedClock, count: int = 100) -> EmulatedClock:
    for number in range(count):
        moment = device.clock.now() - timedelta(minutes=count - number)
        device.punch(USERS[number % 2], at=moment)
    return device


def target_of(server: ClockServer) -> PollTarget:
    return PollTarget(1, "door-1", server.host, server.port, server.clock.comm_key)


def users_read(server: ClockServer) -> list[str]:
    log = poll(target_of(server), timeout_s=60).log
    assert log is not None
    return [record.punch.user_ref for record in log.fresh.records()]


def users_of_pyzk(client: ZK) -> list[str] | None:
    """The users of the records that pyzk makes of the log; None when it gives up."""
    try:
        return [record.user_id for record in client.get_attendance()]
    except ValueError:
        return None


@contextmanager
def broken(clock: ManualClock, serve: Serve, fault: Fault) -> Iterator[ClockServer]:
    """A clock with that fault; well again at the end."""
    device = with_punches(EmulatedClock("SN1", clock), 3000)
    device.fault = fault
    yield serve(device)
    device.fault = Fault.NONE


def test_a_clock_that_closes_in_the_middle_of_a_download_ends_the_poll(
    serve: Serve, clock: ManualClock
) -> None:
    """pyzk asks it for the rest for ever, at 100 % CPU, and no timeout ends that."""
    with broken(clock, serve, Fault.HALF_DOWNLOAD) as server:
        with pytest.raises(DeviceUnreachableError, match="closed by the clock") as failure:
            poll(target_of(server), timeout_s=60)
        assert failure.value.reason == "reset"
    assert len(users_read(server)) == 3000


def test_one_impossible_date_costs_one_record(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = with_punches(EmulatedClock("SN1", clock), 10)
    device.record("1003", 1, THIRTY_FIRST_OF_FEBRUARY, 0)
    device.punch("1003")
    server = serve(device)
    assert users_of_pyzk(connect(server)) is None
    assert users_read(server) == [*USERS[:2] * 5, "1003"]


@pytest.mark.parametrize("size", [8, 16, 40, 49])
def test_a_punch_during_the_read_spoils_nothing(
    serve: Serve, connect: Connect, clock: ManualClock, size: RecordSize
) -> None:
    device = with_punches(PunchedMeanwhile("SN1", clock, make=Make(record_size=size)), 10)
    for user in USERS:
        device.enrol(user)
    server = serve(device)
    if size == 16:  # it takes the length divided by a stale count for the size of a record
        assert users_of_pyzk(connect(server)) not in ([*USERS[:2] * 5], [*USERS[:2] * 5, "1003"])
        del device.attendance_log[10 * size :]
    assert users_read(server) == [*USERS[:2] * 5, "1003"]


def test_records_of_49_bytes_are_read(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    server = serve(with_punches(EmulatedClock("SN1", clock, make=Make(record_size=49)), 10))
    assert users_of_pyzk(connect(server)) != [*USERS[:2] * 5]
    assert users_read(server) == [*USERS[:2] * 5]


def test_after_a_timeout_no_answer_is_taken_for_another(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = with_punches(EmulatedClock("SN1", clock), 10)
    server = serve(device)
    client = _impatient(server)
    device.latency_s = 0.4
    with pytest.raises(ZKNetworkError, match="timed out"):
        client.get_serialnumber()
    with pytest.raises(DeviceUnreachableError) as failure:
        poll(target_of(server), timeout_s=0.2)
    assert failure.value.reason == "timeout"
    device.latency_s = 0.0
    # pyzk's socket holds the late answer to the question before.
    client._ZK__sock.settimeout(60)
    assert client.get_firmware_version() == "~SerialNumber=SN1"
    client._ZK__sock.close()
    sighting = poll(target_of(server), timeout_s=60)
    assert sighting.make is not None
    assert (sighting.serial, sighting.make.firmware) == ("SN1", device.make.firmware)


def test_a_chunk_that_stalls_ends_the_poll(serve: Serve, clock: ManualClock) -> None:
    """pyzk lets a bare TimeoutError out, and leaves its socket open."""
    with broken(clock, serve, Fault.STALLED_CHUNK) as server:
        with pytest.raises(DeviceUnreachableError) as failure:
            poll(target_of(server), timeout_s=0.3)
        assert failure.value.reason == "timeout"
    assert len(users_read(server)) == 3000


def test_a_count_of_none_hides_no_records(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    class Forgetful(EmulatedClock):
        def free_sizes(self) -> bytes:
            return bytes(92)

    server = serve(with_punches(Forgetful("SN1", clock), 10))
    assert connect(server).get_attendance() == []
    assert len(users_read(server)) == 10


def test_a_poll_opens_one_connection_and_closes_it(serve: Serve, clock: ManualClock) -> None:
    """pyzk opens two, and a socket that it never closes."""
    device = with_punches(EmulatedClock("SN1", clock), 10)
    users_read(serve(device))
    assert (device.commands[Command.CONNECT], device.commands[Command.EXIT]) == (1, 1)


def test_one_clocks_encoding_is_not_anothers(serve: Serve, clock: ManualClock) -> None:
    """pyzk keeps the encoding of users for all clocks at once: we ask for one only, and leave it."""
    users_read(serve(with_punches(EmulatedClock("SN1", clock), 10)))
    assert User.encoding == "UTF-8"


def _impatient(server: ClockServer) -> ZK:
    client = ZK(server.host, server.port, timeout=60, ommit_ping=True)
    client._ZK__sock.close()
    client.connect()
    client._ZK__sock.settimeout(0.2)
    return client
