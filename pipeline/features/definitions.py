"""The one table of features: training and scoring both compute exactly these.

Every row is a template over a subject: each gauge, counter, event code or component that the fleet
has gets the rows of its source. Windows end with the last complete hour before the moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

LOOKBACK_H = 168
"""How many hours of rollups a feature may look back."""

CARRY_H = 72
"""For so many hours a gauge's last value stands while its device is heard without saying it again:
many devices send a gauge only when it changes."""

EVENT_LOOKBACK_H = 720
"""How many hours of events a feature may look back."""


class Source(StrEnum):
    """What a feature is computed from."""

    GAUGE = "gauge"
    COUNTER = "counter"
    EVENT = "event"
    MAINTENANCE = "maintenance"
    FAILURE = "failure"
    DEVICE = "device"


class Statistic(StrEnum):
    """How the window becomes one number."""

    MEAN = "mean"
    SPREAD = "spread"  # standard deviation of the single readings
    SLOPE = "slope"  # per hour, least squares over the hours' means
    LOW = "low"
    HIGH = "high"
    DEVIATION = "deviation"  # (mean now - mean of the base before it) / the base's spread
    RATE = "rate"  # a counter's growth per hour, resets taken out
    GROWTH = "growth"  # rate now less the rate of the base before it
    COUNT = "count"
    SINCE = "since"  # hours since the last one
    SILENCE = "silence"  # hours since anything was measured
    COVERAGE = "coverage"  # share of hours in which anything was measured
    AGE = "age"  # hours since installation
    MODEL = "model"  # the model's place in the vocabulary


@dataclass(frozen=True, slots=True)
class Definition:
    """One feature of every subject of `source`.

    Attributes:
        window_h: how many hours it looks at; 0 where the statistic has no window.
        base_h: for comparisons: how far back the device's own past reaches.
    """

    source: Source
    statistic: Statistic
    window_h: int = 0
    base_h: int = 0

    def name(self, subject: str) -> str:
        window = f".{self.window_h}h" if self.window_h else ""
        return f"{self.source}.{subject}.{self.statistic}{window}"


def _table() -> Iterator[Definition]:
    gauge, counter, event = Source.GAUGE, Source.COUNTER, Source.EVENT
    for window in (3, 12, 24, 72, 168):
        yield Definition(gauge, Statistic.MEAN, window)
    for window in (3, 24, 72):
        yield Definition(gauge, Statistic.SPREAD, window)
        yield Definition(gauge, Statistic.DEVIATION, window, LOOKBACK_H)
    for window in (24, 72):
        yield Definition(gauge, Statistic.SLOPE, window)
        yield Definition(gauge, Statistic.LOW, window)
        yield Definition(gauge, Statistic.HIGH, window)
    for window in (6, 24, 72, 168):
        yield Definition(counter, Statistic.RATE, window)
    for window in (6, 24):
        yield Definition(counter, Statistic.GROWTH, window, LOOKBACK_H)
    for window in (12, 24, 72, 168):
        yield Definition(event, Statistic.COUNT, window)
    yield Definition(event, Statistic.SINCE)
    yield Definition(Source.MAINTENANCE, Statistic.SINCE)
    yield Definition(Source.FAILURE, Statistic.SINCE)
    yield Definition(Source.DEVICE, Statistic.SILENCE)
    yield Definition(Source.DEVICE, Statistic.COVERAGE, 24)
    yield Definition(Source.DEVICE, Statistic.AGE)
    yield Definition(Source.DEVICE, Statistic.MODEL)


DEFINITIONS: tuple[Definition, ...] = tuple(_table())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The subjects that a model knows: fixed when it is trained, kept with it."""

    gauges: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: list(values) for name, values in asdict(self).items()}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Vocabulary:
        return Vocabulary(**{name: tuple(values) for name, values in data.items()})

    def subjects(self, source: Source) -> tuple[str, ...]:
        """The subjects that a definition of `source` is repeated for."""
        return {
            Source.GAUGE: self.gauges,
            Source.COUNTER: self.counters,
            Source.EVENT: self.events,
            Source.MAINTENANCE: self.components,
            Source.FAILURE: self.components,
            Source.DEVICE: ("",),
        }[source]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: a definition applied to a subject."""

    definition: Definition
    subject: str

    @property
    def name(self) -> str:
        return self.definition.name(self.subject)

    @property
    def source(self) -> Source:
        return self.definition.source

    @property
    def statistic(self) -> Statistic:
        return self.definition.statistic

    @property
    def window_h(self) -> float:
        return self.definition.window_h


def features(vocabulary: Vocabulary) -> tuple[Feature, ...]:
    """The columns, in the order in which they are computed and stored."""
    return tuple(
        Feature(definition, subject)
        for definition in DEFINITIONS
        for subject in vocabulary.subjects(definition.source)
    )


_MEANING = "gauges are carried, growth is counted by hour"
"""Another sentence whenever a statistic is computed otherwise than before."""


def schema_hash() -> str:
    """Changes whenever the table changes: a model computed by another table is not used."""
    rows = "\n".join([_MEANING, *(repr(definition) for definition in DEFINITIONS)])
    return hashlib.sha256(rows.encode()).hexdigest()[:16]
