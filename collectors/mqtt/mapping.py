"""Devices that publish some other JSON, read as a mapping file says (docs/mqtt.md)."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collectors.mqtt.dialect import Command
from collectors.mqtt.mapping_file import ARRIVAL, LEVEL, UNITS, Field, Mapping, read_mapping
from collectors.mqtt.messages import NAME
from domain.device import ReportedState
from domain.dialects import canonical_event, event_of
from domain.errors import UndecodableMessageError
from domain.report import Contact, DeviceFacts, DeviceReport, EventReport, Identity

MAX_BODY = 256 * 1024
"""Bytes; a longer body is refused."""

_MAX_TEXT = 128
_SHOWN = 80
_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?")
_CODE = re.compile(NAME)
_DIGEST_BITS = 24
_BRACES = re.compile(r"\{([a-z_]+)\}")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MISSING = object()


def load_mapping(path: Path) -> MappedJson:
    """The dialect of a mapping file. Raises ConfigurationError that names the key and its value."""
    return MappedJson(read_mapping(path))


@dataclass(slots=True)
class _Content:
    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    events: list[EventReport] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    reported: ReportedState | None = None
    component: str = ""
    detail: str = ""


class MappedJson:
    """JSON that other people's devices publish.

    A message is known again by `boot` and `seq` where it has them, else by its time and a digest of
    its body: a redelivered or retained one counts once. One without a time of its own counts as
    often as it arrives.
    """

    def __init__(self, mappings: Sequence[Mapping]) -> None:
        self._mappings = [(_pattern(mapping), mapping) for mapping in mappings]
        self.topic_filters = tuple(mapping.topic_filter for mapping in mappings)
        self._last: dict[tuple[str, str], str] = {}

    def speaks(self, topic: str) -> bool:
        return any(pattern.fullmatch(topic) for pattern, _ in self._mappings)

    def commands(self) -> Sequence[Command]:
        return ()

    def decode(self, topic: str, body: bytes, received_at: datetime) -> Sequence[DeviceReport]:
        """One report. Raises UndecodableMessageError: the field, its value and what is allowed."""
        mapping, key = self._whose(topic)
        tree = _read(body)
        at = _time(mapping, tree, received_at)
        content = _Content()
        for each in mapping.field:
            value = _at(tree, each.path)
            if value is _MISSING or value is None:
                if each.required:
                    raise UndecodableMessageError(f"{each.path}: missing; it is required")
            elif value not in each.ignore:
                self._take(content, each, value, key)
        facts = DeviceFacts(**content.facts)
        return (
            DeviceReport(
                device_key=key,
                at=at,
                received_at=received_at,
                identity=_identity(mapping, tree, at, topic, body),
                contact=Contact(
                    interval_s=mapping.interval_s,
                    reported=content.reported,
                    detail=content.detail,
                    component=content.component,
                ),
                counters=content.counters,
                gauges=content.gauges,
                events=tuple(content.events),
                facts=facts if content.facts else None,
            ),
        )

    def _whose(self, topic: str) -> tuple[Mapping, str]:
        for pattern, mapping in self._mappings:
            match = pattern.fullmatch(topic)
            if match:
                return mapping, ",".join(_level(name, match[name]) for name in mapping.key)
        allowed = ", ".join(mapping.topic for _, mapping in self._mappings)
        raise UndecodableMessageError(f"topic: {topic[:200]!r}; allowed: {allowed}")

    def _take(self, content: _Content, each: Field, value: Any, key: str) -> None:
        match each.role:
            case "counter":
                number = _number(each, value)
                if number < 0:
                    raise _misfit(each.path, value, "0 or more")
                content.counters[each.counter or ""] = number
            case "gauge":
                content.gauges[each.gauge or ""] = _number(each, value)
            case "state":
                content.reported = _state(each, value)
                content.component, content.detail = each.state or "", _text(each, value)
            case "fact":
                content.facts[each.fact or ""] = _text(each, value)
            case _:
                self._take_event(content, each, value, key)

    def _take_event(self, content: _Content, each: Field, value: Any, key: str) -> None:
        text = _text(each, value)
        place = (key, each.path)
        if each.on_change and self._last.get(place) == text:
            return
        self._last[place] = text
        content.events.append(_event(each, text))


def _pattern(mapping: Mapping) -> re.Pattern[str]:
    levels = [_BRACES.fullmatch(level) or level for level in mapping.levels]
    return re.compile(
        "/".join(
            re.escape(level) if isinstance(level, str) else f"(?P<{level[1]}>[^/]*)"
            for level in levels
        ),
        re.DOTALL,
    )


def _level(name: str, level: str) -> str:
    if not LEVEL.fullmatch(level):
        raise UndecodableMessageError(
            f"topic: {name} {level[:_SHOWN]!r}; allowed: 1 to 128 of A-Z a-z 0-9 . _ : -, "
            "a letter or digit first"
        )
    return level


def _read(body: bytes) -> Any:
    if len(body) > MAX_BODY:
        raise UndecodableMessageError(f"body: {len(body)} bytes; allowed: at most {MAX_BODY}")
    try:
        return msgspec.json.decode(body)
    except _UNREADABLE as error:
        raise UndecodableMessageError(f"body: {error}; allowed: JSON in UTF-8") from error


def _at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(tree, dict):
            tree = tree.get(name, _MISSING)
        elif isinstance(tree, list) and name.isascii() and name.isdigit() and len(name) < 6:
            tree = tree[int(name)] if int(name) < len(tree) else _MISSING
        else:
            return _MISSING
    return tree


def _time(mapping: Mapping, tree: Any, received_at: datetime) -> datetime:
    if mapping.time == ARRIVAL:
        return received_at
    value = _at(tree, mapping.time)
    try:
        if mapping.time_format == "rfc3339":
            return _zoned(mapping, datetime.fromisoformat(str(value)))
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if mapping.time_format == "unix_ms" else value
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        shown = None if value is _MISSING else value
        raise _misfit(mapping.time, shown, f"a time, {mapping.time_format}") from error
    raise _misfit(mapping.time, None if value is _MISSING else value, "a number of time")


def _zoned(mapping: Mapping, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        if mapping.time_zone is None:
            raise ValueError("no time zone in it, and no time_zone in the mapping")
        moment = moment.replace(tzinfo=ZoneInfo(mapping.time_zone))
    return moment.astimezone(UTC)


def _identity(mapping: Mapping, tree: Any, at: datetime, topic: str, body: bytes) -> Identity:
    if mapping.boot is not None and mapping.seq is not None:
        boot, seq = _at(tree, mapping.boot), _at(tree, mapping.seq)
        if (
            not isinstance(boot, str | int)
            or isinstance(boot, bool)
            or not 0 < len(str(boot)) <= 64
        ):
            raise _misfit(mapping.boot, boot, "text or a whole number, up to 64 characters")
        if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < 2**53:
            raise _misfit(mapping.seq, seq, "a whole number, 0 or more")
        return Identity(_printable(mapping.boot, str(boot)), seq + 1)  # 0 is a last will's
    # An hour's messages are one session: numbers that grow with time, and sessions that stay short.
    hour = at.replace(minute=0, second=0, microsecond=0)
    digest = hashlib.blake2b(topic.encode(errors="replace") + b"\0" + body, digest_size=3).digest()
    number = (at - hour) // timedelta(milliseconds=1) << _DIGEST_BITS
    return Identity(f"{hour:%Y-%m-%dT%H}", 1 + number + int.from_bytes(digest))


def _number(each: Field, value: Any) -> float:
    mapped = _mapped(each, value)
    if isinstance(mapped, str) and _NUMBER.fullmatch(mapped):
        mapped = float(mapped)
    if isinstance(mapped, bool):
        mapped = int(mapped)
    if not isinstance(mapped, int | float):
        raise _misfit(each.path, value, _allowed(each, "a number"))
    try:
        number = float(mapped)
    except OverflowError as error:
        raise _misfit(each.path, "a huge number", "a number of 64 bits") from error
    scale, offset = UNITS[each.unit] if each.unit else (each.scale, each.offset)
    number = number * scale + offset
    if not math.isfinite(number):
        raise _misfit(each.path, value, "a finite number")
    return number


def _state(each: Field, value: Any) -> ReportedState:
    mapped = _mapped(each, value)
    if mapped not in list(ReportedState):
        raise _misfit(each.path, value, _allowed(each, ", ".join(ReportedState)))
    return ReportedState(mapped)


def _event(each: Field, text: str) -> EventReport:
    component = each.event or ""
    if text in each.values:
        code = str(each.values[text])
        event = canonical_event(code, component, each.severity)
        return EventReport(event.component, code, event.severity, each.dialect, text)
    if each.dialect:
        return event_of(each.dialect, text, component, each.severity)
    if len(text) > 64 or not _CODE.fullmatch(text):
        raise _misfit(each.path, text, _allowed(each, "a code"))
    return canonical_event(text, component, each.severity)


def _mapped(each: Field, value: Any) -> Any:
    name = _name(value)
    return each.values.get(name, value) if name is not None else value


def _name(value: Any) -> str | None:
    """How a value is called in `values`: `true`, `7`, `jam`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | float) or _is_short(value) else None


def _is_short(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < 2**64


def _text(each: Field, value: Any) -> str:
    name = _name(value)
    if name is None:
        raise _misfit(each.path, value, "text or a number")
    return _printable(each.path, name)


def _printable(path: str, text: str) -> str:
    if len(text) > _MAX_TEXT or not text.isprintable():
        raise _misfit(path, text, f"up to {_MAX_TEXT} printable characters")
    return text


def _allowed(each: Field, otherwise: str) -> str:
    return f"{', '.join(each.values)}, or {otherwise}" if each.values else otherwise


def _misfit(path: str, value: Any, allowed: str) -> UndecodableMessageError:
    shown = "nothing" if value is _MISSING else _shown(value)
    return UndecodableMessageError(f"{path}: {shown}; allowed: {allowed}")


def _shown(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()[:_SHOWN]
    except (msgspec.EncodeError, OverflowError, UnicodeError, RecursionError):
        return f"a {type(value).__name__}"
