"""Features of (device, moment) rows, reading nothing that was not known at the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from pipeline.features.definitions import (
    EVENT_LOOKBACK_H,
    LOOKBACK_H,
    Definition,
    Feature,
    Source,
    Statistic,
    Vocabulary,
    features,
)
from pipeline.features.frames import Floats, Frames, Ints, Series, empty_series, heard
from pipeline.features.logs import Log
from pipeline.features.windows import (
    CounterWindows,
    GaugeWindows,
    Rows,
    carried,
    cumulate,
    window_sum,
)


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

    Rollups count once their hour is complete; events, repairs and failures once they are recorded.
    """
    end = np.clip(np.floor(moments), 0, frames.hours).astype(np.int64)
    rows = Rows(device_index.astype(np.int64), moments.astype(np.float64), end)
    columns, said = features(vocabulary), heard(frames)
    values = np.empty((len(end), len(columns)), np.float32)
    positions = sorted(range(len(columns)), key=lambda position: _subject(columns[position]))
    for subject, group in groupby(positions, key=lambda position: _subject(columns[position])):
        opened = _open(frames, said, rows, vocabulary, *subject)
        for position in group:
            definition = columns[position].definition
            compute = _COMPUTE[definition.source, definition.statistic]
            values[:, position] = compute(opened, definition)
    return FeatureMatrix(columns, values)


def _subject(feature: Feature) -> tuple[Source, str]:
    return feature.definition.source, feature.subject


def _open(
    frames: Frames,
    said: NDArray[np.bool_],
    rows: Rows,
    vocabulary: Vocabulary,
    source: Source,
    subject: str,
) -> object:
    if source is Source.GAUGE:
        return GaugeWindows(carried(_series(frames, subject, MetricKind.GAUGE), said), rows)
    if source is Source.COUNTER:
        return CounterWindows(_series(frames, subject, MetricKind.COUNTER), rows)
    if source is Source.DEVICE:
        return _Device(frames, said, rows, vocabulary)
    marks = {
        Source.EVENT: frames.events,
        Source.MAINTENANCE: frames.maintenance,
        Source.FAILURE: frames.failures,
    }[source]
    return Log(marks.of(subject), rows)


def _series(frames: Frames, metric: str, kind: MetricKind) -> Series:
    for series in frames.series:
        if series.metric == metric:
            return series
    return empty_series(metric, kind, (len(frames.device_ids), frames.hours))


class _Device:
    """What is asked of the device as a whole."""

    def __init__(
        self, frames: Frames, said: NDArray[np.bool_], rows: Rows, vocabulary: Vocabulary
    ) -> None:
        self._frames, self._rows = frames, rows
        self._heard = said
        self._codes = [
            vocabulary.models.index(model) if model in vocabulary.models else np.nan
            for model in frames.models
        ]

    def silence(self) -> Floats:
        hours = np.arange(self._frames.hours)
        newest = np.maximum.accumulate(np.where(self._heard, hours, -LOOKBACK_H - 1), axis=1)
        at = newest[self._rows.device, np.maximum(self._rows.end - 1, 0)]
        return np.minimum(self._rows.end - 1 - at, LOOKBACK_H).astype(np.float64)

    def coverage(self, window: int) -> Floats:
        return window_sum(cumulate(self._heard.astype(float)), self._rows, window) / window

    def age(self) -> Floats:
        age: Floats = self._rows.moment - self._frames.installed[self._rows.device]
        return age

    def model(self) -> Floats:
        codes: Floats = np.array(self._codes, np.float64)[self._rows.device]
        return codes


def _recent(hours: Floats) -> Floats:
    # Scoring loads no older events, so training must not see them either.
    return np.where(hours <= EVENT_LOOKBACK_H, hours, np.nan)


_COMPUTE: dict[tuple[Source, Statistic], Callable[[Any, Definition], Floats]] = {
    (Source.GAUGE, Statistic.MEAN): lambda gauge, d: gauge.mean(d.window_h),
    (Source.GAUGE, Statistic.SPREAD): lambda gauge, d: gauge.spread(d.window_h),
    (Source.GAUGE, Statistic.DEVIATION): lambda gauge, d: gauge.deviation(d.window_h, d.base_h),
    (Source.GAUGE, Statistic.SLOPE): lambda gauge, d: gauge.slope(d.window_h),
    (Source.GAUGE, Statistic.LOW): lambda gauge, d: gauge.low(d.window_h),
    (Source.GAUGE, Statistic.HIGH): lambda gauge, d: gauge.high(d.window_h),
    (Source.COUNTER, Statistic.RATE): lambda counter, d: counter.rate(d.window_h),
    (Source.COUNTER, Statistic.GROWTH): lambda counter, d: counter.growth(d.window_h, d.base_h),
    (Source.EVENT, Statistic.COUNT): lambda log, d: log.count(d.window_h),
    (Source.EVENT, Statistic.SINCE): lambda log, _: _recent(log.since()),
    (Source.MAINTENANCE, Statistic.SINCE): lambda log, _: log.since(),
    (Source.FAILURE, Statistic.SINCE): lambda log, _: log.since(),
    (Source.DEVICE, Statistic.SILENCE): lambda device, _: device.silence(),
    (Source.DEVICE, Statistic.COVERAGE): lambda device, d: device.coverage(d.window_h),
    (Source.DEVICE, Statistic.AGE): lambda device, _: device.age(),
    (Source.DEVICE, Statistic.MODEL): lambda device, _: device.model(),
}
