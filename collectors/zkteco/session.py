"""One poll of one clock, through pyzk. Runs in a worker process that may be killed at any moment.

Only reads: the keypad is never disabled, no log is ever cleared.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from statistics import median
from typing import Any, TypeVar

from zk import ZK
from zk.exception import ZKError, ZKErrorResponse

from collectors.zkteco.decode import (
    BY_INDEX,
    AttendanceLog,
    OperationCounts,
    choose_layout,
    log_body,
    read_attendance,
    read_operations,
)
from collectors.zkteco.fleet import Known, PollTarget
from collectors.zkteco.job import Sighting
from domain.errors import DeviceUnreachableError

_ATTENDANCE, _OPERATIONS = 13, 34  # pyzk's CMD_ATTLOG_RRQ and CMD_OPLOG_RRQ

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


class _HonestSocket(socket.socket):
    """Says it when the peer has closed; pyzk takes the empty answer for data and asks for ever."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if not data and size:
            raise ConnectionResetError("closed by the clock")
        return data


class _Client(ZK):  # type: ignore[misc]  # pyzk has no types
    """pyzk with one honest, measured connection in place of its two unmeasured ones."""

    def __init__(self, target: PollTarget, timeout_s: float) -> None:
        super().__init__(
            target.host,
            target.port,
            timeout=timeout_s,
            password=target.comm_key,
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

    def close(self) -> None:
        self._ZK__sock.close()

    def _ZK__create_socket(self) -> None:  # noqa: N802 - pyzk's private name, overridden
        self._ZK__sock = _HonestSocket(socket.AF_INET, socket.SOCK_STREAM)
        self._ZK__sock.settimeout(self._timeout_s)
        start = time.perf_counter()
        self._ZK__sock.connect(self._address)
        self.connect_s = time.perf_counter() - start


@contextmanager
def _connected(target: PollTarget, timeout_s: float) -> Iterator[_Client]:
    client = _Client(target, timeout_s)
    try:
        client.connect()
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
    firmware = _text(client.timed(client.get_firmware_version))
    platform = _text(client.timed(client.get_platform))
    device_name = _text(client.timed(client.get_device_name))
    client.timed(client.read_sizes)
    known = target.known if target.serial in ("", serial) else Known()
    return Sighting(
        connect_s=client.connect_s,
        command_s=median(client.command_times),
        local_time=local_time,
        asked_at=asked_at,
        serial=serial,
        firmware=firmware,
        platform=platform,
        device_name=device_name,
        user_count=client.users,
        finger_count=client.fingers,
        record_count=client.records,
        record_capacity=client.rec_cap,
        operation_count=client.dummy,
        log=_log(client, known, target.log_is_old or known is not target.known),
        operations=_operations(client, known),
    )


def _local_time(client: _Client) -> datetime | None:
    try:
        local_time: datetime = client.get_time()
    except ValueError:  # the answer came, but no calendar has that day
        return None
    return local_time


def _log(client: _Client, known: Known, anyway: bool) -> AttendanceLog | None:
    count = client.records
    if count == known.records and not anyway:
        return None
    raw, _ = client.read_with_buffer(_ATTENDANCE)
    users: dict[int, str] = {}
    if choose_layout(log_body(raw), count, known.layout) in BY_INDEX:
        users = {user.uid: _text(user.user_id) for user in client.get_users()}
    return read_attendance(raw, count, known, users)


def _operations(client: _Client, known: Known) -> OperationCounts | None:
    if client.dummy == known.operations and known.power_ons is not None:
        return None
    try:
        raw, _ = client.read_with_buffer(_OPERATIONS)
    except ZKErrorResponse:  # older firmware keeps no such log
        return None
    return read_operations(raw)


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
