"""From a topic and a body to a `DeviceReport`, or to a reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from collectors.mqtt.messages import MAX_BODY, Counters, Event, Heartbeat, Message, State
from domain.clock import require_aware
from domain.errors import UndecodableMessageError
from domain.report import (
    Contact,
    DeviceFacts,
    DeviceReport,
    EventReport,
    Identity,
)

_VERSION = "v1"
_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_PATH = re.compile(r"^(?P<expected>.*?) - at `(?P<path>.*)`$")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SHOWN = 80  # characters of a wrong value that a reason repeats


def decode(topic: str, body: bytes, received_at: datetime) -> DeviceReport:
    """The report that `body` makes, published to `topic`.

    Raises UndecodableMessageError, whose message names the field, its value and what is allowed.
    """
    device, kind = _split(topic)
    message = _read(kind, body)
    return DeviceReport(
        device_key=device,
        at=_moment(message.ts),
        received_at=received_at,
        identity=Identity(message.boot_id, message.seq),
        **_CONTENT[kind](message),
    )


def _split(topic: str) -> tuple[str, str]:
    levels = topic.split("/")
    if len(levels) != 5 or levels[0] != _VERSION:
        raise UndecodableMessageError(
            f"topic: {topic!r}; allowed: {_VERSION}/tenant/site/device/kind"
        )
    for name, level in zip(("tenant", "site", "device"), levels[1:4], strict=True):
        if not _LEVEL.fullmatch(level):
            raise UndecodableMessageError(
                f"topic: {name} {level!r}; allowed: 1 to 128 of A-Z a-z 0-9 . _ : -, "
                "a letter or digit first"
            )
    if levels[4] not in _DECODERS:
        raise UndecodableMessageError(f"topic: kind {levels[4]!r}; allowed: {', '.join(_DECODERS)}")
    return levels[3], levels[4]


def _read(kind: str, body: bytes) -> Message:
    if len(body) > MAX_BODY:
        raise UndecodableMessageError(f"body: {len(body)} bytes; allowed: at most {MAX_BODY}")
    try:
        message: Message = _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        raise UndecodableMessageError(_explain(str(error), body)) from error
    except _UNREADABLE as error:
        raise UndecodableMessageError(f"body: {error}; allowed: JSON in UTF-8") from error
    is_will = isinstance(message, State) and message.will
    if is_will != (message.seq == 0):
        raise UndecodableMessageError(
            f"seq: {message.seq}; allowed: 0 for the last will, 1 or more for all else"
        )
    return message


def _moment(ts: datetime) -> datetime:
    try:
        return require_aware(ts, "ts")
    except OverflowError as error:
        raise UndecodableMessageError(f"ts: {ts}; allowed: the years 1 to 9999 in UTC") from error


def _explain(error: str, body: bytes) -> str:
    """msgspec's sentence with the field first and the value that was wrong."""
    match = _PATH.match(error)
    if match is None:
        return f"body: {error}"
    field = match["path"].removeprefix("$.")
    try:
        value: Any = msgspec.json.decode(body)
        for name in match["path"].split(".")[1:]:
            value = value[name]
    except (*_UNREADABLE, KeyError, TypeError):
        # Inside a list of values msgspec does not say which; the field's name must do.
        return f"{field}: {match['expected']}"
    return f"{field}: {msgspec.json.encode(value)[:_SHOWN].decode(errors='replace')}; {match['expected']}"


def _state(message: State) -> dict[str, Any]:
    facts = DeviceFacts(message.model, message.firmware, message.serial)
    return {
        "contact": Contact(
            reported=message.state,
            is_will=message.will,
            detail=message.reason,
            component=message.component,
        ),
        "facts": facts if facts != DeviceFacts() else None,
    }


def _heartbeat(message: Heartbeat) -> dict[str, Any]:
    return {
        "contact": Contact(interval_s=message.interval_s),
        "gauges": message.gauges,
    }


def _counters(message: Counters) -> dict[str, Any]:
    return {"counters": message.counters, "gauges": message.gauges}


def _event(message: Event) -> dict[str, Any]:
    event = EventReport(
        message.component, message.code, message.severity, message.dialect, message.raw_code
    )
    return {"events": (event,)}


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "state": msgspec.json.Decoder(State),
    "heartbeat": msgspec.json.Decoder(Heartbeat),
    "counters": msgspec.json.Decoder(Counters),
    "event": msgspec.json.Decoder(Event),
}
_CONTENT: dict[str, Callable[[Any], dict[str, Any]]] = {
    "state": _state,
    "heartbeat": _heartbeat,
    "counters": _counters,
    "event": _event,
}
