"""Forecall's own JSON contract: from a topic and a body to a `DeviceReport`, or to a reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from collectors.mqtt.dialect import Command
from collectors.mqtt.messages import (
    MAX_BODY,
    METRIC_LENGTH,
    NAME,
    TEXT,
    Counters,
    Event,
    Heartbeat,
    Message,
    State,
)
from domain.clock import require_aware
from domain.dialects import event_of
from domain.errors import UndecodableMessageError
from domain.report import Contact, DeviceFacts, DeviceReport, EventReport, Identity

_VERSION = "v1"
_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_PATH = re.compile(r"^(?P<expected>.*?) - at `(?P<path>.*)`$")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SHOWN = 80  # characters of a wrong value that a reason repeats
_TOPICS_KNOWN = 2**18  # more than the topics of any fleet that one collector hears
_SHAPES_KNOWN = 2**12
_NAME = re.compile(NAME)
_PLAIN = re.compile(TEXT)
_ALIVE = Contact()


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who speaks on a topic, and the topic but for its last level."""

    device: str
    where: str


class JsonContract:
    """The dialect of docs/mqtt.md, of one tenant's devices or, with `+`, of all."""

    def __init__(self, tenant: str = "+") -> None:
        self.topic_filters = (f"{_VERSION}/{tenant}/+/+/+",)

    def speaks(self, topic: str) -> bool:
        return topic.startswith(_VERSION + "/")

    def decode(self, topic: str, body: bytes, received_at: datetime) -> Sequence[DeviceReport]:
        return (decode(topic, body, received_at),)

    def commands(self) -> Sequence[Command]:
        return ()


def decode(topic: str, body: bytes, received_at: datetime) -> DeviceReport:
    """The report that `body` makes, published to `topic`.

    Raises UndecodableMessageError, whose message names the field, its value and what is allowed.
    """
    sender, kind = _split(topic)
    return _REPORT[kind](sender, _read(kind, body), received_at)


@lru_cache(_TOPICS_KNOWN)
def _split(topic: str) -> tuple[_Sender, str]:
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
    return _Sender(levels[3], "/".join(levels[:4])), levels[4]


def _read(kind: str, body: bytes) -> Message:
    if len(body) > MAX_BODY:
        raise UndecodableMessageError(f"body: {len(body)} bytes; allowed: at most {MAX_BODY}")
    try:
        message: Message = _DECODERS[kind].decode(body)
    except msgspec.ValidationError as error:
        raise UndecodableMessageError(_explain(str(error), body)) from error
    except _UNREADABLE as error:
        raise UndecodableMessageError(f"body: {error}; allowed: JSON in UTF-8") from error
    _check_boot(message.boot_id)
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


def _state(sender: _Sender, message: State, received_at: datetime) -> DeviceReport:
    facts = DeviceFacts(message.model, message.firmware, message.serial, sender.where)
    contact = Contact(
        reported=message.state,
        is_will=message.will,
        detail=message.reason,
        component=message.component,
    )
    return DeviceReport(
        *(sender.device, _moment(message.ts), received_at, Identity(message.boot_id, message.seq)),
        contact=contact,
        facts=facts,
    )


def _heartbeat(sender: _Sender, message: Heartbeat, received_at: datetime) -> DeviceReport:
    _check_names("gauges", tuple(message.gauges))
    return DeviceReport(
        sender.device,
        _moment(message.ts),
        received_at,
        Identity(message.boot_id, message.seq),
        _promise(message.interval_s),
        gauges=message.gauges,
    )


def _counters(sender: _Sender, message: Counters, received_at: datetime) -> DeviceReport:
    _check_names("counters", tuple(message.counters))
    _check_names("gauges", tuple(message.gauges))
    return DeviceReport(
        sender.device,
        _moment(message.ts),
        received_at,
        Identity(message.boot_id, message.seq),
        _ALIVE,
        message.counters,
        message.gauges,
    )


def _event(sender: _Sender, message: Event, received_at: datetime) -> DeviceReport:
    event = EventReport(
        message.component, message.code, message.severity, message.dialect, message.raw_code
    )
    if not message.code:
        if not message.dialect or not message.raw_code:
            raise UndecodableMessageError("code: missing; allowed: a code, or dialect and raw_code")
        event = event_of(message.dialect, message.raw_code, message.component, message.severity)
    return DeviceReport(
        *(sender.device, _moment(message.ts), received_at, Identity(message.boot_id, message.seq)),
        events=(event,),
    )


@lru_cache(_SHAPES_KNOWN)
def _promise(interval_s: float) -> Contact:
    return Contact(interval_s=interval_s)


@lru_cache(_TOPICS_KNOWN)
def _check_boot(boot_id: str) -> None:
    if not _PLAIN.fullmatch(boot_id):
        raise UndecodableMessageError(
            f"boot_id: {boot_id!r}; allowed: 1 to 64 characters, none of them a control character"
        )


@lru_cache(_SHAPES_KNOWN)
def _check_names(field: str, names: tuple[str, ...]) -> None:
    """Raises UndecodableMessageError. A device says the same names all its life: they are checked once."""
    for name in names:
        if not _NAME.fullmatch(name) or len(name) > METRIC_LENGTH:
            raise UndecodableMessageError(
                f"{field}: name {name[:_SHOWN]!r}; allowed: 1 to {METRIC_LENGTH} of "
                "A-Z a-z 0-9 . _ : -, a letter or digit first"
            )


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "state": msgspec.json.Decoder(State),
    "heartbeat": msgspec.json.Decoder(Heartbeat),
    "counters": msgspec.json.Decoder(Counters),
    "event": msgspec.json.Decoder(Event),
}
_REPORT: dict[str, Callable[[_Sender, Any, datetime], DeviceReport]] = {
    "state": _state,
    "heartbeat": _heartbeat,
    "counters": _counters,
    "event": _event,
}
