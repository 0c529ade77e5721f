"""The mapping file: how some other JSON is to be read. Checked whole when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from collectors.mqtt.messages import NAME, Component
from domain.device import ReportedState
from domain.dialects import DIALECTS, is_known
from domain.errors import ConfigurationError
from domain.report import MetricKind, Severity
from domain.vocabulary import is_known_metric, metric

ARRIVAL = "arrival"
"""In the place of a path: the message has no time of its own."""

LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What a topic level may be that names a device."""

UNITS: Table[str, tuple[float, float]] = {
    "degF": (5 / 9, -160 / 9),
    "K": (1, -273.15),
    "mV": (0.001, 0),
    "ms": (0.001, 0),
    "min": (1 / 60, 0),
    "share": (100, 0),
}
"""Unit -> (scale, offset) to the vocabulary's unit: °C, V, s, h, %."""

_RESERVED = ("v1", "spBv1.0", "")
_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_ROLES = ("counter", "gauge", "state", "event", "fact")
_METRIC = Annotated[str, Meta(min_length=1, max_length=64, pattern=NAME)]

Path_ = Annotated[str, Meta(min_length=1, max_length=200)]
Scalar = str | int | float | bool


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of the body and what it is. `path`: keys by dots; a number counts in a list."""

    path: Path_
    counter: _METRIC | None = None
    gauge: _METRIC | None = None
    state: Component | None = None
    event: Component | None = None
    fact: Literal["model", "firmware", "serial"] | None = None
    values: dict[str, str | float] = {}
    ignore: tuple[Scalar, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    severity: Severity | None = None
    dialect: str = ""
    on_change: bool = False
    required: bool = False

    @property
    def role(self) -> str:
        return next(role for role in _ROLES if getattr(self, role) is not None)


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """All messages of one topic pattern. `key`: the levels that name the device, joined by `,`."""

    topic: Annotated[str, Meta(min_length=1, max_length=500)]
    field: Annotated[tuple[Field, ...], Meta(min_length=1, max_length=200)]
    time: Path_
    time_format: Literal["rfc3339", "unix_s", "unix_ms"] = "rfc3339"
    time_zone: str | None = None
    boot: Path_ | None = None
    seq: Path_ | None = None
    interval_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    key: tuple[str, ...] = ("device",)

    @property
    def levels(self) -> list[str]:
        return self.topic.split("/")

    @property
    def topic_filter(self) -> str:
        return "/".join("+" if _VARIABLE.fullmatch(level) else level for level in self.levels)


class MappingFile(Struct, frozen=True, forbid_unknown_fields=True):
    mapping: Annotated[tuple[Mapping, ...], Meta(min_length=1, max_length=100)]


def read_mapping(path: Path) -> tuple[Mapping, ...]:
    """The mappings of the file. Raises ConfigurationError: the key, its value, what is allowed."""
    try:
        return check(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigurationError(f"mqtt_mapping: {path}: {error.strerror}") from error


def check(text: bytes, name: str) -> tuple[Mapping, ...]:
    """As `read_mapping`, of a file's text; `name` stands in the errors."""
    try:
        mappings = msgspec.toml.decode(text, type=MappingFile).mapping
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{name}: {error}") from error
    for place, mapping in enumerate(mappings):
        where = f"{name}: mapping[{place}]"
        _check_topic(where, mapping)
        _check_identity(where, mapping)
        for number, field in enumerate(mapping.field):
            _check_field(f"{where}.field[{number}] ({field.path})", field)
    for first, second in combinations(mappings, 2):
        if _overlap(first.levels, second.levels):
            raise ConfigurationError(
                f"{name}: topic: {first.topic!r} and {second.topic!r} match the same topics; "
                "allowed: each topic belongs to one mapping"
            )
    return mappings


def _check_topic(where: str, mapping: Mapping) -> None:
    levels = mapping.levels
    if levels[0] in _RESERVED or levels[0].startswith("$") or "{" in levels[0]:
        raise ConfigurationError(
            f"{where}.topic: {mapping.topic!r}; allowed: a first level of your own, "
            "not v1, spBv1.0 or a {name}"
        )
    names = [match[1] for level in levels if (match := _VARIABLE.fullmatch(level))]
    for level in levels:
        if not _VARIABLE.fullmatch(level) and (not level or set(level) & set("{}+#\0")):
            raise ConfigurationError(
                f"{where}.topic: level {level!r}; allowed: a word, or one {{name}} in small letters"
            )
    if len(set(names)) != len(names) or not mapping.key or not set(mapping.key) <= set(names):
        raise ConfigurationError(
            f"{where}.key: {list(mapping.key)}; allowed: of the topic's levels, each once: {names}"
        )


def _check_identity(where: str, mapping: Mapping) -> None:
    if (mapping.boot is None) != (mapping.seq is None):
        raise ConfigurationError(
            f"{where}.seq: {mapping.seq!r} with boot {mapping.boot!r}; allowed: both or neither, "
            "since a number that begins anew would be taken for one that came before"
        )
    if mapping.time_zone is not None:
        try:
            ZoneInfo(mapping.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(
                f"{where}.time_zone: {mapping.time_zone!r}; allowed: a name such as Asia/Tehran"
            ) from error


def _check_field(where: str, field: Field) -> None:
    roles = [role for role in _ROLES if getattr(field, role) is not None]
    if len(roles) != 1:
        raise ConfigurationError(f"{where}: {roles}; allowed: exactly one of {', '.join(_ROLES)}")
    if field.unit is not None and field.unit not in UNITS:
        raise ConfigurationError(
            f"{where}.unit: {field.unit!r}; allowed: {', '.join(UNITS)}, or scale and offset"
        )
    if field.dialect and not is_known(field.dialect):
        raise ConfigurationError(
            f"{where}.dialect: {field.dialect!r}; allowed: {', '.join(DIALECTS)}"
        )
    _check_values(where, field)
    for name, kind in ((field.counter, MetricKind.COUNTER), (field.gauge, MetricKind.GAUGE)):
        if name and is_known_metric(name) and metric(name).kind is not kind:
            raise ConfigurationError(f"{where}: {name} is a {metric(name).kind}; not a {kind}")
        if name and not is_known_metric(name) and not name.startswith("x."):
            raise ConfigurationError(
                f"{where}: {name!r}; allowed: a name of the vocabulary, or x. and a name of your own"
            )


def _check_values(where: str, field: Field) -> None:
    role = field.role
    for value in field.values.values():
        if role == "state" and value not in list(ReportedState):
            allowed = ", ".join(ReportedState)
            raise ConfigurationError(f"{where}.values: {value!r}; allowed: {allowed}")
        if role in ("counter", "gauge") and isinstance(value, str):
            raise ConfigurationError(f"{where}.values: {value!r}; allowed: a number")
        if role == "event" and not (isinstance(value, str) and re.fullmatch(NAME, value)):
            raise ConfigurationError(f"{where}.values: {value!r}; allowed: a code")


def _overlap(first: Sequence[str], second: Sequence[str]) -> bool:
    return len(first) == len(second) and all(
        one == other or _VARIABLE.fullmatch(one) or _VARIABLE.fullmatch(other)
        for one, other in zip(first, second, strict=True)
    )
