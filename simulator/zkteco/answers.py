"""What a clock answers to each command, within one session."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from simulator.zkteco.clock import EmulatedClock, OperationCode
from simulator.zkteco.records import users_bytes, with_length
from simulator.zkteco.wire import (
    Command,
    Packet,
    decode_time,
    encode_time,
    scramble_comm_key,
)

_INLINE_LIMIT = 1024  # a bulk answer below this comes at once, in one DATA packet
_BULK = struct.Struct("<bhii")
_CHUNK = struct.Struct("<ii")


@dataclass
class Session:
    """What a clock remembers of one connection.

    Attributes:
        number: the session id; 0 until CONNECT.
        trusted: whether the comm key was right, or none is asked for.
        buffer: the bulk answer that is being fetched in chunks.
        event_mask: the events that the client registered for.
        ended: EXIT or RESTART came: close after answering.
    """

    number: int = 0
    trusted: bool = False
    buffer: bytes = b""
    event_mask: int = 0
    ended: bool = False


Answer = tuple[int, bytes]
_OK: Answer = (Command.ACK_OK, b"")
_ERROR: Answer = (Command.ACK_ERROR, b"")


def answer(clock: EmulatedClock, session: Session, packet: Packet, number: int) -> list[Packet]:
    """The packets that answer `packet`. `number` is the session id that CONNECT would give."""
    clock.commands[packet.command] += 1
    if packet.command == Command.ACK_OK:  # the client has got an event
        return []
    answers = _answers(clock, session, packet, number)
    return [Packet(command, session.number, packet.reply, data) for command, data in answers]


def _answers(clock: EmulatedClock, session: Session, packet: Packet, number: int) -> list[Answer]:
    if packet.command == Command.CONNECT:
        return [_connect(clock, session, number)]
    if session.number == 0 or packet.session != session.number:
        return [_ERROR]
    if packet.command == Command.AUTH:
        return [_authenticate(clock, session, packet.data)]
    if not session.trusted:
        return [(Command.ACK_UNAUTH, b"")]
    if packet.command == Command.BULK_CHUNK:
        return _chunk(session, packet.data)
    handler = _HANDLERS.get(packet.command)
    return [handler(clock, session, packet.data) if handler else _ERROR]


def _connect(clock: EmulatedClock, session: Session, number: int) -> Answer:
    session.number = number
    session.trusted = clock.comm_key == 0
    return _OK if session.trusted else (Command.ACK_UNAUTH, b"")


def _authenticate(clock: EmulatedClock, session: Session, data: bytes) -> Answer:
    session.trusted = data[:4] == scramble_comm_key(clock.comm_key, session.number)
    return _OK if session.trusted else (Command.ACK_UNAUTH, b"")


def _chunk(session: Session, data: bytes) -> list[Answer]:
    """PREPARE_DATA, DATA, ACK_OK; an error when the chunk lies outside the buffer."""
    if len(data) < _CHUNK.size:
        return [_ERROR]
    start, size = _CHUNK.unpack_from(data)
    if start < 0 or size <= 0 or start + size > len(session.buffer):
        return [_ERROR]
    return [
        (Command.PREPARE_DATA, struct.pack("<II", size, 0x1000)),
        (Command.DATA, session.buffer[start : start + size]),
        _OK,
    ]


def _exit(_clock: EmulatedClock, session: Session, _data: bytes) -> Answer:
    session.ended = True
    return _OK


def _restart(clock: EmulatedClock, session: Session, _data: bytes) -> Answer:
    clock.operate(OperationCode.POWER_ON)
    session.ended = True
    return _OK


def _enable(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    clock.enabled = True
    return _OK


def _disable(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    clock.enabled = False
    return _OK


def _sizes(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    return Command.ACK_OK, clock.free_sizes()


def _version(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    return Command.ACK_OK, clock.make.firmware.encode() + b"\0"


def _option(clock: EmulatedClock, _session: Session, data: bytes) -> Answer:
    key = data.split(b"\0")[0].decode("ascii", "replace")
    value = clock.options().get(key)
    return _ERROR if value is None else (Command.ACK_OK, f"{key}={value}\0".encode())


def _time(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    return Command.ACK_OK, struct.pack("<I", encode_time(clock.local_time()))


def _set_time(clock: EmulatedClock, _session: Session, data: bytes) -> Answer:
    try:
        clock.set_local_time(decode_time(struct.unpack("<I", data[:4])[0]))
    except (struct.error, ValueError):
        return _ERROR
    return _OK


def _register_events(_clock: EmulatedClock, session: Session, data: bytes) -> Answer:
    if len(data) < 4:
        return _ERROR
    (session.event_mask,) = struct.unpack_from("<I", data)
    return _OK


def _clear_attendance(clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    clock.clear_records()
    return _OK


def _bulk_read(clock: EmulatedClock, session: Session, data: bytes) -> Answer:
    if len(data) < _BULK.size:
        return _ERROR
    _, command, _, _ = _BULK.unpack_from(data)
    body = _bulk_body(clock, command)
    if body is None:
        return _ERROR
    if len(body) < _INLINE_LIMIT:
        return Command.DATA, body
    session.buffer = body
    return Command.ACK_OK, struct.pack("<bIIi", 0, len(body), len(body), 0)


def _bulk_body(clock: EmulatedClock, command: int) -> bytes | None:
    if command == Command.ATTLOG_RRQ:
        return with_length(clock.attendance_log)
    if command == Command.OPLOG_RRQ and clock.make.keeps_operations:
        return with_length(clock.operation_log)
    if command == Command.USERS_RRQ:
        return users_bytes(clock.users, clock.make.record_size)
    return None


def _free(_clock: EmulatedClock, session: Session, _data: bytes) -> Answer:
    session.buffer = b""
    return _OK


def _nothing(_clock: EmulatedClock, _session: Session, _data: bytes) -> Answer:
    return _OK


_HANDLERS: dict[int, Callable[[EmulatedClock, Session, bytes], Answer]] = {
    Command.EXIT: _exit,
    Command.RESTART: _restart,
    Command.ENABLE_DEVICE: _enable,
    Command.DISABLE_DEVICE: _disable,
    Command.GET_FREE_SIZES: _sizes,
    Command.GET_VERSION: _version,
    Command.OPTIONS_RRQ: _option,
    Command.GET_TIME: _time,
    Command.SET_TIME: _set_time,
    Command.REG_EVENT: _register_events,
    Command.CLEAR_ATTLOG: _clear_attendance,
    Command.BULK_READ: _bulk_read,
    Command.FREE_DATA: _free,
    Command.REFRESH_DATA: _nothing,
    Command.STARTVERIFY: _nothing,
    Command.CANCELCAPTURE: _nothing,
}
