"""Counts and times since, over marks that are known at the moment: exact, by binary search.

An event counts when it happened inside the window and was recorded by the moment. Sorting by device
and time into one increasing key lets one binary search answer every row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Ints, Marks
from pipeline.features.windows import Rows

STRIDE = 1e7
"""Hours between the keys of one device and the next: more than any history is long."""
_ORIGIN = 1e6  # lifts times before the frames' start above zero
_GAPS = 5  # the newest ones say what is usual
_FEWEST_GAPS = 2
_NEAR = 0.1  # of a gap: so far from a whole number of them still is one
_MOSTLY = 0.5  # of a device's gaps
_ANSWERED_H = 72.0


class Log:
    """The marks of one name, searchable for some rows."""

    def __init__(self, marks: Marks, rows: Rows) -> None:
        at, known = device_key(marks.device, marks.at), device_key(marks.device, marks.known)
        order = np.argsort(known, kind="stable")
        self._marks, self._rows = marks, rows
        self._by_time = np.argsort(at, kind="stable")
        self._at = at[self._by_time]
        self._known = known[order]
        self._newest = np.maximum.accumulate(at[order])
        self._moment = device_key(rows.device, rows.moment)

    def count(self, window: float) -> Floats:
        """How many happened in (moment - window, moment] and are known at the moment."""
        known = np.searchsorted(self._known, self._moment, side="right")
        older = np.searchsorted(self._at, self._moment - window, side="right")
        return (known - older + self._late(window)).astype(np.float64)

    def total(self) -> Floats:
        """How many are known at the moment."""
        known = np.searchsorted(self._known, self._moment, side="right")
        before = np.searchsorted(self._known, self._rows.device * STRIDE)
        return (known - before).astype(np.float64)

    def growth(self, window: float, base: float) -> Floats:
        """How many more an hour than in the rest of `base`, before the window."""
        now, whole = self.count(window), self.count(base)
        change: Floats = now / window - (whole - now) / (base - window)
        return change

    def since(self) -> Floats:
        """Hours since the last one that is known; NaN where there is none."""
        if not len(self._known):
            return np.full(len(self._moment), np.nan)
        index = np.searchsorted(self._known, self._moment, side="right") - 1
        newest = self._newest[np.maximum(index, 0)]
        own = (index >= 0) & (newest >= self._rows.device * STRIDE)
        mark = self._by_time[np.searchsorted(self._at, newest)]
        return np.where(own, self._rows.moment - self._marks.at[mark], np.nan)

    def _late(self, window: float) -> Ints:
        # Marks recorded more than a window late are among `older` before they are among `known`.
        late = np.flatnonzero(self._marks.known - self._marks.at > window)
        device = self._marks.device[late]
        at, known = (
            np.sort(device_key(device, moments[late]))
            for moments in (self._marks.at, self._marks.known)
        )
        gone = np.searchsorted(at, self._moment - window, side="right")
        told = np.searchsorted(known, self._moment, side="right")
        return (gone - told).astype(np.int64)


class Cadence:
    """How regularly a device is serviced: its visits are marks recorded a bucket or more apart."""

    def __init__(self, marks: Marks, rows: Rows, apart: float, usual: float) -> None:
        """`apart`: hours from one visit's mark to the next visit's; `usual`: the fleet's gap."""
        device, at = visits(marks, apart)
        index = np.searchsorted(
            device_key(device, at), device_key(rows.device, rows.moment), "right"
        )
        last = np.maximum(index - 1, 0)
        fallback = usual or np.nan
        if not len(at):
            self._since, self._gap = np.full((2, len(rows.moment)), np.nan)
            return
        own = (index > 0) & (device[last] == rows.device)
        gaps = _rhythm(device, at, fallback)
        self._since = np.where(own, rows.moment - at[last], np.nan)
        self._gap = np.where(own, gaps[last], np.nan)

    def gap(self) -> Floats:
        """The device's rhythm: see `_rhythm`."""
        return self._gap

    def due(self) -> Floats:
        """Hours until the next visit by that gap; a visit that was missed does not stop the clock."""
        left: Floats = self._gap - np.mod(self._since, self._gap)
        return left


def visits(marks: Marks, apart: float) -> tuple[Ints, Floats]:
    """(device, when) of each visit, ordered: marks recorded less than `apart` hours after one
    another are one visit."""
    order = np.lexsort((marks.known, marks.device))
    device, at = marks.device[order], marks.known[order]
    begins = np.ones(len(at), bool)
    begins[1:] = (device[1:] != device[:-1]) | (np.diff(at) >= apart)
    return device[begins], at[begins]


def gaps(device: Ints, at: Floats) -> Floats:
    """Hours from each visit's predecessor; NaN for a device's first."""
    found = np.full(len(at), np.nan)
    same = device[1:] == device[:-1]
    found[1:][same] = np.diff(at)[same]
    return found


def _rhythm(device: Ints, at: Floats, usual: float) -> Floats:
    """The hours from one visit to the next by which the device is visited, as of each visit.

    A visit at which nothing had to be done is on no record, so that gaps may be multiples of the rhythm:
    the shortest of the newest ones, where it fits all of them; else the fleet's, where it fits most; else
    their median. With fewer than two gaps, the fleet's.
    """
    newest = _newest_gaps(device, at)
    count = np.sum(~np.isnan(newest), axis=0)
    shortest = np.fmin.reduce(newest)
    steps, fits = _steps(newest, shortest)
    own = _median(newest / np.maximum(steps, 1), count)
    shared = _steps(newest, np.full(len(at), usual))[1].sum(axis=0) >= _MOSTLY * count
    several = np.where(shared, usual, _median(newest, count))
    found = np.where(fits.sum(axis=0) == count, own, several)
    return np.where(count >= _FEWEST_GAPS, found, usual)


def _newest_gaps(device: Ints, at: Floats) -> Floats:
    """(_GAPS, visits): the newest gaps as of each visit; NaN where there were fewer."""
    gap = gaps(device, at)
    newest = np.full((_GAPS, len(at)), np.nan)
    for back in range(min(_GAPS, len(at))):
        same = device[back:] == device[: len(at) - back]
        newest[back, back:] = np.where(same, gap[: len(at) - back], np.nan)
    return newest


def _steps(newest: Floats, rhythm: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(how many steps of `rhythm` each gap is, whether it is about a whole number of them)."""
    steps = np.round(newest / rhythm)
    return steps, (steps >= 1) & (np.abs(newest - steps * rhythm) <= _NEAR * rhythm)


def _median(values: Floats, count: Ints) -> Floats:
    """Of each column's `count` numbers; the others are NaN."""
    ordered = np.sort(values, axis=0)  # NaN last
    middle = [np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(values) - 1)]
    columns = np.arange(values.shape[1])
    low, high = (ordered[row, columns] for row in middle)
    medians: Floats = (low + high) / 2
    return medians


def planned(maintenance: Marks, failures: Marks) -> Marks:
    """The services that answer no failure of their component within the three days before."""
    kept = np.ones(len(maintenance.what), bool)
    for index, name in enumerate(maintenance.names):
        own = np.flatnonzero(maintenance.what == index)
        failed = failures.of(name)
        keys = np.sort(device_key(failed.device, failed.known))
        now = device_key(maintenance.device[own], maintenance.known[own])
        before = np.append(-np.inf, keys)[np.searchsorted(keys, now, side="right")]
        kept[own] = now - before > _ANSWERED_H
    return maintenance.where(kept)


def sequence(first: Marks, then: Marks, within: float) -> Marks:
    """Where a mark of `then` comes at most `within` hours after one of `first`: its moment. It is
    known once both are."""
    order = np.argsort(device_key(first.device, first.at), kind="stable")
    keys = device_key(first.device, first.at)[order]
    index = np.searchsorted(keys, device_key(then.device, then.at), side="left") - 1
    if not len(order):
        return then.where(np.zeros(len(then.at), bool))
    mark = order[np.maximum(index, 0)]
    apart = then.at - first.at[mark]
    found = (index >= 0) & (first.device[mark] == then.device) & (apart <= within)
    known = np.maximum(then.known, first.known[mark])
    return Marks(then.names, then.what[found], then.device[found], then.at[found], known[found])


def device_key(device: NDArray[np.int64], hours: Floats) -> Floats:
    """One increasing number of (device, time): sorting by it sorts by device, then by time."""
    return device.astype(np.float64) * STRIDE + (np.maximum(hours, -_ORIGIN) + _ORIGIN)
