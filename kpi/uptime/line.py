"""Stretches of time of many devices at once, as sorted arrays.

The devices' periods are laid end to end on one line of microseconds: the first device's from 0 to
`length`, the second's from `length` to `2 * length`, and so on. So a question about a whole fleet - where
do two kinds of stretch meet, how much of each device's time do they cover - is one question about
numbers on a line, answered without a loop over devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.clock import require_aware
from domain.errors import BadInputError
from pipeline.history import tick

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end), on whose line all stretches of one question lie.

    Raises BadInputError when it is empty or its moments have no time zone.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if require_aware(self.start, "start") >= require_aware(self.end, "end"):
            raise BadInputError(
                f"period: {self.start} to {self.end} is empty; the end must lie after the start"
            )

    @property
    def length(self) -> int:
        """In microseconds."""
        return int((tick(self.end) - tick(self.start)).astype(np.int64))

    def places(self, device: NDArray[Any], at: NDArray[Any]) -> Ticks:
        """Where moments (datetime64) of devices (0, 1, ...) lie; outside the period: at its ends."""
        since = (at.astype("datetime64[us]") - tick(self.start)).astype(np.int64)
        places: Ticks = device.astype(np.int64) * self.length + np.clip(since, 0, self.length)
        return places

    def moments(self, places: Ticks, device: NDArray[Any]) -> NDArray[Any]:
        """The moments (datetime64[us], UTC) of `places` on the stretch of their devices."""
        since = places - device.astype(np.int64) * self.length
        moments: NDArray[Any] = tick(self.start) + since.astype("timedelta64[us]")
        return moments


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Disjoint stretches [begin, end) of the line, in order; two may touch. Both (n,)."""

    begin: Ticks
    end: Ticks

    def __len__(self) -> int:
        return len(self.begin)

    @classmethod
    def of(cls, begin: Ticks, end: Ticks) -> Stretches:
        """What any stretches, in any order and overlapping, cover together; empty ones cover nothing."""
        there = end > begin
        begin, end = begin[there], end[there]
        order = np.argsort(begin, kind="stable")
        begin, end = begin[order], np.maximum.accumulate(end[order])
        opens = np.ones(len(begin), bool)
        opens[1:] = begin[1:] > end[:-1]
        closes = np.append(opens[1:], True)[: len(begin)]
        return cls(begin[opens], end[closes])

    @classmethod
    def whole(cls, devices: int, period: Period) -> Stretches:
        """All of every device's period."""
        begin = np.arange(devices, dtype=np.int64) * period.length
        return cls(begin, begin + period.length)

    def where(self, rows: NDArray[Any]) -> Stretches:
        return Stretches(self.begin[rows], self.end[rows])

    def plus(self, other: Stretches) -> Stretches:
        """Where either is."""
        return Stretches.of(np.append(self.begin, other.begin), np.append(self.end, other.end))

    def meet(self, other: Stretches) -> Stretches:
        """Where both are."""
        first = np.searchsorted(other.end, self.begin, side="right")
        after = np.searchsorted(other.begin, self.end, side="left")
        counts = np.maximum(after - first, 0)
        mine = np.repeat(np.arange(len(self)), counts)
        theirs = np.arange(len(mine)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        begin = np.maximum(self.begin[mine], other.begin[theirs])
        end = np.minimum(self.end[mine], other.end[theirs])
        return Stretches(begin, end)

    def without(self, other: Stretches) -> Stretches:
        """Where this is and `other` is not."""
        if not len(self):
            return self
        low, high = min(self.begin[0], 0), self.end[-1]
        gaps = Stretches(np.append(low, other.end), np.append(other.begin, max(high, low)))
        return self.meet(gaps.where(gaps.end > gaps.begin))

    def covered(self, begin: Ticks, end: Ticks) -> Ticks:
        """How many microseconds of each [begin, end) they cover; (n,) for any n stretches."""
        return self._before(end) - self._before(begin)

    def _before(self, places: Ticks) -> Ticks:
        """How much of the line up to each place they cover."""
        sums = np.append(0, np.cumsum(self.end - self.begin))
        at = np.searchsorted(self.begin, places, side="right")
        last = np.maximum(at - 1, 0)
        if not len(self):
            return np.zeros(len(places), np.int64)
        overshoot = np.where(at > 0, np.maximum(self.end[last] - places, 0), 0)
        before: Ticks = sums[at] - overshoot
        return before
