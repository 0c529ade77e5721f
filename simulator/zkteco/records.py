"""How a clock lays out users, punches, operations and counts in memory.

Four layouts of attendance records are met in the field, told apart by their size in bytes: 8
(oldest), 16, 40 (most) and 49 (newest: 40 and nine more).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulator.zkteco.wire import encode_time

RecordSize = Literal[8, 16, 40, 49]

_PUNCH_8 = struct.Struct("<HBIB")  # uid, status, time, punch
_PUNCH_16 = struct.Struct("<IIBB2xI")  # user number, time, status, punch, work code
_PUNCH_40 = struct.Struct("<H24sBIB8x")  # uid, user reference, status, time, punch
_USER_28 = struct.Struct("<HB5s8sIxBhI")
_USER_72 = struct.Struct("<HB8s24sIx7sx24s")
_OPERATION = struct.Struct("<HBBI4H")
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class User:
    """A person enrolled on the clock. `uid` is the clock's own index, `user_ref` the number shown."""

    uid: int
    user_ref: str
    name: str = ""
    privilege: int = 0
    card: int = 0
    fingers: int = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the operation log. Codes: 0 power on, 1 power off, 2 verification failed, ..."""

    code: int
    local_time: datetime
    operator: int = 0
    values: tuple[int, int, int, int] = (0, 0, 0, 0)


def punch_bytes(
    size: RecordSize, uid: int, user_ref: str, status: int, time_code: int, punch: int
) -> bytes:
    """One attendance record of `size` bytes. `time_code` need not be a possible time."""
    if size == 8:
        return _PUNCH_8.pack(uid, status, time_code, punch)
    if size == 16:
        return _PUNCH_16.pack(_number(user_ref), time_code, status, punch, 0)
    return _PUNCH_40.pack(uid, user_ref.encode()[:23], status, time_code, punch).ljust(size, b"\0")


def users_bytes(users: list[User], size: RecordSize) -> bytes:
    """The user table: 28 bytes a user on clocks with short records, else 72."""
    pack = _user_28 if size in (8, 16) else _user_72
    return with_length(b"".join(map(pack, users)))


def operation_bytes(operation: Operation) -> bytes:
    """One 16-byte entry of the operation log."""
    return _OPERATION.pack(
        operation.operator, operation.code, 0, encode_time(operation.local_time), *operation.values
    )


def with_length(body: bytes | bytearray) -> bytes:
    """A bulk answer: u32 length, then the body."""
    return _LENGTH.pack(len(body)) + body


def event_bytes(size: RecordSize, user_ref: str, status: int, punch: int, at: datetime) -> bytes:
    """An ATTLOG event: 12 bytes on clocks with short records, else 32."""
    moment = bytes((at.year % 100, at.month, at.day, at.hour, at.minute, at.second))
    if size in (8, 16):
        return struct.pack("<IBB6s", _number(user_ref), status, punch, moment)
    return struct.pack("<24sBB6s", user_ref.encode()[:23], status, punch, moment)


def _user_28(user: User) -> bytes:
    name = user.name.encode()[:8]
    number = _number(user.user_ref)
    return _USER_28.pack(user.uid, user.privilege, b"", name, user.card, 0, 0, number)


def _user_72(user: User) -> bytes:
    name, reference = user.name.encode()[:23], user.user_ref.encode()[:23]
    return _USER_72.pack(user.uid, user.privilege, b"", name, user.card, b"", reference)


def _number(user_ref: str) -> int:
    return int(user_ref) if user_ref.isdecimal() else 0
