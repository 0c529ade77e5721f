"""One poll of one clock: what it sees, and how it fails."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Make
from collectors.zkteco.known import Known
from collectors.zkteco.session import poll
from domain.clock import ManualClock
from domain.errors import DeviceUnreachableError
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.clock import Make as EmulatedMake
from simulator.zkteco.records import RecordSize
from simulator.zkteco.server import ClockServer
from tests.zkteco.conftest import Serve


def target_of(server: ClockServer) -> PollTarget:
    """How a server's clock would be claimed for the first time."""
    return PollTarget(1, "door-1", server.host, server.port, server.clock.comm_key)


def worn(clock: ManualClock, make: EmulatedMake | None = None, records: int = 100) -> EmulatedClock:
    """A clock with some people, records and operations."""
    device = EmulatedClock("SN1", clock, make=make or EmulatedMake())
    for number in range(5):
        device.enrol(str(1001 + number))
    for number in range(records):
        device.punch(str(1001 + number % 5), at=clock.now() - timedelta(seconds=records - number))
    device.operate(0)
    device.fail_verification()
    return device


@pytest.mark.parametrize("record_size", [8, 16, 40, 49])
def test_it_sees_everything_in_every_layout(
    serve: Serve, clock: ManualClock, record_size: RecordSize
) -> None:
    device = worn(clock, EmulatedMake(record_size=record_size), records=1000)
    sighting = poll(target_of(serve(device)), timeout_s=60)
    assert sighting.serial == "SN1"
    assert sighting.make == Make(
        "Ver 6.60 Apr 18 2019", "ZMM220_TFT", "K40/ID", "00:17:61:10:2f:aa", 5_242_880
    )
    assert (sighting.user_count, sighting.finger_count) == (5, 5)
    assert (sighting.record_count, sighting.record_capacity) == (1000, 100_000)
    assert sighting.local_time == clock.now().replace(tzinfo=None)
    assert sighting.log is not None
    assert sighting.log.layout == str(record_size)
    assert [record.punch.user_ref for record in sighting.log.fresh.records()[:6]] == [
        *("1001", "1002", "1003", "1004", "1005", "1001")
    ]
    assert sighting.operations is not None
    assert (sighting.operations.power_ons, sighting.operations.verify_failed) == (1, 1)


def test_logs_are_read_when_their_counts_have_changed(serve: Serve, clock: ManualClock) -> None:
    device = worn(clock)
    target = replace(target_of(serve(device)), log_is_old=False)
    first = poll(target, timeout_s=60)
    assert first.log is not None
    known = Known(
        *(100, first.log.layout, first.log.length, first.log.sha256),
        operations=2,
        power_ons=1,
    )
    target = replace(target, serial="SN1", known=known)
    second = poll(target, timeout_s=60)
    assert (second.log, second.operations) == (None, None)
    device.punch("1003")
    device.operate(0)
    third = poll(target, timeout_s=60)
    assert third.log is not None
    assert third.operations is not None
    assert [record.punch.user_ref for record in third.log.fresh.records()] == ["1003"]
    assert third.operations.power_ons == 2


def test_a_log_is_read_anew_when_it_is_old_or_another_clocks(
    serve: Serve, clock: ManualClock
) -> None:
    target = replace(target_of(serve(worn(clock))), serial="SN1", known=Known(records=100))
    assert poll(replace(target, log_is_old=True), timeout_s=60).log is not None
    assert poll(replace(target, log_is_old=False), timeout_s=60).log is None
    assert poll(replace(target, log_is_old=False, serial="SN0"), timeout_s=60).log is not None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.REFUSING, "refused"),
        (Fault.SILENT, "timeout"),
        (Fault.RESETTING, "reset"),
        (Fault.HALF_DOWNLOAD, "reset"),
        (Fault.STALLED_CHUNK, "timeout"),
    ],
)
def test_failures_are_told_apart(
    serve: Serve, clock: ManualClock, fault: Fault, reason: str
) -> None:
    device = worn(clock, records=2000)
    device.fault = fault
    with pytest.raises(DeviceUnreachableError) as failure:
        poll(target_of(serve(device)), timeout_s=0.3 if reason == "timeout" else 60)
    assert failure.value.reason == reason


def test_a_wrong_comm_key_is_told_apart(serve: Serve, clock: ManualClock) -> None:
    server = serve(EmulatedClock("SN1", clock, comm_key=7))
    with pytest.raises(DeviceUnreachableError) as failure:
        poll(replace(target_of(server), comm_key=8), timeout_s=60)
    assert failure.value.reason == "auth_failed"


def test_something_else_at_the_address_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_answer_as_a_web_server, args=[listener])
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DeviceUnreachableError) as failure:
            poll(PollTarget(1, "door-1", "127.0.0.1", port), timeout_s=60)
        thread.join()
    assert failure.value.reason == "protocol"


def _answer_as_a_web_server(listener: socket.socket) -> None:
    plug, _ = listener.accept()
    with plug:
        plug.recv(1024)
        plug.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_older_firmware_without_an_operation_log_is_still_polled(
    serve: Serve, clock: ManualClock
) -> None:
    device = worn(clock, EmulatedMake(keeps_operations=False))
    sighting = poll(target_of(serve(device)), timeout_s=60)
    assert sighting.operations is None
    assert sighting.log is not None
