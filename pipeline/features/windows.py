"""Sums, extremes and trends over trailing windows of columns, by cumulative sums.

A window of `w` buckets that ends at bucket `e` covers the buckets e-w .. e-1. Rows are (device, end)
pairs; nothing is looped over but the metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Ints, Series

_FEWEST_FOR_SLOPE = 3
_LIMIT = 50.0
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Where features are asked for: equally long arrays.

    Attributes:
        device: index of the device.
        moment: hours since the frames' start.
        end: the first bucket that is not complete at the moment.
    """

    device: Ints
    moment: Floats
    end: Ints

    @property
    def one_end(self) -> int | None:
        """The end that all rows share; None where they differ."""
        same = len(self.end) and (self.end == self.end[0]).all()
        return int(self.end[0]) if same else None


class Column:
    """(devices, buckets) values whose sums over windows are asked for at some rows."""

    def __init__(self, values: Floats, rows: Rows, one_end: int | None) -> None:
        self._values, self._rows, self._one_end = values, rows, one_end
        self._sums: Floats | None = None

    def sum(self, window: int, skip: int = 0) -> Floats:
        """The sum over the `window` buckets before each end, less the last `skip` of them."""
        rows = self._rows
        if self._one_end is not None:
            last = max(self._one_end - skip, 0)
            first = min(max(self._one_end - window, 0), last)
            total: Floats = self._values[:, first:last].sum(axis=1)[rows.device]
            return total
        lasts = np.maximum(rows.end - skip, 0)
        return self.between(np.minimum(np.maximum(rows.end - window, 0), lasts), lasts)

    def between(self, first: Ints, last: Ints) -> Floats:
        """The sum over the buckets first .. last - 1 of each row."""
        if self._sums is None:
            self._sums = cumulate(self._values)
        device = self._rows.device
        difference: Floats = self._sums[device, last] - self._sums[device, first]
        return difference


def cumulate(values: Floats) -> Floats:
    """(devices, buckets) -> (devices, buckets + 1), so that sum(a..b-1) = out[b] - out[a]."""
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def newest(there: NDArray[np.bool_], rows: Rows) -> Ints:
    """The last bucket before each row's end in which `there` is true; -1 where there is none."""
    one_end = rows.one_end
    if one_end is not None:
        seen = there[:, :one_end]
        last = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1) if one_end else np.zeros(len(there))
        return np.where(seen.any(axis=1), last, -1)[rows.device].astype(np.int64)
    index = np.where(there, np.arange(there.shape[1], dtype=np.int32), np.int32(-1))
    np.maximum.accumulate(index, axis=1, out=index)
    last = index[rows.device, np.maximum(rows.end - 1, 0)]
    return np.where(rows.end > 0, last, -1).astype(np.int64)


def carried(series: Series, heard: NDArray[np.bool_], limit: int) -> Series:
    """The gauge with its last value in buckets in which the device was heard, but not this gauge.

    Such a bucket counts as one reading. After `limit` buckets, and while the device is silent, the
    gauge is missing. `heard` is (devices, buckets).
    """
    present = series.n > 0
    gaps = heard & ~present
    if not gaps.any():
        return series
    index = np.arange(present.shape[1], dtype=np.int32)
    last = np.where(present, index, np.int32(-limit - 1))
    np.maximum.accumulate(last, axis=1, out=last)
    device, bucket = np.nonzero(gaps & (index - last <= limit))
    value = series.last[device, last[device, bucket]]
    filled: dict[str, Any] = {"n": 1.0, "squares": value**2}
    for name in ("n", "total", "squares", "low", "high", "first", "last"):
        column = getattr(series, name).copy()
        column[device, bucket] = filled.get(name, value)
        filled[name] = column
    return replace(series, **filled)


class GaugeWindows:
    """The windows of one gauge. Values are taken relative to each device's first reading, so that
    sums of squares stay exact, and the offset is put back at the end."""

    def __init__(self, series: Series, measured: NDArray[np.bool_], rows: Rows) -> None:
        self._rows, self._series = rows, series
        self._measured = measured  # before its values were carried
        self._one_end = rows.one_end
        self._offset = _first_value(series)
        offset = self._offset[:, None]
        squares = series.squares - 2 * offset * series.total + series.n * offset**2
        self._n = self._column(series.n)
        self._total = self._column(series.total - series.n * offset)
        self._squares = self._column(squares)
        self._trend: tuple[Column, ...] | None = None

    def last(self, limit: int) -> Floats:
        """The newest value, if it is not older than `limit` buckets."""
        return _newest_value(self._series, self._rows, limit)

    def stale(self, limit: int) -> Floats:
        """Whole buckets since it was measured, `limit` at most."""
        return waited(newest(self._measured, self._rows), self._rows, limit)

    def mean(self, window: int) -> Floats:
        mean: Floats = self._moments(window)[0] + self._offset[self._rows.device]
        return mean

    def spread(self, window: int) -> Floats:
        return self._moments(window)[1]

    def deviation(self, window: int, base: int) -> Floats:
        now, _ = self._moments(window)
        before, spread = self._moments(base, skip=window)
        return standardised(now - before, spread, before)

    def season(self, window: int, base: int, period: int) -> Floats:
        now, _ = self._moments(window)
        before, _ = self._moments(period + window, skip=period)
        usual, spread = self._moments(base)
        return standardised(now - before, spread, usual)

    def slope(self, window: int) -> Floats:
        """Per bucket, least squares over the buckets' means; NaN with fewer than three buckets."""
        if self._trend is None:
            self._trend = self._trends()
        n, x, xx, y, xy = (column.sum(window) for column in self._trend)
        spread = n * xx - x * x
        enough = (n >= _FEWEST_FOR_SLOPE) & (spread > 0)
        return np.where(enough, (n * xy - x * y) / np.where(enough, spread, 1.0), np.nan)

    def until(self, limit: float, window: int, oldest: int, most: float) -> Floats:
        """Buckets until the gauge reaches `limit` as it goes now, `most` at most: also where it
        goes the other way. `oldest`: as in `last`."""
        left, slope = limit - self.last(oldest), self.slope(window)
        with np.errstate(divide="ignore", invalid="ignore"):
            buckets = np.where(left * slope > 0, left / slope, most)
        reached = np.where(left == 0, 0.0, np.minimum(buckets, most))
        return np.where(np.isnan(left) | np.isnan(slope), np.nan, reached)

    def low(self, window: int) -> Floats:
        return self._extreme(np.where(self._series.n > 0, self._series.low, np.inf), window)

    def high(self, window: int) -> Floats:
        return -self._extreme(-np.where(self._series.n > 0, self._series.high, -np.inf), window)

    def _extreme(self, values: Floats, window: int) -> Floats:
        rows = self._rows
        if self._one_end is not None:
            seen = values[:, max(self._one_end - window, 0) : self._one_end]
            lowest = seen.min(axis=1, initial=np.inf)[rows.device]
        else:
            trailing = trailing_low(values, window)
            lowest = trailing[rows.device, np.maximum(rows.end - 1, 0)]
        return np.where(np.isfinite(lowest) & (rows.end > 0), lowest, np.nan)

    def _trends(self) -> tuple[Column, ...]:
        present = (self._series.n > 0).astype(float)
        bucket = np.arange(present.shape[1], dtype=float)
        level = self._series.total / np.maximum(self._series.n, 1) - self._offset[:, None]
        level = level * present
        columns = (present, present * bucket, present * bucket**2, level, level * bucket)
        return tuple(self._column(column) for column in columns)

    def _moments(self, window: int, skip: int = 0) -> tuple[Floats, Floats]:
        n, total, squares = (
            column.sum(window, skip) for column in (self._n, self._total, self._squares)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(n > 0, total / n, np.nan)
            variance = np.where(n > 1, squares / n - mean**2, np.nan)
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def _column(self, values: Floats) -> Column:
        return Column(values, self._rows, self._one_end)


class CounterWindows:
    """The windows of one counter: how much it grew in each bucket."""

    def __init__(self, series: Series, rows: Rows) -> None:
        self._rows, self._series = rows, series
        self._growth = Column(series.growth, rows, rows.one_end)
        present = series.n > 0
        self._first = np.where(present.any(axis=1), present.argmax(axis=1), present.shape[1])

    def last(self, limit: int) -> Floats:
        """The newest reading, if it is not older than `limit` buckets."""
        return _newest_value(self._series, self._rows, limit)

    def grown(self, window: int) -> Floats:
        return self._growth.sum(window)

    def rate(self, window: int, skip: int = 0) -> Floats:
        """Per bucket, since the counter was first read; NaN before."""
        grown = self._growth.sum(window, skip)
        began = np.maximum(self._rows.end - window, self._first[self._rows.device])
        buckets = self._rows.end - skip - began
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(buckets > 0, grown / buckets, np.nan)

    def growth(self, window: int, base: int) -> Floats:
        difference: Floats = self.rate(window) - self.rate(base, skip=window)
        return difference

    def changed(self, limit: int) -> Floats:
        """Whole buckets since it grew, `limit` at most; NaN before it was first read."""
        waiting = waited(newest(self._series.growth > 0, self._rows), self._rows, limit)
        read = self._first[self._rows.device] < self._rows.end
        return np.where(read, waiting, np.nan)

    def since(self, bucket: Floats, limit: int) -> Floats:
        """Growth since each row's `bucket` (its own left out); NaN where that is NaN, or more than
        `limit` buckets ago."""
        end = self._rows.end
        known = ~np.isnan(bucket) & (bucket >= end - limit) & (bucket >= 0)
        first = np.minimum(np.where(known, bucket + 1, 0).astype(np.int64), end)
        return np.where(known, self._growth.between(first, end), np.nan)


def waited(bucket: Ints, rows: Rows, limit: int) -> Floats:
    """Whole buckets from the end of each row's `bucket` (-1: none) to the row's end."""
    passed = np.where(bucket >= 0, rows.end - 1 - bucket, limit)
    return np.minimum(passed, limit).astype(np.float64)


def standardised(difference: Floats, spread: Floats, level: Floats) -> Floats:
    """`difference` in units of `spread`, within +-50."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / np.maximum(spread, _TINY * (1 + np.abs(level)))
    return np.clip(ratio, -_LIMIT, _LIMIT)


def trailing_low(values: Floats, window: int) -> Floats:
    """(devices, buckets): the minimum over the `window` that end with each, by doubling."""
    result, reach = values, 1
    while reach < window:
        step = min(reach, window - reach)
        shifted = np.full_like(result, np.inf)
        shifted[:, step:] = result[:, : max(result.shape[1] - step, 0)]
        result = np.minimum(result, shifted)
        reach += step
    return result


def _newest_value(series: Series, rows: Rows, limit: int) -> Floats:
    bucket = newest(series.n > 0, rows)
    value = series.last[rows.device, np.maximum(bucket, 0)]
    return np.where((bucket >= 0) & (bucket >= rows.end - limit), value, np.nan)


def _first_value(series: Series) -> Floats:
    present = series.n > 0
    where = present.argmax(axis=1)
    values: Floats = series.first[np.arange(len(where)), where]
    return np.where(present.any(axis=1), values, 0.0)
