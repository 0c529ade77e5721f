"""What the metrics of a Sparkplug birth mean: bound by name once, then found by alias or by name."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from collectors.mqtt.sparkplug_wire import NUMBERS, TEXTS, DataType, Metric, read_value
from domain.device import ReportedState
from domain.dialects import canonical_event, event_of
from domain.errors import UndecodableMessageError
from domain.report import EventReport, MetricKind
from domain.vocabulary import is_known_metric, metric

MAX_TEXT = 128
"""Characters of a text value; a longer one is refused."""

_MAX_INTERVAL_S = 86_400
_CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/ -]*")
_UNFIT = re.compile(r"[^A-Za-z0-9._:-]")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_NAME_LENGTH = 64
_DIGEST_LENGTH = 8


class Role(Enum):
    """What a metric is taken for."""

    COUNTER = auto()
    GAUGE = auto()
    STATE = auto()
    REASON = auto()
    COMPONENT = auto()
    EVENT = auto()
    MODEL = auto()
    FIRMWARE = auto()
    SERIAL = auto()
    INTERVAL = auto()
    NOTHING = auto()


_BY_NAME: Mapping[str, Role] = {
    "State": Role.STATE,
    "State/Reason": Role.REASON,
    "State/Component": Role.COMPONENT,
    "Properties/Hardware Model": Role.MODEL,
    "Properties/Model": Role.MODEL,
    "Properties/Firmware Version": Role.FIRMWARE,
    "Properties/Firmware": Role.FIRMWARE,
    "Properties/Serial Number": Role.SERIAL,
    "Properties/Serial": Role.SERIAL,
    "Properties/Heartbeat Interval": Role.INTERVAL,
}
_FOLDERS = {"Counters": MetricKind.COUNTER, "Gauges": MetricKind.GAUGE}
_EVENTS = "Events/"
_CONTROL = ("Node Control/", "Device Control/", "bdSeq")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A metric of a birth. `target`: the canonical metric, or an event's component."""

    name: str
    datatype: int
    role: Role
    target: str = ""


@dataclass(slots=True)
class Content:
    """What the metrics of one message say, put together."""

    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    events: list[EventReport] = field(default_factory=list)
    texts: dict[Role, str] = field(default_factory=dict)
    interval_s: float | None = None

    @property
    def reported(self) -> ReportedState | None:
        state = self.texts.get(Role.STATE)
        return ReportedState(state) if state else None


class Bindings:
    """The metrics that one birth announced. Nothing of another birth or device is ever looked up.

    Raises UndecodableMessageError when the birth contradicts itself.
    """

    def __init__(self, born: Iterable[Metric]) -> None:
        self._by_name: dict[str, Meaning] = {}
        self._by_alias: dict[int, Meaning] = {}
        metrics = list(born)
        taken: set[str] = set()
        # Whose name fits as it is comes first: another that would be called the same yields.
        for each in sorted(metrics, key=_precedence):
            meaning = _bind(each, taken)
            taken.add(meaning.target)
            if each.name in self._by_name:
                raise UndecodableMessageError(f"metric {each.name!r}: twice in one birth")
            self._by_name[each.name] = meaning
            if each.alias is not None:
                self._take_alias(each.alias, meaning)

    def find(self, said: Metric) -> Meaning:
        """What `said` means. Raises UndecodableMessageError when the birth did not announce it."""
        if said.name:
            meaning = self._by_name.get(said.name)
            by_alias = self._by_alias.get(said.alias) if said.alias is not None else meaning
            if meaning is None or by_alias is not meaning:
                raise UnknownMetricError(
                    f"metric {said.name!r}, alias {said.alias}: not in the birth"
                )
            return meaning
        meaning = self._by_alias.get(said.alias) if said.alias is not None else None
        if meaning is None:
            raise UnknownMetricError(f"alias {said.alias}: not in the birth")
        return meaning

    def _take_alias(self, alias: int, meaning: Meaning) -> None:
        other = self._by_alias.setdefault(alias, meaning)
        if other is not meaning:
            raise UndecodableMessageError(
                f"alias {alias}: of {other.name!r} and of {meaning.name!r}; allowed: one metric each"
            )


class UnknownMetricError(UndecodableMessageError):
    """A metric that the birth we know did not announce: only a new birth can tell what it is."""


def content_of(said: Sequence[tuple[Metric, Meaning]], *, birth: bool) -> Content:
    """What `said` means. In a birth the last event is told again, so it is not one.

    Raises UndecodableMessageError when a value does not fit.
    """
    content = Content()
    for each, meaning in said:
        value = read_value(each, each.datatype or meaning.datatype, meaning.name)
        if value is None or meaning.role is Role.NOTHING:
            continue
        if isinstance(value, str):
            _take_text(content, meaning, value, birth=birth)
        elif math.isfinite(value):  # NaN is how some say that there is no value
            _take_number(content, meaning, float(value))
    return content


def _take_number(content: Content, meaning: Meaning, value: float) -> None:
    if meaning.role is Role.GAUGE:
        content.gauges[meaning.target] = value
    elif meaning.role is Role.COUNTER:
        if value < 0:
            raise UndecodableMessageError(f"metric {meaning.name!r}: {value}; allowed: 0 or more")
        content.counters[meaning.target] = value
    elif meaning.role is Role.INTERVAL:
        if not 1 <= value <= _MAX_INTERVAL_S:
            raise UndecodableMessageError(
                f"metric {meaning.name!r}: {value}; allowed: 1 to {_MAX_INTERVAL_S} seconds"
            )
        content.interval_s = value


def _take_text(content: Content, meaning: Meaning, value: str, *, birth: bool) -> None:
    if len(value) > MAX_TEXT or not value.isprintable():
        raise UndecodableMessageError(
            f"metric {meaning.name!r}: {value[:40]!r}; allowed: up to {MAX_TEXT} printable characters"
        )
    if meaning.role is Role.EVENT:
        if value and not birth:
            content.events.append(_event(meaning, value))
        return
    if meaning.role is Role.STATE and value and value not in list(ReportedState):
        allowed = ", ".join(ReportedState)
        raise UndecodableMessageError(f"metric {meaning.name!r}: {value!r}; allowed: {allowed}")
    content.texts[meaning.role] = value


def _event(meaning: Meaning, value: str) -> EventReport:
    """`dialect:raw code`, or a canonical code."""
    dialect, colon, raw = value.partition(":")
    if colon and _CODE.fullmatch(dialect) and raw.strip():
        return event_of(dialect, raw.strip(), meaning.target)
    if not _CODE.fullmatch(value):
        raise UndecodableMessageError(
            f"metric {meaning.name!r}: {value!r}; allowed: a code, or dialect:raw code"
        )
    return canonical_event(value, meaning.target)


def _precedence(born: Metric) -> tuple[bool, bool, bool, str]:
    name = born.name
    return not is_known_metric(name), not name.startswith("x."), " " in name, name


def _bind(born: Metric, taken: set[str]) -> Meaning:
    name, datatype = born.name, born.datatype
    if not name:
        raise UndecodableMessageError("metric: without a name; a birth names every metric")
    role = _BY_NAME.get(name)
    if role is not None:
        fits = NUMBERS if role is Role.INTERVAL else TEXTS
        return Meaning(name, datatype, role if datatype in fits else Role.NOTHING)
    if name.startswith(_CONTROL):
        return Meaning(name, datatype, Role.NOTHING)
    if name.startswith(_EVENTS) and datatype in TEXTS:
        part = name.removeprefix(_EVENTS)
        return Meaning(name, datatype, Role.EVENT, part if _COMPONENT.fullmatch(part) else "")
    if datatype in NUMBERS or datatype == DataType.BOOLEAN:
        target, kind = _canonical(name)
        target = _digested(name) if target in taken else target
        return Meaning(
            name, datatype, Role.COUNTER if kind is MetricKind.COUNTER else Role.GAUGE, target
        )
    return Meaning(name, datatype, Role.NOTHING)


def _canonical(name: str) -> tuple[str, MetricKind]:
    """The vocabulary's name where it has one, with or without its component, else an `x.` name."""
    folder, _, rest = name.partition("/")
    kind = _FOLDERS.get(folder) if rest else None
    inner = rest if kind else name
    part, _, last = inner.rpartition("/")
    if is_known_metric(inner):
        return inner, metric(inner).kind
    if is_known_metric(last) and metric(last).component == part:
        return last, metric(last).kind
    return _own_name(inner), kind or MetricKind.GAUGE


def _own_name(name: str) -> str:
    """`/` becomes `:` and a space `_`; what else does not fit gives way to a digest."""
    own = "x." + name.removeprefix("x.").replace("/", ":").replace(" ", "_")
    return own if _CLEAN.fullmatch(name) and len(own) <= _NAME_LENGTH else _digested(name)


def _digested(name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    shown = _UNFIT.sub("_", name.replace("/", ":"))
    return f"x.{shown[: _NAME_LENGTH - len(digest) - 3]}-{digest}"
