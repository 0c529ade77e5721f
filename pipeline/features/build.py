"""Features of (device, moment) rows, reading nothing that was not known at the moment.

The features of some devices follow from their frames and the vocabulary alone: chunks of a fleet can be
computed anywhere and in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import groupby
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from pipeline.features.definitions import Feature, Source, Statistic, features
from pipeline.features.device import AttributeValues, DeviceWindows
from pipeline.features.frames import (
    Floats,
    Frames,
    Ints,
    Marks,
    Series,
    empty_series,
    heard,
    of_severity,
)
from pipeline.features.logs import Cadence, Log, planned, sequence
from pipeline.features.peers import PeerWindows
from pipeline.features.vocabulary import ANY, SEASON_H, Vocabulary, Window, carry
from pipeline.features.windows import CounterWindows, GaugeWindows, Rows, carried

_FARTHEST_H = 8760.0  # a limit farther away than a year is out of sight


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMatrix:
    """`values` is (rows, features) float32, NaN where unknown; `features` names the columns."""

    features: tuple[Feature, ...]
    values: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)


def features_at(
    frames: Frames, device_index: Ints, moments: Floats, vocabulary: Vocabulary
) -> FeatureMatrix:
    """The features of each (device, moment): equally long arrays, moments in hours since start.

    Rollups count once their bucket is complete; events, repairs and failures once they are recorded.
    Raises ValueError when the frames have other buckets than the vocabulary, or no peers where it
    wants them.
    """
    _check(frames, vocabulary)
    columns = features(vocabulary)
    values = np.empty((len(moments), len(columns)), np.float32)
    if len(moments):
        stretch = _Stretch(frames, device_index.astype(np.int64), moments.astype(float), vocabulary)
        positions = sorted(range(len(columns)), key=lambda position: _subject(columns[position]))
        for subject, group in groupby(positions, key=lambda position: _subject(columns[position])):
            opened = stretch.open(*subject)
            for position in group:
                feature = columns[position]
                compute = _COMPUTE[feature.source, feature.statistic]
                values[:, position] = compute(opened, _Ask.of(feature, vocabulary))
    return FeatureMatrix(columns, values)


def _check(frames: Frames, vocabulary: Vocabulary) -> None:
    if frames.bucket != vocabulary.bucket:
        raise ValueError(f"frames of {frames.bucket}, a vocabulary of {vocabulary.bucket}")
    if vocabulary.peers and frames.peers is None:
        raise ValueError("the vocabulary compares with peers, and the frames have none")


def _subject(feature: Feature) -> tuple[Source, str]:
    return feature.source, feature.subject


@dataclass(frozen=True, slots=True)
class _Ask:
    """One feature's windows, in buckets (`window`, `base`, `week`) and in hours."""

    window: int
    base: int
    week: int
    season: int
    hour: float  # how many buckets an hour is
    window_h: float
    base_h: float
    longest_h: float

    @staticmethod
    def of(feature: Feature, vocabulary: Vocabulary) -> _Ask:
        def buckets(hours: float) -> int:
            return round(hours / vocabulary.bucket_h)

        longest = vocabulary.event_lookback_h
        if feature.source is Source.SEQUENCE:
            longest -= vocabulary.window_h(Window.DAYS)  # the code before it must be loaded too
        return _Ask(
            buckets(feature.window_h),
            buckets(feature.base_h),
            buckets(vocabulary.window_h(Window.WEEK)),
            buckets(SEASON_H),
            1 / vocabulary.bucket_h,
            feature.window_h,
            feature.base_h,
            longest,
        )


class _Stretch:
    """The part of some frames that features of some rows look at, subject by subject."""

    def __init__(
        self, frames: Frames, device: Ints, moments: Floats, vocabulary: Vocabulary
    ) -> None:
        self._frames, self._vocabulary = frames, vocabulary
        end = np.clip(np.floor(moments / frames.bucket_h), 0, frames.buckets).astype(np.int64)
        need = ceil(vocabulary.lookback_h / frames.bucket_h)
        self.first = max(0, int(end.min()) - need)
        self._kept = slice(self.first, int(end.max()))
        self.rows = Rows(device, moments, end - self.first)
        self._heard = heard(frames)[:, self._kept]

    def open(self, source: Source, subject: str) -> object:
        """What answers for all features of `subject`."""
        frames, vocabulary = self._frames, self._vocabulary
        match source:
            case Source.GAUGE | Source.COUNTER:
                return _Metric(self, subject, MetricKind(source.value))
            case Source.DEVICE:
                return DeviceWindows(frames, self._heard, self.rows)
            case Source.ATTRIBUTE:
                attribute = next(each for each in vocabulary.attributes if each.name == subject)
                return AttributeValues(frames, attribute, self.rows)
            case Source.MAINTENANCE:
                return self._service(subject)
            case _:
                return Log(self._marks(source, subject), self.rows)

    def series(self, metric: str, kind: MetricKind) -> Series:
        for series in self._frames.series:
            if series.metric == metric:
                parts = [getattr(series, each.name) for each in fields(series)[2:]]
                return Series(metric, kind, *(part[:, self._kept] for part in parts))
        return empty_series(metric, kind, self._heard.shape)

    def carried(self, series: Series) -> Series:
        return carried(series, self._heard, carry(self._frames.bucket_h))

    def peers(
        self, grouping: str, metric: str, level: Floats, there: NDArray[np.bool_]
    ) -> PeerWindows:
        start = self._frames.start + self.first * self._frames.bucket
        frames = replace(self._frames, start=start)
        return PeerWindows(level, there, self.rows, frames, grouping, metric)

    def limits(self, metric: str) -> tuple[float, float]:
        """The lowest and highest usual value of a gauge."""
        return self._vocabulary.limits_of[metric]

    @cached_property
    def usage(self) -> CounterWindows:
        """The counter of use."""
        series = self.series(self._vocabulary.usage, MetricKind.COUNTER)
        return CounterWindows(series, self.rows)

    @cached_property
    def serviced(self) -> Floats:
        """The bucket in which each row's device was last serviced; NaN: not on record."""
        since = Log(_every(self._frames.maintenance), self.rows).since()
        bucket: Floats = np.floor((self.rows.moment - since) / self._frames.bucket_h)
        return bucket - self.first

    def _service(self, component: str) -> _Service:
        frames, gap = self._frames, self._vocabulary.gap_of(component)
        rounds = planned(frames.maintenance, frames.failures)
        cadence = Cadence(_named(rounds, component), self.rows, frames.bucket_h, gap)
        return _Service(Log(_named(frames.maintenance, component), self.rows), cadence)

    def _marks(self, source: Source, subject: str) -> Marks:
        frames = self._frames
        if source is Source.EVENT:
            return frames.events.of(subject)
        if source is Source.SEVERITY:
            return of_severity(frames.severities, subject)
        if source is Source.SEQUENCE:
            first, then = (frames.events.of(code) for code in subject.split(">"))
            return sequence(first, then, self._vocabulary.window_h(Window.DAYS))
        if source is Source.REPLACEMENT:
            return _named(frames.replacements, subject)
        return _named(frames.failures, subject)


def _named(marks: Marks, component: str) -> Marks:
    return _every(marks) if component == ANY else marks.of(component)


def _every(marks: Marks) -> Marks:
    return replace(marks, names=(ANY,), what=np.zeros_like(marks.what))


@dataclass(frozen=True, slots=True, eq=False)
class _Service:
    log: Log
    cadence: Cadence


class _Metric:
    """One metric's windows: its own, and those of its peers."""

    def __init__(self, stretch: _Stretch, metric: str, kind: MetricKind) -> None:
        self._stretch, self._metric = stretch, metric
        self._series = stretch.series(metric, kind)
        self._there = self._series.n > 0

    @cached_property
    def gauge(self) -> GaugeWindows:
        return GaugeWindows(self._stretch.carried(self._series), self._there, self._stretch.rows)

    @cached_property
    def counter(self) -> CounterWindows:
        return CounterWindows(self._series, self._stretch.rows)

    def mean_against(self, grouping: str, window: int) -> Floats:
        level = self._series.total / np.maximum(self._series.n, 1)
        return self._peers(grouping, level).against(window)

    def growth_against(self, grouping: str, window: int) -> Floats:
        return self._peers(grouping, self._series.growth).against(window)

    def until(self, high: bool, ask: _Ask) -> Floats:
        limits = self._stretch.limits(self._metric)
        hours = self.gauge.until(limits[high], ask.window, ask.week, _FARTHEST_H * ask.hour)
        return hours / ask.hour

    def per_use(self, window: int) -> Floats:
        used = self._stretch.usage.grown(window)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(used > 0, self.counter.grown(window) / used, np.nan)

    def serviced(self, limit: int) -> Floats:
        return self.counter.since(self._stretch.serviced, limit)

    def _peers(self, grouping: str, level: Floats) -> PeerWindows:
        return self._stretch.peers(grouping, self._metric, level, self._there)


def _recent(hours: Floats, longest: float) -> Floats:
    # Scoring loads no older events, so training must not see them either.
    return np.where(hours <= longest, hours, np.nan)


_Compute = Callable[[Any, _Ask], Floats]

_GAUGE: dict[Statistic, _Compute] = {
    Statistic.LAST: lambda metric, ask: metric.gauge.last(ask.week),
    Statistic.MEAN: lambda metric, ask: metric.gauge.mean(ask.window),
    Statistic.SPREAD: lambda metric, ask: metric.gauge.spread(ask.window),
    Statistic.DEVIATION: lambda metric, ask: metric.gauge.deviation(ask.window, ask.base),
    Statistic.SEASON: lambda metric, ask: metric.gauge.season(ask.window, ask.base, ask.season),
    Statistic.SLOPE: lambda metric, ask: metric.gauge.slope(ask.window) * ask.hour,
    Statistic.LOW: lambda metric, ask: metric.gauge.low(ask.window),
    Statistic.HIGH: lambda metric, ask: metric.gauge.high(ask.window),
    Statistic.STALE: lambda metric, ask: metric.gauge.stale(ask.week) / ask.hour,
    Statistic.TO_HIGH: lambda metric, ask: metric.until(True, ask),
    Statistic.TO_LOW: lambda metric, ask: metric.until(False, ask),
    Statistic.PEER: lambda metric, ask: metric.mean_against("model", ask.window),
    Statistic.PEER_SITE: lambda metric, ask: metric.mean_against("site", ask.window),
}

_COUNTER: dict[Statistic, _Compute] = {
    Statistic.LAST: lambda metric, ask: metric.counter.last(ask.week),
    Statistic.RATE: lambda metric, ask: metric.counter.rate(ask.window) * ask.hour,
    Statistic.GROWTH: lambda metric, ask: metric.counter.growth(ask.window, ask.base) * ask.hour,
    Statistic.CHANGED: lambda metric, ask: metric.counter.changed(ask.week) / ask.hour,
    Statistic.PER_USE: lambda metric, ask: metric.per_use(ask.window),
    Statistic.SERVICED: lambda metric, ask: metric.serviced(ask.week),
    Statistic.PEER: lambda metric, ask: metric.growth_against("model", ask.window),
    Statistic.PEER_SITE: lambda metric, ask: metric.growth_against("site", ask.window),
}

_TOLD: dict[Statistic, _Compute] = {
    Statistic.COUNT: lambda log, ask: log.count(ask.window_h),
    Statistic.GROWTH: lambda log, ask: log.growth(ask.window_h, ask.base_h),
    Statistic.SINCE: lambda log, ask: _recent(log.since(), ask.longest_h),
}

_MARKS: dict[tuple[Source, Statistic], _Compute] = {
    (Source.MAINTENANCE, Statistic.SINCE): lambda service, _: service.log.since(),
    (Source.MAINTENANCE, Statistic.COUNT): lambda service, ask: service.log.count(ask.window_h),
    (Source.MAINTENANCE, Statistic.GAP): lambda service, _: service.cadence.gap(),
    (Source.MAINTENANCE, Statistic.DUE): lambda service, _: service.cadence.due(),
    (Source.REPLACEMENT, Statistic.SINCE): lambda log, _: log.since(),
    (Source.FAILURE, Statistic.SINCE): lambda log, _: log.since(),
    (Source.FAILURE, Statistic.COUNT): lambda log, ask: log.count(ask.window_h),
    (Source.FAILURE, Statistic.TOTAL): lambda log, _: log.total(),
}

_DEVICE: dict[tuple[Source, Statistic], _Compute] = {
    (Source.DEVICE, Statistic.SILENCE): lambda device, ask: device.silence(ask.week) / ask.hour,
    (Source.DEVICE, Statistic.COVERAGE): lambda device, ask: device.coverage(ask.window),
    (Source.DEVICE, Statistic.AGE): lambda device, _: device.age(),
    (Source.ATTRIBUTE, Statistic.VALUE): lambda attribute, _: attribute.value(),
}

_COMPUTE: dict[tuple[Source, Statistic], _Compute] = {
    **{(Source.GAUGE, statistic): compute for statistic, compute in _GAUGE.items()},
    **{(Source.COUNTER, statistic): compute for statistic, compute in _COUNTER.items()},
    **{
        (source, statistic): compute
        for source in (Source.EVENT, Source.SEVERITY, Source.SEQUENCE)
        for statistic, compute in _TOLD.items()
    },
    **_MARKS,
    **_DEVICE,
}
