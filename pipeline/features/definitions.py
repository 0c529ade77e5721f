"""The one table of features: training and scoring both compute exactly these.

Every row is a template over a subject: each gauge, counter, event code, sequence of codes, component
and attribute that the fleet has gets the rows of its source. Windows have roles, whose lengths follow
from how often the fleet is measured; they end with the last complete bucket before the moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pipeline.features.vocabulary import SEASON_H, Vocabulary, Window

_ROOM = 400
"""With more columns than this, only the essential rows of metrics and events are computed."""


class Source(StrEnum):
    """What a feature is computed from."""

    GAUGE = "gauge"
    COUNTER = "counter"
    EVENT = "event"
    SEVERITY = "severity"  # the events of a component, or of any, that are so severe
    SEQUENCE = "sequence"  # an event of one code after one of another
    MAINTENANCE = "maintenance"
    REPLACEMENT = "replacement"
    FAILURE = "failure"
    DEVICE = "device"
    ATTRIBUTE = "attribute"


class Statistic(StrEnum):
    """How the window becomes one number."""

    LAST = "last"  # the newest reading
    MEAN = "mean"
    SPREAD = "spread"  # standard deviation of the single readings
    SLOPE = "slope"  # per hour, least squares over the buckets' means
    LOW = "low"
    HIGH = "high"
    DEVIATION = "deviation"  # (mean now - mean of the base before it) / the base's spread
    SEASON = "season"  # (mean now - mean of the same hours a week before) / the week's spread
    PEER = "peer"  # (mean now - that of the devices of its model) / their spread
    PEER_SITE = "peer_site"  # the same, of the devices of its site
    STALE = "stale"  # hours since it was measured
    TO_HIGH = "to_high"  # hours until it reaches its highest usual value, as it goes now
    TO_LOW = "to_low"
    RATE = "rate"  # a counter's growth per hour, resets taken out
    GROWTH = "growth"  # rate now less the rate of the base before it
    CHANGED = "changed"  # hours since it last grew
    PER_USE = "per_use"  # growth for each step of the counter of use
    SERVICED = "serviced"  # growth since the device's last service
    COUNT = "count"
    TOTAL = "total"  # how many there were so far
    SINCE = "since"  # hours since the last one
    GAP = "gap"  # the usual hours from one service to the next
    DUE = "due"  # hours until the next service, if it comes as usual
    SILENCE = "silence"  # hours since anything was measured or told
    COVERAGE = "coverage"  # share of buckets in which anything was
    AGE = "age"  # hours since installation
    VALUE = "value"  # an attribute: its number, or its place in the vocabulary


class Tier(IntEnum):
    """Which rows are left out first when there are too many columns."""

    ESSENTIAL = 0
    MORE = 1


@dataclass(frozen=True, slots=True)
class Definition:
    """One feature of every subject of `source`.

    Attributes:
        window: which window it looks at; None where the statistic has none.
        base: for comparisons: which window of the device's own past it is held against.
    """

    source: Source
    statistic: Statistic
    window: Window | None = None
    base: Window | None = None
    tier: Tier = Tier.ESSENTIAL


def _gauges() -> Iterator[Definition]:
    def row(
        statistic: Statistic,
        window: Window | None = None,
        tier: Tier = Tier.ESSENTIAL,
        base: Window | None = None,
    ) -> Definition:
        return Definition(Source.GAUGE, statistic, window, base, tier)

    more = Tier.MORE
    yield row(Statistic.LAST)
    for window in (Window.DAY, Window.DAYS, Window.WEEK):
        yield row(Statistic.MEAN, window)
    for window in (Window.NOW, Window.SHORT):
        yield row(Statistic.MEAN, window, more)
    for window, tier in (
        (Window.DAY, Tier.ESSENTIAL),
        (Window.DAYS, Tier.ESSENTIAL),
        (Window.NOW, more),
    ):
        yield row(Statistic.DEVIATION, window, tier, Window.WEEK)
    yield row(Statistic.SPREAD, Window.DAY)
    for window in (Window.NOW, Window.DAYS):
        yield row(Statistic.SPREAD, window, more)
    for window, tier in ((Window.DAY, more), (Window.DAYS, Tier.ESSENTIAL)):
        yield row(Statistic.SLOPE, window, tier)
    for window, tier in ((Window.DAY, Tier.ESSENTIAL), (Window.DAYS, more)):
        yield row(Statistic.LOW, window, tier)
        yield row(Statistic.HIGH, window, tier)
    for window in (Window.NOW, Window.DAY):
        yield row(Statistic.SEASON, window, more, Window.WEEK)
    yield row(Statistic.PEER, Window.DAY)
    for statistic in (Statistic.PEER_SITE, Statistic.TO_HIGH, Statistic.TO_LOW):
        window = Window.DAY if statistic is Statistic.PEER_SITE else Window.DAYS
        yield row(statistic, window, more)
    yield row(Statistic.STALE, None, more)


def _counters() -> Iterator[Definition]:
    counter, more = Source.COUNTER, Tier.MORE
    yield Definition(counter, Statistic.LAST)
    for window in (Window.DAY, Window.WEEK):
        yield Definition(counter, Statistic.RATE, window)
    for window in (Window.NOW, Window.SHORT, Window.DAYS):
        yield Definition(counter, Statistic.RATE, window, tier=more)
    yield Definition(counter, Statistic.GROWTH, Window.DAY, Window.WEEK)
    for window in (Window.SHORT, Window.DAYS):
        yield Definition(counter, Statistic.GROWTH, window, Window.WEEK, more)
    yield Definition(counter, Statistic.CHANGED)
    for window in (Window.DAY, Window.WEEK):
        yield Definition(counter, Statistic.PER_USE, window, tier=more)
    yield Definition(counter, Statistic.SERVICED, tier=more)
    yield Definition(counter, Statistic.PEER, Window.DAY)
    yield Definition(counter, Statistic.PEER_SITE, Window.DAY, tier=more)


def _events() -> Iterator[Definition]:
    for source in (Source.EVENT, Source.SEVERITY):
        for window in (Window.DAY, Window.WEEK, Window.LONG):
            yield Definition(source, Statistic.COUNT, window)
        for window in (Window.SHORT, Window.DAYS):
            yield Definition(source, Statistic.COUNT, window, tier=Tier.MORE)
        yield Definition(source, Statistic.GROWTH, Window.DAYS, Window.LONG, Tier.MORE)
        yield Definition(source, Statistic.SINCE)
    yield Definition(Source.SEQUENCE, Statistic.COUNT, Window.WEEK)
    yield Definition(Source.SEQUENCE, Statistic.SINCE)


def _records() -> Iterator[Definition]:
    service, failure = Source.MAINTENANCE, Source.FAILURE
    for statistic in (Statistic.SINCE, Statistic.GAP, Statistic.DUE):
        yield Definition(service, statistic)
    for window in (Window.LONG, Window.LONGER):
        yield Definition(service, Statistic.COUNT, window)
    yield Definition(Source.REPLACEMENT, Statistic.SINCE)
    yield Definition(failure, Statistic.SINCE)
    yield Definition(failure, Statistic.COUNT, Window.LONGER)
    yield Definition(failure, Statistic.TOTAL)


def _devices() -> Iterator[Definition]:
    yield Definition(Source.DEVICE, Statistic.SILENCE)
    for window in (Window.DAY, Window.WEEK):
        yield Definition(Source.DEVICE, Statistic.COVERAGE, window)
    yield Definition(Source.DEVICE, Statistic.AGE)
    yield Definition(Source.ATTRIBUTE, Statistic.VALUE)


DEFINITIONS: tuple[Definition, ...] = (
    *_gauges(),
    *_counters(),
    *_events(),
    *_records(),
    *_devices(),
)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: a definition applied to a subject, its windows in hours (0: none)."""

    definition: Definition
    subject: str
    window_h: float = 0.0
    base_h: float = 0.0

    @property
    def name(self) -> str:
        window = f".{self.window_h:g}h" if self.window_h else ""
        return f"{self.source}.{self.subject}.{self.statistic}{window}"

    @property
    def source(self) -> Source:
        return self.definition.source

    @property
    def statistic(self) -> Statistic:
        return self.definition.statistic


def features(vocabulary: Vocabulary) -> tuple[Feature, ...]:
    """The columns, in the order in which they are computed and stored."""
    columns = tuple(_columns(vocabulary))
    if len(columns) <= _ROOM:
        return columns
    return tuple(column for column in columns if column.definition.tier is Tier.ESSENTIAL)


def _columns(vocabulary: Vocabulary) -> Iterator[Feature]:
    for definition in DEFINITIONS:
        window, base = (
            0.0 if role is None else vocabulary.window_h(role)
            for role in (definition.window, definition.base)
        )
        for subject in subjects(vocabulary, definition.source):
            if _offered(definition, subject, vocabulary):
                yield Feature(definition, subject, window, base)


def subjects(vocabulary: Vocabulary, source: Source) -> tuple[str, ...]:
    """The subjects that a definition of `source` is repeated for."""
    return {
        Source.GAUGE: vocabulary.gauges,
        Source.COUNTER: vocabulary.counters,
        Source.EVENT: vocabulary.events,
        Source.SEVERITY: vocabulary.severities,
        Source.SEQUENCE: vocabulary.sequences,
        Source.MAINTENANCE: vocabulary.serviced,
        Source.REPLACEMENT: vocabulary.replaced,
        Source.FAILURE: vocabulary.failing,
        Source.DEVICE: ("",),
        Source.ATTRIBUTE: tuple(attribute.name for attribute in vocabulary.attributes),
    }[source]


def _offered(definition: Definition, subject: str, vocabulary: Vocabulary) -> bool:
    """Whether the fleet has what the statistic needs, beside the subject."""
    match definition.statistic:
        case Statistic.PEER:
            return "model" in vocabulary.peers
        case Statistic.PEER_SITE:
            return "site" in vocabulary.peers
        case Statistic.PER_USE:
            return vocabulary.usage not in ("", subject)
        case Statistic.GAP | Statistic.DUE:
            return vocabulary.gap_of(subject) > 0
        case Statistic.SERVICED:
            return bool(vocabulary.serviced)
        case Statistic.SEASON:
            return vocabulary.bucket_h * 2 <= SEASON_H
        case Statistic.TO_HIGH | Statistic.TO_LOW:
            return subject in vocabulary.limits_of
        case _:
            return True


_MEANING = "windows by role, visits by rhythm, peers without oneself"
"""Another sentence whenever a statistic is computed otherwise than before."""


def schema_hash() -> str:
    """Changes whenever the table changes: a model computed by another table is not used."""
    rows = "\n".join([_MEANING, *(repr(definition) for definition in DEFINITIONS)])
    return hashlib.sha256(rows.encode()).hexdigest()[:16]
