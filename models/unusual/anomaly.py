"""How unusual a device is, without any failure on record: against its peers and against its own past.

Of every metric six hours at a time: how far it is from the peers' median, and how far *that* is from
what it was in the device's own past at the same hours of the week, in robust spreads. So neither what
was always so nor what all peers share is unusual. Without enough past the peers alone speak: a new
fleet's first day. A day's windows speak together, and a component's metrics by their root sum of squares.

False alarms are held down by the fleet itself: scores of the last weeks, of all devices, say how likely
a score is where all is well. See `alarms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Ints

Singles: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]

WINDOWS_A_DAY = 4
WINDOWS_A_WEEK = 7 * WINDOWS_A_DAY
WINDOWS_A_MONTH = 30.4 * WINDOWS_A_DAY
WEEKS = 4
"""How much of its own past a device is held against."""

LASTING = 4
"""So many windows speak together: a day."""

BUDGET = 0.03
"""False alarms allowed per device and month."""

FALSE_SHARE = 0.1
"""Of the alarms of one scoring, at most this share may be false, on average."""

_FEWEST_PEERS = 8
_FEWEST_PAST = 6
_YOUNG = _FEWEST_PAST + LASTING  # windows: until its own past speaks in all of a day's
_FEWEST_SAME_HOURS = 3
_FEWEST_SCORES = 1000
_TAIL, _LEAST_TAIL, _MOST_TAIL = 0.005, 20, 400
_ASIDE = 0.15
_SPREAD = 1.4826  # of a normal distribution: standard deviation / median absolute deviation
_MEDIAN_NOISE = 1.57  # variance of a median of n / (variance / n)
_SMALLEST_SPREAD = 0.02  # of a gauge's size: less is how it rounds
_HIGHEST = 50.0
_ONE_WINDOW, _FEWEST_LASTING = 8.0, 2


def evened(level: Singles, counted: Bools) -> Singles:
    """(..., subjects): counts by their square root, whose spread is 1 where chance alone rules."""
    root = 2 * np.sqrt(np.maximum(level, 0) + np.float32(0.375))
    return np.where(counted, root, level).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Peers:
    """Each array is (devices, subjects); NaN where there are too few peers.

    Attributes:
        middle: the peers' median.
        apart: how far from it, in the peers' robust spreads.
        spread: in the metric's own unit (of `evened`).
    """

    middle: Singles
    apart: Singles
    spread: Singles


def against_peers(value: Singles, counted: Bools, circles: list[Ints]) -> Peers:
    """Holds `value` (devices, subjects) against the narrowest circle with enough peers.

    `circles`: of each device its circle's number, from the narrowest kind of circle to the widest.
    """
    unknown = np.full(value.shape, np.nan, np.float32)
    middle, spread = unknown.copy(), unknown.copy()
    for circle in circles:
        found, counts = _grouped_median(value, circle)
        around, _ = _grouped_median(np.abs(value - found), circle)
        here = np.isnan(middle) & (counts >= _FEWEST_PEERS)
        middle, spread = np.where(here, found, middle), np.where(here, around, spread)
    spread = _floored(_SPREAD * spread, middle, counted)
    return Peers(middle, _bounded((value - middle) / spread), spread)


def against_past(value: Singles, past: Singles, counted: Bools) -> Singles:
    """(devices, subjects): how far from the device's own past, in its robust spreads.

    `past` is (windows, devices, subjects), oldest first, and ends with the window before. The same
    hours of the week count where three weeks or more are known, else the same hours of the day,
    else all. NaN with less than a day and a half of past.
    """
    known = np.isfinite(past).sum(axis=0)
    middle, noise = _usual(past)
    around = _median(np.abs(past - _median(past)[None]))
    same = _residual_spread(past)
    around = np.where(np.isfinite(same), same, around)
    spread = _floored(_SPREAD * around, middle, counted) * np.sqrt(1 + noise)
    apart = _bounded((value - middle) / spread)
    return np.where(known >= _FEWEST_PAST, apart, np.float32(np.nan))


def joined(peers: Singles, past: Singles) -> Singles:
    """The distance from its own past where that is known, else from its peers."""
    return np.where(np.isfinite(past), past, peers)


def lasting(unusual: Singles) -> Singles:
    """(devices, subjects): what the last windows (the first axis) say together.

    What a single window says is bounded: what did not last is no alarm. NaN with fewer than two
    windows.
    """
    known = np.isfinite(unusual).sum(axis=0)
    one = np.clip(np.nan_to_num(unusual), -_ONE_WINDOW, _ONE_WINDOW)
    total: Singles = one.sum(axis=0, dtype=np.float32) / np.float32(np.sqrt(LASTING))
    return np.where(known >= _FEWEST_LASTING, total, np.float32(np.nan))


def scores(unusual: Singles, component: Ints, components: int) -> Singles:
    """(components, devices): the root sum of squares over each component's subjects.

    `unusual` is (devices, subjects), `component` (subjects,) each one's component by number.
    """
    found = np.full((components, len(unusual)), np.nan, np.float32)
    for number in range(components):
        own = unusual[:, component == number]
        told = np.isfinite(own).any(axis=1)
        found[number, told] = np.sqrt(np.nansum(own[told] ** 2, axis=1))
    return found


def chances(score: Singles, past: Singles) -> NDArray[np.float64]:
    """(devices,) how likely each device's score is where all is well.

    `past` (windows, devices) holds the fleet's scores of the last weeks and ends with `score`. Those
    that only peers spoke of, in a device's first days, are held against their like: they are higher.
    """
    young = np.cumsum(np.isfinite(past), axis=0) <= _YOUNG
    like = np.ones(past.shape, bool)
    if len(past) >= WEEKS * WINDOWS_A_WEEK:
        like[:_YOUNG] = False  # what was before is forgotten: nobody knows who was young then
    found = np.ones(len(score))
    for group in (young, ~young):
        now, kin = group[-1], group & like
        before = past[:-LASTING][kin[:-LASTING]]  # what begins now is not held against itself
        enough = np.isfinite(before).sum() >= _FEWEST_SCORES
        found[now] = chance(score[now], before if enough else past[kin])
    return found


def chance(score: Singles, past: Singles) -> NDArray[np.float64]:
    """How likely a score is where all is well; 1 where too little is known to say.

    `past` holds the fleet's scores of the last weeks, of any shape. The highest 5 in 1,000 of them are
    continued as a power law (Hill 1975), with a slope on the safe side; of the very highest, which
    may be faults, it counts only that they are high.
    """
    known = np.sort(past[np.isfinite(past) & (past > 0)].astype(np.float64))
    size = int(np.isfinite(past).sum())
    tail = min(_MOST_TAIL, max(_LEAST_TAIL, round(_TAIL * size)))
    found = np.ones(score.shape)
    if size < _FEWEST_SCORES or len(known) <= tail:
        return found
    edge = known[-tail - 1]
    aside = int(np.ceil(_ASIDE * tail))
    told = np.log(np.minimum(known[-tail:], known[-aside - 1]) / edge).sum()
    if told <= 0:  # all alike: they tell nothing of how scores thin out
        return found
    slope = (1 - 1 / np.sqrt(tail)) * (tail - aside) / told
    beyond = np.isfinite(score) & (score > edge)
    found[beyond] = tail / size * (score[beyond] / edge) ** -slope
    return found


def alarms(chances: NDArray[np.float64]) -> Bools:
    """(components, devices): which are alarms, by two limits that must both hold.

    The budget: so rare that healthy devices reach it BUDGET times a month at most. And over all
    that were scored at once, at most FALSE_SHARE of the alarms false (Benjamini-Hochberg 1995).
    """
    scored = chances < 1
    if not scored.any():
        return scored
    limit = BUDGET / WINDOWS_A_MONTH / max(1, int(scored.any(axis=1).sum()))
    ranked = np.sort(chances.ravel())
    allowed = FALSE_SHARE * np.arange(1, ranked.size + 1) / ranked.size
    below = np.flatnonzero(ranked <= allowed)
    discovered = ranked[below[-1]] if len(below) else 0.0
    result: Bools = chances <= min(limit, discovered)
    return result


def _usual(past: Singles) -> tuple[Singles, Singles]:
    """What is usual for the window that follows `past`, and how unsure that median is."""
    middle = _median(past)
    noise = _noise(past)
    for step, fewest in ((WINDOWS_A_DAY, _FEWEST_PAST), (WINDOWS_A_WEEK, _FEWEST_SAME_HOURS)):
        same = past[::-1][step - 1 :: step]
        here = np.isfinite(same).sum(axis=0) >= fewest
        if here.any():
            middle = np.where(here, _median(same), middle)
            noise = np.where(here, _noise(same), noise)
    return middle, noise


def _noise(past: Singles) -> Singles:
    known = np.isfinite(past).sum(axis=0)
    return np.asarray(_MEDIAN_NOISE / np.maximum(known, 1), np.float32)


def _residual_spread(past: Singles) -> Singles:
    """Around the same hours of the day: the median of differences from a day before, as a spread
    around a middle has it."""
    step: Singles = past[WINDOWS_A_DAY:] - past[:-WINDOWS_A_DAY]
    if len(step) < _FEWEST_PAST:
        return np.full(past.shape[1:], np.nan, np.float32)
    enough = np.isfinite(step).sum(axis=0) >= _FEWEST_PAST
    spread = _median(np.abs(step)) / np.float32(np.sqrt(2))
    return np.where(enough, spread, np.float32(np.nan))


def _floored(spread: Singles, middle: Singles, counted: Bools) -> Singles:
    """No spread is smaller than chance (of counts), rounding, or half of what the fleet has."""
    fleet = _median(np.where(np.isfinite(spread), spread, np.nan))
    with np.errstate(invalid="ignore"):
        size = np.where(counted, 1.0, _SMALLEST_SPREAD * np.abs(middle) + 1e-6)
    return np.asarray(np.fmax(np.fmax(spread, 0.5 * fleet), size), np.float32)


def _bounded(distance: Singles) -> Singles:
    return np.clip(distance, -_HIGHEST, _HIGHEST).astype(np.float32)


def _median(values: Singles) -> Singles:
    """The lower median over the first axis, of what is known; NaN of nothing."""
    if not len(values):
        return np.full(values.shape[1:], np.nan, np.float32)
    ordered = np.sort(values, axis=0)  # NaN comes last
    known = np.isfinite(ordered).sum(axis=0)
    at = np.maximum(known - 1, 0) // 2
    return np.asarray(np.take_along_axis(ordered, at[None], axis=0)[0], np.float32)


def _grouped_median(value: Singles, circle: Ints) -> tuple[Singles, Singles]:
    """(devices, subjects) twice: the (lower) median of the device's circle, and how many it has."""
    found = np.full(value.shape, np.nan, np.float32)
    counts = np.zeros(value.shape, np.float32)
    starts = np.arange(int(circle.max(initial=-1)) + 1)
    for subject in range(value.shape[1]):
        known = np.flatnonzero(np.isfinite(value[:, subject]))
        order = known[np.lexsort((value[known, subject], circle[known]))]
        first = np.searchsorted(circle[order], starts)
        size = np.searchsorted(circle[order], starts, side="right") - first
        middle = np.minimum(first + np.maximum(size - 1, 0) // 2, max(len(order) - 1, 0))
        medians = value[order[middle], subject] if len(order) else np.zeros(len(starts))
        found[:, subject] = np.where(size > 0, medians, np.nan)[circle]
        counts[:, subject] = size[circle]
    return found, counts
