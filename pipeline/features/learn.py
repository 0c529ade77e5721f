"""What a vocabulary is learned from: a fleet's past, up to a moment and not beyond.

Metrics that never change, or say the same as another, are left out, and so are attributes that all
devices share or that name the single device. Codes are those that come often, and those after which
failures come; sequences are pairs of the latter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

import numpy as np

from domain.report import MetricKind
from pipeline.features.device import number
from pipeline.features.folder import device_attributes, history_frames, history_span
from pipeline.features.frames import ANY_ERROR, Frames, Ints, Marks, event_name, of_severity
from pipeline.features.logs import device_key, gaps, planned, sequence, visits
from pipeline.features.store import load_frames
from pipeline.features.vocabulary import ANY, Attribute, Vocabulary, Window, windows_h
from pipeline.history import History, MetricReadings, tick
from storage.database import Conn
from storage.queries import load

_FEWEST_OF_A_CODE = 5
_FREQUENT_CODES, _TELLING_CODES, _PAIRED_CODES, _SEQUENCES = 24, 12, 8, 12
_TELLING = 2.0  # standard deviations above chance
_MOST_COMPONENTS = 16
_MOST_VALUES = 64  # of an attribute that is a text
_MOST_SUMS = 20_000_000  # group x bucket x metric of the peers
_FEWEST_PEERS = 3
_IN_USE = 0.5  # of its readings are growth
_UNEVEN = 0.1  # standard deviation of the growth over its mean
_LADDER = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 6 * 60, 24 * 60, 7 * 24 * 60)
)
_SLACK = 0.75  # an hour's readings may come 80 minutes apart and still be hourly
_FEWEST_BUCKETS = 336  # two weeks of hours; less than that deserves finer buckets


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What is known of one metric: its extremes; as a counter its mean growth from one reading to the
    next, the share of them that grow, and the spread over the mean; a digest of all its readings,
    empty where nobody took one."""

    name: str
    kind: MetricKind
    low: float
    high: float
    growth: float
    rising: float
    varying: float
    digest: bytes = b""


def history_bucket(history: History, until: datetime | None = None) -> timedelta:
    """How long a column should last: as long as the usual time between readings of a device, but
    at least an hour, unless the whole history is short. Without readings: an hour."""
    start, end = history_span(history, until)
    steps = [_median_step(readings) for readings in _distinct_times(history)]
    usual = min((step for step in steps if step is not None), default=timedelta(0))
    short = (end - start) / _FEWEST_BUCKETS
    least = min(max(short, _LADDER[0]), timedelta(hours=1))
    wanted = max(usual * _SLACK, min(least, timedelta(hours=1)))
    return next((bucket for bucket in _LADDER if bucket >= wanted), _LADDER[-1])


def learn_vocabulary(
    history: History,
    until: datetime | None = None,
    devices: Ints | None = None,
    bucket: timedelta | None = None,
) -> Vocabulary:
    """What `devices` (default: all) of a history have, by what lies before `until`."""
    chosen = np.arange(len(history.devices)) if devices is None else devices
    width = bucket or history_bucket(history, until)
    told = history_frames(replace(history, readings=()), chosen, width, until)
    facts = [_facts(readings.of(chosen), until) for readings in history.readings]
    attributes = device_attributes([history.devices[index] for index in chosen.tolist()])
    return _vocabulary([fact for fact in facts if fact], attributes, told)


def load_vocabulary(
    conn: Conn, device_ids: Sequence[int], start: datetime, end: datetime
) -> Vocabulary:
    """What `device_ids` have in the store, by what lies from `start` until before `end`."""
    span = {"devices": list(device_ids), "start": start, "end": end}
    facts = [
        MetricFacts(
            row["name"],
            MetricKind(row["kind"]),
            row["low"],
            row["high"],
            row["growth"],
            float(row["rising"]),
            row["varying"],
        )
        for row in conn.execute(load("features")["facts"], span).fetchall()
    ]
    told = load_frames(conn, device_ids, start, end, with_readings=False)
    return _vocabulary(facts, told.attributes, told)


def _vocabulary(
    facts: Sequence[MetricFacts], attributes: Mapping[str, Sequence[str]], told: Frames
) -> Vocabulary:
    kept = list(_distinct(fact for fact in facts if fact.high > fact.low))
    gauges = [fact for fact in kept if fact.kind is MetricKind.GAUGE]
    counters = [fact for fact in kept if fact.kind is MetricKind.COUNTER]
    codes = _Codes(told)
    serviced = _components(told.maintenance)
    replaced = _components(told.replacements)
    every_is = len(told.replacements.what) == len(told.maintenance.what)
    return Vocabulary(
        bucket_h=told.bucket_h,
        gauges=tuple(fact.name for fact in gauges),
        counters=tuple(fact.name for fact in counters),
        events=codes.kept(),
        severities=codes.severities(),
        sequences=codes.sequences(),
        serviced=serviced,
        replaced=() if every_is else replaced,
        failing=_components(told.failures),
        attributes=tuple(_attributes(attributes)),
        gaps=tuple(_usual_gap(told, component) for component in serviced),
        limits=tuple((fact.low, fact.high) for fact in gauges),
        usage=_usage(counters),
        peers=tuple(_peers(attributes, told.buckets * len(kept))),
    )


def _distinct_times(history: History) -> Iterator[MetricReadings]:
    seen: set[int] = set()
    for readings in history.readings:
        if id(readings.at) not in seen:
            seen.add(id(readings.at))
            yield readings


def _median_step(readings: MetricReadings) -> timedelta | None:
    same = readings.device[1:] == readings.device[:-1]
    steps = np.diff(readings.at)[same]
    steps = steps[steps > np.timedelta64(0)]
    if not len(steps):
        return None
    return timedelta(microseconds=float(np.median(steps.astype(np.int64))))


def _facts(readings: MetricReadings, until: datetime | None) -> MetricFacts | None:
    there = ~np.isnan(readings.value)
    if until is not None:
        there &= readings.at < tick(until)
    part = readings if there.all() else readings.where(there)
    if not len(part.value):
        return None
    steps = np.diff(part.value)[part.device[1:] == part.device[:-1]]
    grown = np.maximum(steps, 0.0)
    mean = float(grown.mean()) if len(grown) else 0.0
    return MetricFacts(
        part.metric,
        part.kind,
        float(part.value.min()),
        float(part.value.max()),
        mean,
        float((grown > 0).mean()) if len(grown) else 0.0,
        float(grown.std()) / mean if mean else 0.0,
        blake2b(part.value.tobytes()).digest(),
    )


def _distinct(facts: Iterator[MetricFacts]) -> Iterator[MetricFacts]:
    seen: set[bytes] = set()
    for fact in facts:
        if not fact.digest or fact.digest not in seen:
            seen.add(fact.digest)
            yield fact


def _usage(counters: Sequence[MetricFacts]) -> str:
    """Of the counters that grow most of the time, but not evenly, the one that grows most: a clock
    that counts hours says nothing of use, and faults are fewer than what is done."""
    busy = [fact for fact in counters if fact.rising >= _IN_USE and fact.varying >= _UNEVEN]
    most = max(busy, key=lambda fact: fact.growth, default=None)
    return most.name if most else ""


def _components(marks: Marks) -> tuple[str, ...]:
    count = Counter(marks.what.tolist())
    names = sorted(marks.names[what] for what, _ in count.most_common(_MOST_COMPONENTS))
    return (ANY, *names) if len(names) > 1 else tuple(names)


def _usual_gap(told: Frames, component: str) -> float:
    rounds = planned(told.maintenance, told.failures)
    own = rounds if component == ANY else rounds.of(component)
    found = gaps(*visits(own, told.bucket_h))
    found = found[~np.isnan(found)]
    return float(np.median(found)) if len(found) else 0.0


def _attributes(attributes: Mapping[str, Sequence[str]]) -> Iterator[Attribute]:
    for name, texts in attributes.items():
        values = sorted({text for text in texts if text})
        if len(values) < 2:
            continue
        if not any(np.isnan(number(value)) for value in values):
            yield Attribute(name)
        elif len(values) <= min(_MOST_VALUES, len(texts) // 2):
            yield Attribute(name, tuple(values))


def _peers(attributes: Mapping[str, Sequence[str]], cells: int) -> Iterator[str]:
    if not cells:
        return
    yield "model"
    sites = Counter(zip(attributes["kind"], attributes["site"], strict=True))
    crowded = len(attributes["site"]) >= _FEWEST_PEERS * len(sites)
    if len(set(attributes["site"])) > 1 and crowded and len(sites) * cells <= _MOST_SUMS:
        yield "site"


class _Codes:
    """Which codes, and which of them after one another, are worth features."""

    def __init__(self, told: Frames) -> None:
        self._told = told
        hours = windows_h(told.bucket_h)
        self._within, self._before = hours[Window.DAYS], hours[Window.WEEK]
        counts = np.bincount(told.events.what, minlength=len(told.events.names))
        self._counts = {
            name: int(count)
            for name, count in zip(told.events.names, counts, strict=True)
            if count >= _FEWEST_OF_A_CODE
        }
        telling = {name: self._strength(told.events.of(name)) for name in self._counts}
        self._telling = sorted(
            (name for name in telling if name != ANY_ERROR and telling[name] >= _TELLING),
            key=lambda name: -telling[name],
        )

    def kept(self) -> tuple[str, ...]:
        frequent = sorted(self._counts, key=lambda name: -self._counts[name])[:_FREQUENT_CODES]
        errors = {ANY_ERROR} & set(self._counts)
        return tuple(sorted({*frequent, *self._telling[:_TELLING_CODES], *errors}))

    def severities(self) -> tuple[str, ...]:
        """Those of any component, and those of one after which failures come. What is a code, or
        another group, once more is left out."""
        told = self._told.severities
        anywhere = {event_name(ANY, name.rpartition(":")[2]) for name in told.names}
        strength = {name: self._strength(told.of(name)) for name in told.names}
        telling = sorted(
            (name for name in strength if strength[name] >= _TELLING), key=lambda n: -strength[n]
        )
        seen = {_same(self._told.events.of(name)) for name in self.kept()}
        found = []
        for name in (*sorted(anywhere), *telling[:_TELLING_CODES]):
            marks = of_severity(told, name)
            if len(marks.at) >= _FEWEST_OF_A_CODE and _same(marks) not in seen:
                seen.add(_same(marks))
                found.append(name)
        return tuple(sorted(found))

    def sequences(self) -> tuple[str, ...]:
        codes = [code for code in self._telling if ">" not in code][:_PAIRED_CODES]
        events, found = self._told.events, {}
        for first in codes:
            for then in codes:
                if first != then:
                    marks = sequence(events.of(first), events.of(then), self._within)
                    if len(marks.at) >= _FEWEST_OF_A_CODE:
                        found[f"{first}>{then}"] = self._strength(marks)
        best = sorted(found, key=lambda name: -found[name])[:_SEQUENCES]
        return tuple(sorted(name for name in best if found[name] >= _TELLING))

    def _strength(self, marks: Marks) -> float:
        """How many standard deviations more failures than by chance come within a week's window
        after such a mark."""
        failures = self._told.failures
        watched = len(self._told.device_ids) * max(self._told.hours, 1.0)
        if not len(failures.at) or not len(marks.at):
            return 0.0
        keys = np.sort(device_key(marks.device, marks.at))
        now = device_key(failures.device, failures.at)
        seen = np.searchsorted(keys, now) - np.searchsorted(keys, now - self._before)
        chance = 1 - np.exp(-len(marks.at) * self._before / watched)
        expected, count = len(now) * chance, int((seen > 0).sum())
        return float((count - expected) / np.sqrt(max(expected * (1 - chance), 1e-9)))


def _same(marks: Marks) -> bytes:
    """Equal for marks of the same devices at the same times."""
    return blake2b(np.sort(device_key(marks.device, marks.at)).tobytes()).digest()
