"""One poll of one clock, through pyzk. Runs in a worker process that may be killed at any moment.

Only reads: the keypad is never disabled, no log is ever cleared.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, TypeVar

from zk import ZK
from zk.exception import ZKError, ZKErrorResponse

from collectors.zkteco.decode import (
    BY_INDEX,
    AttendanceLog,
    choose_layout,
    log_body,
    read_attendance,
)
from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Make, Sighting
from collectors.zkteco.known import Known
from collectors.zkteco.oplog import OperationLog, read_operations
from domain.errors import DeviceUnreachableError

_OPTIONS, _ATTENDANCE, _OPERATIONS = 11, 13, 34  # pyzk's CMD_OPTIONS_RRQ and so on
_EVENT = (500).to_bytes(2, "little")
_PUNCHES = 1  # the bit of attendance records in an event mask
_KEEP_ALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}
_TELLING_BYTES = 16_384  # a shorter transfer is all latency
_LONGEST_DATAGRAM = 65_535

T = TypeVar("T")


def poll(target: PollTarget, timeout_s: float) -> Sighting:
    """Asks one clock for everything that is wanted of it.

    `timeout_s` limits each single wait for the clock; the caller limits the whole.
    Raises DeviceUnreachableError, whose reason tells how it failed.
    """
    try:
        with _connected(target, timeout_s) as client:
            return _look(client, target)
    except Exception as error:  # pyzk raises whatever its parsing trips over
        raise DeviceUnreachableError(_reason(error), f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class EventSession:
    """A session whose clock was asked to tell of punches. Whoever has it closes its plug."""

    plug: socket.socket
    acknowledge: Callable[[], None]


def listen(target: PollTarget, timeout_s: float) -> EventSession:
    """Opens a session and asks for its events: frames on the plug, of any length, at any time.

    A clock that vanishes without a word is noticed after about a minute. Sends commands that read
    only: the clock is not made to verify or to wait. Raises DeviceUnreachableError.
    """
    client = _Client(target, timeout_s)
    try:
        client.connect()
        client.reg_event(_PUNCHES)
    except Exception as error:  # pyzk raises whatever its parsing trips over
        client.close()
        raise DeviceUnreachableError(_reason(error), f"{type(error).__name__}: {error}") from error
    return client.hand_over()


class _TornError(Exception):
    """A part of a log was lost on its way."""


class _HonestSocket(socket.socket):
    """Says it when the peer has closed; pyzk takes the empty answer for data and asks for ever."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if not data and size:
            raise ConnectionResetError("closed by the clock")
        return data


class _HonestDatagrams(socket.socket):
    """Passes over answers to earlier questions, which UDP may bring late or twice, and events.

    Takes a datagram whole: pyzk's buffers are a header too short for the longest.
    """

    def sendto(self, data: bytes, _address: object) -> int:  # type: ignore[override]
        self._asked = data[6:8]
        return super().send(data)

    def recv(self, _size: int, flags: int = 0, /) -> bytes:
        while True:
            data = super().recv(_LONGEST_DATAGRAM, flags)
            if data[6:8] == self._asked and data[:2] != _EVENT:
                return data


class _Client(ZK):  # type: ignore[misc]  # pyzk has no types
    """pyzk with one honest, measured connection in place of its two unmeasured ones."""

    def __init__(self, target: PollTarget, timeout_s: float) -> None:
        super().__init__(
            target.host,
            target.port,
            timeout=timeout_s,
            password=target.comm_key,
            force_udp=target.transport == "udp",
            ommit_ping=True,  # its ping goes through a shell, with the address in it
        )
        self.close()  # a UDP socket that pyzk opens and never uses
        self.helper.test_tcp = lambda: 0  # its trial connection
        self._address = (target.host, target.port)
        self._timeout_s = timeout_s
        self.connect_s = 0.0
        self.command_times: list[float] = []

    def timed(self, command: Callable[[], T]) -> T:
        """The answer of `command`; keeps how long it took."""
        start = time.perf_counter()
        answer = command()
        self.command_times.append(time.perf_counter() - start)
        return answer

    def option(self, key: str) -> str:
        """What the clock says of itself under `key`; empty when it says nothing."""
        if not self._ZK__send_command(_OPTIONS, key.encode() + b"\0", 1024)["status"]:
            return ""
        value: bytes = self._ZK__data.partition(b"=")[2].split(b"\0")[0]
        return value.decode("utf-8", "replace").strip()

    def dump(self, command: int) -> bytes:
        """A log, whole. Raises _TornError when less came than was announced: UDP loses packets."""
        raw: bytes
        raw, announced = self.read_with_buffer(command)
        if len(raw) != announced:
            raise _TornError(f"{len(raw)} bytes came of {announced} that were announced")
        return raw

    def hand_over(self) -> EventSession:
        """The session as it stands, for somebody who reads its frames."""
        plug: socket.socket = self._ZK__sock
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _KEEP_ALIVE.items():
            plug.setsockopt(socket.IPPROTO_TCP, option, seconds)
        return EventSession(plug, self._ZK__ack_ok)

    def close(self) -> None:
        self._ZK__sock.close()

    def _ZK__create_socket(self) -> None:  # noqa: N802 - pyzk's private name, overridden
        kind = _HonestSocket if self.tcp else _HonestDatagrams
        self._ZK__sock = kind(socket.AF_INET, socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM)
        self._ZK__sock.settimeout(self._timeout_s)
        start = time.perf_counter()
        self._ZK__sock.connect(self._address)
        self.connect_s = time.perf_counter() - start


@contextmanager
def _connected(target: PollTarget, timeout_s: float) -> Iterator[_Client]:
    client = _Client(target, timeout_s)
    try:
        start = time.perf_counter()
        client.connect()
        if target.transport == "udp":  # there is no connection but the one that the clock grants
            client.connect_s = time.perf_counter() - start
        yield client
        # What was read stands, whether or not the clock says goodbye.
        with suppress(ZKError):
            client.disconnect()
    finally:
        client.close()


def _look(client: _Client, target: PollTarget) -> Sighting:
    serial = _text(client.timed(client.get_serialnumber))
    asked = time.time()
    local_time = client.timed(lambda: _local_time(client))
    asked_at = (asked + time.time()) / 2
    client.timed(client.read_sizes)
    record_count, operation_count = client.records, client.dummy
    known = target.known if target.serial in ("", serial) else Known()
    anyway = target.log_is_old or known is not target.known
    log, rate = _log(client, known, anyway)
    return Sighting(
        connect_s=client.connect_s,
        command_s=median(client.command_times),
        local_time=local_time,
        asked_at=asked_at,
        serial=serial,
        user_count=client.users,
        finger_count=client.fingers,
        record_count=record_count,
        record_capacity=client.rec_cap,
        operation_count=operation_count,
        make=_make(client) if anyway else None,
        log=log,
        operations=_operations(client, operation_count, known),
        transfer_rate=rate,
    )


def _local_time(client: _Client) -> datetime | None:
    try:
        local_time: datetime = client.get_time()
    except ValueError:  # the answer came, but no calendar has that day
        return None
    return local_time


def _make(client: _Client) -> Make:
    free = client.option("FreeFlashSize")
    return Make(
        firmware=_text(client.get_firmware_version()),
        platform=_text(client.option("~Platform")),
        device_name=_text(client.option("~DeviceName")),
        mac=_text(client.option("MAC")),
        free_flash=int(free) if free.isascii() and free.isdecimal() else None,
    )


def _log(client: _Client, known: Known, anyway: bool) -> tuple[AttendanceLog | None, float | None]:
    """The attendance log if it may have changed, and the bytes/s at which it came."""
    count = client.records
    if count == known.records and not anyway:
        return None, None
    start = time.perf_counter()
    raw = client.dump(_ATTENDANCE)
    rate = len(raw) / (time.perf_counter() - start) if len(raw) >= _TELLING_BYTES else None
    users: dict[int, str] = {}
    if choose_layout(log_body(raw), count, known.layout) in BY_INDEX:
        users = {user.uid: _text(user.user_id) for user in client.get_users()}
    return read_attendance(raw, count, known, users), rate


def _operations(client: _Client, count: int, known: Known) -> OperationLog | None:
    if count == known.operations and known.power_ons is not None:
        return None
    try:
        raw = client.dump(_OPERATIONS)
    except ZKErrorResponse:  # older firmware keeps no such log
        return None
    return read_operations(raw, known)


def _text(said: str) -> str:
    """Without what PostgreSQL's text can't hold."""
    return said.replace("\0", "").strip()


def _reason(error: BaseException) -> str:
    """One of DeviceUnreachableError's reasons, from the chain of errors behind `error`."""
    if isinstance(error, ZKErrorResponse) and "Unauthenticated" in str(error):
        return "auth_failed"
    cause: Any = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return "protocol"
    if isinstance(cause, ConnectionRefusedError):
        return "refused"
    return "reset" if isinstance(cause, ConnectionError) else "timeout"
