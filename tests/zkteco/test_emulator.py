"""The emulator answers pyzk as a clock does."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from datetime import datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from zk import ZK
from zk.exception import ZKErrorResponse, ZKNetworkError

from domain.clock import ManualClock
from simulator.zkteco.clock import EmulatedClock, Fault, Make
from simulator.zkteco.records import RecordSize
from simulator.zkteco.server import ClockServer
from simulator.zkteco.wire import Command, Packet, decode_time
from tests.zkteco.conftest import Connect, Serve, until

# Noon in UTC, as a clock in Shanghai shows it: naive.
NOON_THERE = datetime(2026, 3, 2, 20)  # noqa: DTZ001


def emulated(clock: ManualClock, record_size: RecordSize = 40, comm_key: int = 0) -> EmulatedClock:
    """A clock in Shanghai with three people enrolled."""
    emulated = EmulatedClock(
        "CQZ7230960001",
        clock,
        ZoneInfo("Asia/Shanghai"),
        comm_key=comm_key,
        make=Make(record_size=record_size),
    )
    for number in (1001, 1002, 1003):
        emulated.enrol(str(number), privilege=14 if number == 1001 else 0)
    return emulated


def test_it_says_who_it_is_and_what_it_holds(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    device.punch("1002")
    device.fail_verification()
    client = connect(serve(device))
    assert client.get_serialnumber() == "CQZ7230960001"
    assert client.get_firmware_version() == "Ver 6.60 Apr 18 2019"
    assert client.get_platform() == "ZMM220_TFT"
    assert client.get_device_name() == "K40/ID"
    assert client.get_mac() == "00:17:61:10:2f:aa"
    assert client.get_fp_version() == 10
    assert client.get_network_params()["ip"] == "127.0.0.1"
    client.read_sizes()
    assert (client.users, client.fingers, client.records) == (3, 3, 1)
    assert (client.dummy, client.cards) == (1, 1)
    assert (client.rec_cap, client.rec_av) == (100_000, 99_999)


def test_it_shows_its_own_time_and_can_be_set(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    device.drift = timedelta(seconds=-90)
    client = connect(serve(device))
    assert client.get_time() == NOON_THERE - timedelta(seconds=90)
    client.set_time(NOON_THERE)
    assert device.drift == timedelta(0)
    assert client.get_time() == NOON_THERE


@pytest.mark.parametrize("comm_key", [0, 1, 12345, 99_999_999])
@pytest.mark.parametrize("count", [0, 3, 3500])
@pytest.mark.parametrize("record_size", [8, 16, 40])
def test_pyzk_reads_every_record_of_every_layout(
    serve: Serve,
    connect: Connect,
    clock: ManualClock,
    record_size: RecordSize,
    count: int,
    comm_key: int,
) -> None:
    device = emulated(clock, record_size, comm_key)
    expected = []
    for number in range(count):
        user_ref, status, punch = str(1001 + number % 3), number % 2, number % 6
        moment = clock.now() + timedelta(seconds=number)
        device.punch(user_ref, status, punch, at=moment)
        expected.append((user_ref, NOON_THERE + timedelta(seconds=number), status, punch))
    read = connect(serve(device)).get_attendance()
    assert [(each.user_id, each.timestamp, each.status, each.punch) for each in read] == expected


def test_a_wrong_comm_key_is_not_let_in(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    server = serve(emulated(clock, comm_key=4711))
    client = connect(server)
    assert client.get_serialnumber()
    server.clock.comm_key = 4712
    with pytest.raises(ZKErrorResponse, match="Unauthenticated"):
        connect(server, password=4711)


def test_the_users_and_the_operation_log_are_read(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    device.operate(0)
    device.fail_verification()
    client = connect(serve(device))
    assert [user.user_id for user in client.get_users()] == ["1001", "1002", "1003"]
    raw, size = client.read_with_buffer(34)
    assert size == 4 + 2 * 16
    assert [raw[position] for position in (6, 22)] == [0, 2]
    assert decode_time(int.from_bytes(raw[8:12], "little")) == NOON_THERE


def test_a_registered_client_hears_of_a_punch(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    heard = connect(serve(device)).live_capture(new_timeout=60)

    def punch_once_somebody_listens() -> None:
        until(lambda: device.commands[Command.REG_EVENT] > 0)
        device.punch("1002", status=4, punch=1)

    thread = Thread(target=punch_once_somebody_listens)
    thread.start()
    attendance = next(heard)
    thread.join()
    assert (attendance.user_id, attendance.timestamp) == ("1002", NOON_THERE)
    assert (attendance.status, attendance.punch) == (4, 1)
    heard.close()


def test_an_unknown_command_and_a_strange_session_are_errors(
    serve: Serve, clock: ManualClock
) -> None:
    server = serve(emulated(clock))
    with socket.create_connection((server.host, server.port), timeout=60) as plug:
        session = _ask(plug, Packet(Command.CONNECT, 0, 0)).session
        assert _ask(plug, Packet(777, session, 1)) == Packet(Command.ACK_ERROR, session, 1)
        strange = _ask(plug, Packet(Command.GET_TIME, session + 1, 2))
        assert strange.command == Command.ACK_ERROR
        assert _ask(plug, Packet(Command.GET_VERSION, session, 3)).reply == 3


def test_a_damaged_packet_is_left_unanswered(serve: Serve, clock: ManualClock) -> None:
    server = serve(emulated(clock))
    with socket.create_connection((server.host, server.port), timeout=60) as plug:
        damaged = bytearray(Packet(Command.CONNECT, 0, 0).encode())
        damaged[10] ^= 0x01
        plug.sendall(damaged)
        assert _ask(plug, Packet(Command.CONNECT, 0, 9)).reply == 9


def test_a_full_log_loses_punches_or_drops_the_oldest(clock: ManualClock) -> None:
    stops = EmulatedClock("A", clock, make=Make(record_capacity=2))
    overwrites = EmulatedClock("B", clock, make=Make(record_capacity=2, overwrites=True))
    for device in (stops, overwrites):
        for user_ref in ("1", "2", "3"):
            device.punch(user_ref)
    assert (stops.record_count, stops.lost) == (2, 1)
    assert (overwrites.record_count, overwrites.lost) == (2, 0)
    assert overwrites.attendance_log[2:3] == b"2"


def test_a_clock_that_refuses_comes_back_at_the_same_port(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    server = serve(device)
    client = connect(server)
    device.fault = Fault.REFUSING
    with pytest.raises(ZKNetworkError):
        _ask_on(client)
    client.is_connect = False
    assert not _connects(server)
    device.fault = Fault.NONE
    until(lambda: _connects(server))
    assert connect(server).get_serialnumber() == device.serial


def test_a_power_cut_may_come_and_go_faster_than_the_port(serve: Serve, clock: ManualClock) -> None:
    device = emulated(clock)
    server = serve(device)
    for fault in [Fault.REFUSING, Fault.NONE] * 50 + [Fault.REFUSING]:
        device.fault = fault
    until(lambda: not _connects(server))
    device.fault = Fault.NONE
    until(lambda: _connects(server))


def test_a_port_that_a_starting_process_holds_is_opened_when_it_lets_go(clock: ManualClock) -> None:
    """A process that is forked while the port is listened on holds it until it runs its own program."""
    device = emulated(clock)

    async def cut_and_restore() -> None:
        async with ClockServer(device) as server:
            assert server._server is not None
            (plug,) = server._server.sockets
            held = os.dup(plug.fileno())
            device.fault = Fault.REFUSING
            while server._server:
                await asyncio.sleep(0.01)
            device.fault = Fault.NONE
            for _ in range(10):
                await asyncio.sleep(0.01)
            os.close(held)
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(_connects, server):
                    await asyncio.sleep(0.01)

    asyncio.run(cut_and_restore())


def test_who_comes_while_the_port_is_shut_leaves_nothing_open(clock: ManualClock) -> None:
    async def shut_after(turns: int, server: ClockServer) -> list[socket.socket]:
        await server.start()
        plugs = [socket.socket() for _ in range(3)]
        for plug in plugs:
            plug.connect((server.host, server.port))
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.stop()
        return plugs

    for turns in range(8):
        for plug in asyncio.run(shut_after(turns, ClockServer(emulated(clock)))):
            plug.close()
    gc.collect()  # here, and not in another test, what is still open is told


def test_a_reset_and_a_silent_clock_fail_as_they_should(
    serve: Serve, connect: Connect, clock: ManualClock
) -> None:
    device = emulated(clock)
    server = serve(device)
    client = connect(server)
    device.fault = Fault.RESETTING
    with pytest.raises(ZKNetworkError, match="reset"):
        client.get_time()
    client.is_connect = False
    device.fault = Fault.SILENT
    with socket.create_connection((server.host, server.port), timeout=0.2) as plug:
        plug.sendall(Packet(Command.CONNECT, 0, 0).encode())
        with pytest.raises(TimeoutError):
            plug.recv(1)


def _ask(plug: socket.socket, packet: Packet) -> Packet:
    plug.sendall(packet.encode())
    return Packet.decode(plug.recv(1024)[8:])


def _ask_on(client: ZK) -> None:
    for _ in range(1000):  # until the server's loop has taken note
        client.get_time()


def _connects(server: ClockServer) -> bool:
    try:
        socket.create_connection((server.host, server.port), timeout=60).close()
    except ConnectionRefusedError:
        return False
    return True
