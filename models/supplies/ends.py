"""When a supply runs out or a store fills up, with an interval: from what was used each day, and the
week's rhythm.

What is used on a day is the weekday's factor times what is left when that is taken out. Such rests of
the device's own last weeks are drawn at random, again and again, into days to come (a bootstrap; the
days are first drawn anew themselves, since four weeks don't tell the mean for certain). Refills are
jumps the other way: they end a stretch, and their windows tell nothing of use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.unusual.anomaly import WINDOWS_A_DAY, Bools, Singles
from pipeline.features.frames import Floats, Ints

AHEAD = 30
"""Days that are looked ahead."""

QUANTILES = (0.1, 0.5, 0.9)

_DRAWS = 100
_FEWEST_DAYS = 7  # each day of the week once
_FEWEST_WINDOWS = 2  # known, of a day's
_FEWEST_REFILLS = 3
_LATE = 1.0  # days: who is overdue comes tomorrow, we hope
_JUMP = 0.05  # of the range of a device's levels
_DEVICE_WEEKS = 4.0  # so many of a device's own weigh as much as the fleet's rhythm
_SMALLEST_FACTOR = 0.05
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Supply:
    """Something that runs out or fills up.

    Attributes:
        falls: it is used up, and refilled upwards; False: it fills, and is emptied.
        edge: the level at which it is empty or full; None: as high as its model ever goes.
        notice: days in which somebody can be sent. Where a device's refills tell no rhythm, what
            lasts longer needs nobody yet: an alarm that asks for nothing hides those that do
            (ISA-18.2). A clock's log is read out by hand seldom, and what it loses is lost.
    """

    metric: str
    falls: bool
    edge: float | None
    notice: float = 2.0


SUPPLIES = (
    Supply("x.PaperRemaining", falls=True, edge=0.0),
    Supply("x.BillsInStacker", falls=False, edge=None),
    Supply("x.CoinsInHopper", falls=True, edge=0.0),
    Supply("x.CoinsInBox", falls=False, edge=None),
    Supply("x.LogFill", falls=False, edge=100.0, notice=7.0),
)


@dataclass(frozen=True, slots=True)
class Use:
    """What was used in the past; the arrays are (windows, devices), oldest first.

    Attributes:
        used: in the window, NaN where unknown or refilled.
    """

    used: Singles
    refilled: Bools


def use_of(level: Singles, *, falls: bool) -> Use:
    """From the levels at the windows' ends (windows, devices); NaN: not told, stands as it was."""
    stands = _carried(level)
    used = np.diff(stands, axis=0) * np.float32(-1 if falls else 1)
    with np.errstate(invalid="ignore"):
        size = np.nan_to_num(np.fmax.reduce(stands) - np.fmin.reduce(stands))
        refilled = used < -_JUMP * size
    nothing = np.full((1, level.shape[1]), np.nan, np.float32)
    used = np.where(refilled, np.float32(np.nan), used)
    return Use(np.concatenate([nothing, used]), np.concatenate([np.isfinite(nothing), refilled]))


def days_of(used: Singles) -> Singles:
    """(days, devices): the use of each whole day before the end; NaN where too little is known."""
    count = len(used) // WINDOWS_A_DAY
    windows = used[len(used) - count * WINDOWS_A_DAY :]
    days = windows.reshape(count, WINDOWS_A_DAY, used.shape[1])
    known = np.isfinite(days).sum(axis=1)
    total = np.nansum(days, axis=1) * WINDOWS_A_DAY / np.maximum(known, 1)
    return np.where(known >= _FEWEST_WINDOWS, np.maximum(total, 0), np.nan).astype(np.float32)


def days_left(days: Singles, left: Singles, weekday: int) -> Floats:
    """(devices, quantiles): days until what is `left` (devices,) is used up; inf: later than AHEAD.

    `days` (days, devices) is the use of the days before, oldest first; `weekday` (0 to 6) is that
    of the day to come. NaN where too little is known.
    """
    back = (weekday - np.arange(len(days), 0, -1)) % 7
    factor = _factors(days, back)
    rest = days / factor[back]
    known = np.isfinite(rest).sum(axis=0)
    rest = _widened(rest, known)
    found = np.full((len(left), len(QUANTILES)), np.nan)
    asked = np.flatnonzero((known >= _FEWEST_DAYS) & np.isfinite(left))
    ahead = (weekday + np.arange(AHEAD)) % 7
    for part in _portions(asked):
        lives = _lives(_first_known(rest[:, part]), known[part], left[part], factor[ahead][:, part])
        found[part] = np.quantile(lives, QUANTILES, axis=1, method="inverted_cdf").T
    return found


def next_visit(refilled: Bools, notice: float) -> Floats:
    """(devices,) days until somebody refills it anyway, by the rhythm of past refills; else `notice`."""
    windows, devices = refilled.shape
    times = refilled.sum(axis=0)
    at = np.arange(windows)[:, None]
    last = np.where(refilled, at, -1).max(axis=0, initial=-1)
    first = np.where(refilled, at, windows).min(axis=0, initial=windows)
    gap = (last - first) / np.maximum(times - 1, 1)
    due = (last + gap - (windows - 1)) / WINDOWS_A_DAY
    known = times >= _FEWEST_REFILLS
    return np.where(known, np.maximum(due, _LATE), np.full(devices, notice))


def _carried(level: Singles) -> Singles:
    at = np.where(np.isfinite(level), np.arange(len(level))[:, None], 0)
    return np.take_along_axis(level, np.maximum.accumulate(at, axis=0), axis=0)


def _factors(days: Singles, weekday: Ints) -> Singles:
    """(7, devices): what a weekday uses against the mean, drawn towards the fleet's rhythm."""
    own = np.zeros((7, days.shape[1]))
    count = np.zeros((7, days.shape[1]))
    for number in range(7):
        same = days[weekday == number]
        own[number], count[number] = np.nansum(same, axis=0), np.isfinite(same).sum(axis=0)
    mean = np.maximum(own.sum(axis=0) / np.maximum(count.sum(axis=0), 1), 1e-9)
    told = own.sum(axis=1) / np.maximum((count * mean).sum(axis=1), 1e-9)
    fleet = np.where(count.sum(axis=1) > 0, told, 1.0)[:, None]
    factor = (own + _DEVICE_WEEKS * fleet * mean) / ((count + _DEVICE_WEEKS) * mean)
    return np.asarray(np.maximum(factor, _SMALLEST_FACTOR), np.float32)


def _widened(rest: Singles, known: Ints) -> Singles:
    """Rests of a mean and a rhythm that were taken from the same days lie too close to the mean:
    spread as far as new days would."""
    weeks = known / 7
    fitted = 1 + 6 * weeks / (weeks + _DEVICE_WEEKS)
    wider = np.sqrt((known + 1) / np.maximum(known - fitted - 1, 1)).astype(np.float32)
    middle = np.nansum(rest, axis=0) / np.maximum(known, 1).astype(np.float32)
    return np.asarray(np.maximum(middle + (rest - middle) * wider, 0), np.float32)


def _first_known(values: Singles) -> Singles:
    """Each column's known values before its unknown ones."""
    order = np.argsort(np.isnan(values), axis=0, kind="stable")
    return np.take_along_axis(values, order, axis=0)


def _lives(rest: Singles, known: Ints, left: Singles, factor: Singles) -> Floats:
    """(devices, draws): days until what is left is used up, inf beyond AHEAD.

    `rest` (days, devices) has its known values first; `factor` is (AHEAD, devices).
    """
    random = np.random.default_rng(0)
    again = random.random((_DRAWS, len(rest)), np.float32)
    drawn = random.random((_DRAWS, AHEAD), np.float32)
    count = known[:, None, None]
    of_past = np.minimum((again[None] * count).astype(np.int32), count - 1)
    pick = np.minimum((drawn[None] * count).astype(np.int32), count - 1)
    day = np.take_along_axis(of_past, pick, axis=2)
    flat = day.reshape(len(left), -1)
    used = np.take_along_axis(rest.T, flat, axis=1).reshape(day.shape) * factor.T[:, None, :]
    total = np.cumsum(used, axis=2)
    at = (total < left[:, None, None]).sum(axis=2)  # the day on which it is used up
    ended = np.minimum(at, AHEAD - 1)[:, :, None]
    of_day = np.take_along_axis(used, ended, axis=2)[:, :, 0]
    over = np.take_along_axis(total, ended, axis=2)[:, :, 0] - left[:, None]
    days = at + 1 - over / np.maximum(of_day, 1e-9)
    return np.where(at < AHEAD, np.maximum(days, 0.0), np.inf)


def _portions(devices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    size = max(1, _CELLS_AT_ONCE // (_DRAWS * AHEAD))
    for first in range(0, len(devices), size):
        yield devices[first : first + size]
