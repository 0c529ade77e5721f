"""Sums, extremes and trends over trailing windows of hourly columns, by cumulative sums.

A window of `w` hours that ends at hour `e` covers the hours e-w .. e-1. Rows are (device, end) pairs;
nothing is looped over but the metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.features.definitions import CARRY_H
from pipeline.features.frames import Floats, Ints, Series

_FEWEST_FOR_SLOPE = 3
_DEVIATION_LIMIT = 50.0
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Where features are asked for: equally long arrays.

    Attributes:
        device: index of the device.
        moment: hours since the frames' start.
        end: the first hour that is not complete at the moment.
    """

    device: Ints
    moment: Floats
    end: Ints


def cumulate(values: Floats) -> Floats:
    """(devices, hours) -> (devices, hours + 1), so that sum(a..b-1) = out[b] - out[a]."""
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def window_sum(cumulated: Floats, rows: Rows, window: int, skip: int = 0) -> Floats:
    """The sum over the `window` hours before `end`, less the last `skip` of them."""
    last = np.maximum(rows.end - skip, 0)
    first = np.maximum(rows.end - window, 0)
    result: Floats = cumulated[rows.device, last] - cumulated[rows.device, np.minimum(first, last)]
    return result


def carried(series: Series, heard: NDArray[np.bool_]) -> Series:
    """The gauge with its last value in hours in which the device was heard, but not this gauge.

    Such an hour counts as one reading. After CARRY_H hours, and while the device is silent, the
    gauge is missing. `heard` is (devices, hours).
    """
    present = series.n > 0
    hours = np.arange(present.shape[1])
    newest = np.maximum.accumulate(np.where(present, hours, -CARRY_H - 1), axis=1)
    filled = heard & ~present & (hours - newest <= CARRY_H)
    value = np.take_along_axis(series.last, np.maximum(newest, 0), axis=1)

    def or_else(values: Floats, other: Floats) -> Floats:
        return np.where(filled, other, values)

    return replace(
        series,
        n=or_else(series.n, np.ones_like(value)),
        total=or_else(series.total, value),
        squares=or_else(series.squares, value**2),
        low=or_else(series.low, value),
        high=or_else(series.high, value),
        first=or_else(series.first, value),
        last=or_else(series.last, value),
    )


class GaugeWindows:
    """The windows of one gauge. Values are taken relative to each device's first reading, so that
    sums of squares stay exact, and the offset is put back at the end."""

    def __init__(self, series: Series, rows: Rows) -> None:
        self._rows = rows
        self._series = series
        self._offset = _first_value(series)
        offset = self._offset[:, None]
        total = series.total - series.n * offset
        squares = series.squares - 2 * offset * series.total + series.n * offset**2
        self._n, self._total, self._squares = map(cumulate, (series.n, total, squares))

    def mean(self, window: int) -> Floats:
        mean: Floats = self._moments(window)[0] + self._offset[self._rows.device]
        return mean

    def spread(self, window: int) -> Floats:
        return self._moments(window)[1]

    def deviation(self, window: int, base: int) -> Floats:
        now, _ = self._moments(window)
        before, spread = self._moments(base, skip=window)
        difference = now - before
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = difference / np.maximum(spread, _TINY * (1 + np.abs(before)))
        return np.clip(ratio, -_DEVIATION_LIMIT, _DEVIATION_LIMIT)

    def slope(self, window: int) -> Floats:
        """Least squares over the hours' means; NaN with fewer than three hours."""
        present = (self._series.n > 0).astype(float)
        hour = np.arange(present.shape[1], dtype=float)
        level = np.where(
            present > 0, self._series.total / np.maximum(self._series.n, 1), self._offset[:, None]
        )
        level = (level - self._offset[:, None]) * present
        sums = [
            window_sum(cumulate(column), self._rows, window)
            for column in (
                present,
                present * hour,
                present * hour**2,
                level,
                level * hour,
            )
        ]
        return _slope(*sums)

    def low(self, window: int) -> Floats:
        filled = np.where(self._series.n > 0, self._series.low, np.inf)
        return _gather_extreme(trailing_low(filled, window), self._rows)

    def high(self, window: int) -> Floats:
        filled = np.where(self._series.n > 0, self._series.high, -np.inf)
        return _gather_extreme(-trailing_low(-filled, window), self._rows)

    def _moments(self, window: int, skip: int = 0) -> tuple[Floats, Floats]:
        n, total, squares = (
            window_sum(sums, self._rows, window, skip)
            for sums in (self._n, self._total, self._squares)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(n > 0, total / n, np.nan)
            variance = np.where(n > 1, squares / n - mean**2, np.nan)
        return mean, np.sqrt(np.maximum(variance, 0.0))


class CounterWindows:
    """The windows of one counter: how much it grew in each hour."""

    def __init__(self, series: Series, rows: Rows) -> None:
        self._rows = rows
        self._growth = cumulate(series.growth)
        present = series.n > 0
        hours = present.shape[1]
        self._first = np.where(present.any(axis=1), present.argmax(axis=1), hours)

    def rate(self, window: int, skip: int = 0) -> Floats:
        grown = window_sum(self._growth, self._rows, window, skip)
        began = np.maximum(self._rows.end - window, self._first[self._rows.device])
        hours = self._rows.end - skip - began
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(hours > 0, grown / hours, np.nan)

    def growth(self, window: int, base: int) -> Floats:
        difference: Floats = self.rate(window) - self.rate(base, skip=window)
        return difference


def trailing_low(values: Floats, window: int) -> Floats:
    """(devices, hours): the minimum over the `window` hours that end with each, by doubling."""
    result, reach = values, 1
    while reach < window:
        step = min(reach, window - reach)
        shifted = np.full_like(result, np.inf)
        shifted[:, step:] = result[:, : result.shape[1] - step]
        result = np.minimum(result, shifted)
        reach += step
    return result


def _gather_extreme(trailing: Floats, rows: Rows) -> Floats:
    values = trailing[rows.device, np.maximum(rows.end - 1, 0)]
    return np.where(np.isfinite(values) & (rows.end > 0), values, np.nan)


def _slope(n: Floats, x: Floats, xx: Floats, y: Floats, xy: Floats) -> Floats:
    spread = n * xx - x * x
    enough = (n >= _FEWEST_FOR_SLOPE) & (spread > 0)
    return np.where(enough, (n * xy - x * y) / np.where(enough, spread, 1.0), np.nan)


def _first_value(series: Series) -> Floats:
    present = series.n > 0
    where = present.argmax(axis=1)
    values: Floats = series.first[np.arange(len(where)), where]
    return np.where(present.any(axis=1), values, 0.0)
