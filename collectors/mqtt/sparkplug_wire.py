"""Sparkplug B payloads: the protobuf wire format, read and written for this one message.

Field numbers and datatypes are those of the Sparkplug 3.0 specification, section 6.4 (Google Protocol
Buffers schema). What Forecall has no use for (metadata, properties, data sets, templates) is skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from domain.errors import UndecodableMessageError

MAX_BODY = 256 * 1024
"""Bytes; a longer payload is refused."""

MAX_METRICS = 5_000
"""Metrics in one payload; more are refused."""

MAX_NAME = 512
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_NO_WIRE_TYPE = "allowed: varint, fixed64, length-delimited, fixed32"

Value = int | float | bool | str | None


class DataType(IntEnum):
    """The datatypes that Forecall reads values of."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15


_SIGNED_BITS = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
_UNSIGNED_BITS = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
_FLOATS = frozenset({DataType.FLOAT, DataType.DOUBLE})
TEXTS = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
NUMBERS = (frozenset(_SIGNED_BITS) | frozenset(_UNSIGNED_BITS) | _FLOATS) - {DataType.DATETIME}


@dataclass(slots=True)
class Metric:
    """One metric of a payload as it stands on the wire. Times in milliseconds since 1970.

    `value` is the field that was set, not yet read by its datatype.
    """

    name: str = ""
    alias: int | None = None
    timestamp: int | None = None
    datatype: int = 0
    is_historical: bool = False
    is_null: bool = False
    field: int = 0
    value: int | bytes = 0


@dataclass(slots=True)
class Payload:
    """`timestamp` in milliseconds since 1970; `seq` 0 to 255, or None where there is none."""

    timestamp: int | None
    seq: int | None
    metrics: list[Metric]


def read_payload(body: bytes) -> Payload:
    """Raises UndecodableMessageError that says what is wrong, and at which byte."""
    if len(body) > MAX_BODY:
        raise UndecodableMessageError(f"body: {len(body)} bytes; allowed: at most {MAX_BODY}")
    payload = Payload(None, None, [])
    for number, kind, value in _fields(body):
        if number == 2 and kind == _LENGTH:
            if len(payload.metrics) == MAX_METRICS:
                raise UndecodableMessageError(f"metrics: more than {MAX_METRICS}; allowed: fewer")
            payload.metrics.append(_metric(_as_bytes(value)))
        elif number == 1 and kind == _VARINT:
            payload.timestamp = _as_int(value)
        elif number == 3 and kind == _VARINT:
            payload.seq = _as_int(value)
    if payload.seq is not None and payload.seq > 255:
        raise UndecodableMessageError(f"seq: {payload.seq}; allowed: 0 to 255")
    return payload


def read_value(metric: Metric, datatype: int, name: str) -> Value:
    """The metric's value by its datatype; None where it has none, or one of no use here.

    Raises UndecodableMessageError when the value stands in a field that the datatype does not use.
    """
    if metric.is_null or metric.field == 0:
        return None
    try:
        kind = DataType(datatype)
    except ValueError:
        return None  # a data set, a template, bytes, an array
    value = _read(metric, kind)
    if value is None:
        raise UndecodableMessageError(
            f"metric {name!r}: a value in field {metric.field}; allowed: the field of {kind.name}"
        )
    return value


def _read(metric: Metric, kind: DataType) -> Value:
    field, value = metric.field, metric.value
    if field in (10, 11) and (kind in _SIGNED_BITS or kind in _UNSIGNED_BITS):
        return _whole(_as_int(value), kind)
    if field == 12 and kind in _FLOATS:
        return float(struct.unpack("<f", _as_bytes(value))[0])
    if field == 13 and kind in _FLOATS:
        return float(struct.unpack("<d", _as_bytes(value))[0])
    if field == 14 and kind is DataType.BOOLEAN:
        return bool(value)
    if field == 15 and kind in TEXTS:
        return _text(_as_bytes(value), "string value")
    return None


def _whole(value: int, kind: DataType) -> int:
    """Writers widen negative numbers differently; the datatype's own bits are the same for all."""
    bits = _SIGNED_BITS.get(kind) or _UNSIGNED_BITS[kind]
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind in _SIGNED_BITS and value >> (bits - 1) else value


def _metric(data: bytes) -> Metric:
    metric = Metric()
    for number, kind, value in _fields(data):
        if 10 <= number <= 19:
            if _VALUE_KINDS.get(number, _LENGTH) != kind:
                raise UndecodableMessageError(f"metric: value field {number} of wire type {kind}")
            metric.field, metric.value = number, value
        elif number == 1 and kind == _LENGTH:
            metric.name = _name(_as_bytes(value))
        elif kind == _VARINT and number in _VARINT_FIELDS:
            _set(metric, number, _as_int(value))
    return metric


_VALUE_KINDS = {10: _VARINT, 11: _VARINT, 12: _FIXED32, 13: _FIXED64, 14: _VARINT}
_VARINT_FIELDS = frozenset({2, 3, 4, 5, 7})


def _set(metric: Metric, number: int, value: int) -> None:
    match number:
        case 2:
            metric.alias = value
        case 3:
            metric.timestamp = value
        case 4:
            metric.datatype = value
        case 5:
            metric.is_historical = bool(value)
        case _:
            metric.is_null = bool(value)


def _name(data: bytes) -> str:
    name = _text(data, "metric name")
    if len(name) > MAX_NAME:
        raise UndecodableMessageError(f"metric name: {len(name)} characters; allowed: {MAX_NAME}")
    return name


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UndecodableMessageError(f"{what}: {data[:40]!r}; allowed: UTF-8") from error


def _as_int(value: int | bytes) -> int:
    assert isinstance(value, int)
    return value


def _as_bytes(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value) of a message: numbers for varints, else the bytes."""
    at, end = 0, len(data)
    while at < end:
        key, start = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise UndecodableMessageError(f"body: field number 0 at byte {at}; allowed: 1 or more")
        if kind == _VARINT:
            value, at = _varint(data, start)
            yield number, kind, value
            continue
        size, start = _size(data, start, kind)
        at = start + size
        if at > end:
            raise UndecodableMessageError(f"body: ends at byte {end}; field {number} goes to {at}")
        yield number, kind, data[start:at]


def _size(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == _LENGTH:
        return _varint(data, at)
    if kind == _FIXED64:
        return 8, at
    if kind == _FIXED32:
        return 4, at
    raise UndecodableMessageError(f"body: wire type {kind} at byte {at}; {_NO_WIRE_TYPE}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    if at < len(data) and data[at] < 0x80:  # as most are
        return data[at], at + 1
    value = shift = 0
    for place in range(at, min(at + 10, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + 1
        shift += 7
    raise UndecodableMessageError(f"body: no whole number at byte {at}; allowed: up to 64 bits")


def rebirth_request(at_ms: int) -> bytes:
    """The payload of an NCMD that asks an edge node to say its births again."""
    name = b"Node Control/Rebirth"
    metric = b"\x0a" + bytes([len(name)]) + name + b"\x20" + bytes([DataType.BOOLEAN]) + b"\x70\x01"
    return b"\x08" + _write_varint(at_ms) + b"\x12" + bytes([len(metric)]) + metric


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
