"""How simulated parts wear, fail and are repaired. The same lives make the history and go on live.

A part's wear is a level between 0 (sound) and 1 (it fails now). Most failures announce themselves
over one and a half to two days; some come suddenly, and some rises of wear end without a failure,
because somebody cleaned the part. A life depends on the device's key alone, so that nothing about
it has to be kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from domain.device import DeviceKind

Floats = npt.NDArray[np.float64]

ORIGIN = datetime(2024, 1, 1, tzinfo=UTC)
"""Where every life begins."""

_HOUR = timedelta(hours=1)
_DRAWN = 400  # failures of a part and outages of a device: enough for decades
_SHORTEST_LIFE_H = 96.0
_CURVE = 1.6  # wear begins slowly and ends fast
_RELIEF_H = 8.0  # how long a cleaned part takes to run sound again
_SUDDEN_RAMP_H = 0.2


@dataclass(frozen=True, slots=True)
class PartKind:
    """How parts of a kind fail.

    Attributes:
        mean_days: mean time between failures.
        ramp_h: shortest and longest time from the first sign to the failure.
        repair_h: shortest and mean time from the failure to the repair.
        sudden: share of failures without any sign before.
        false_starts: share of lives in which wear rises once and ends without a failure.
    """

    component: str
    mean_days: float
    ramp_h: tuple[float, float] = (36.0, 48.0)
    repair_h: tuple[float, float] = (2.0, 5.0)
    sudden: float = 0.08
    false_starts: float = 0.25


PARTS: Mapping[DeviceKind, tuple[PartKind, ...]] = {
    DeviceKind.CLOCK: (PartKind("powerSupply", 75.0),),
    DeviceKind.POS: (PartKind("receiptPrinter", 115.0), PartKind("cardReader", 190.0)),
    DeviceKind.KIOSK: (PartKind("receiptPrinter", 120.0), PartKind("billAcceptor", 115.0)),
}
_OUTAGE_MEAN_H = 24.0 * 25
_OUTAGE_H = (0.7, 1.5)  # shortest and mean


@dataclass(frozen=True, slots=True)
class Rise:
    """One rise of wear: from `onset` to `peak`, over at `end`.

    When it `fails`, the part is broken from `peak` until `end`; else it was cleaned at its peak.
    """

    component: str
    onset: datetime
    peak: datetime
    end: datetime
    height: float
    fails: bool

    def broken_at(self, moment: datetime) -> bool:
        return self.fails and self.peak <= moment < self.end


@dataclass(frozen=True, slots=True)
class Outage:
    """The device's network is gone between `start` and `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """What befalls one device in a span of time, in order of time."""

    rises: tuple[Rise, ...]
    outages: tuple[Outage, ...]

    def failures(self) -> tuple[Rise, ...]:
        return tuple(rise for rise in self.rises if rise.fails)

    def broken(self, moment: datetime) -> Rise | None:
        """The failure that holds the device down at `moment`."""
        return next((rise for rise in self.rises if rise.broken_at(moment)), None)

    def turns(self) -> tuple[datetime, ...]:
        """The moments at which the device breaks, is repaired, or its network goes or returns."""
        broken = [(rise.peak, rise.end) for rise in self.failures()]
        away = [(outage.start, outage.end) for outage in self.outages]
        return tuple(moment for span in (*broken, *away) for moment in span)

    def cut_off(self, moment: datetime) -> bool:
        return any(outage.start <= moment < outage.end for outage in self.outages)


def seeded(key: str, purpose: str) -> np.random.Generator:
    """Chance of one device for one purpose: the same on every run."""
    return np.random.default_rng([zlib.crc32(key.encode()), zlib.crc32(purpose.encode())])


def life_of(key: str, kind: DeviceKind, start: datetime, end: datetime) -> Life:
    """What befalls the device `key` between `start` and `end`, whoever asks and whenever."""
    rises: list[Rise] = []
    for part in PARTS[kind]:
        rises += _rises(part, seeded(key, part.component), start, end)
    return Life(
        tuple(sorted(rises, key=lambda rise: rise.peak)),
        tuple(_outages(seeded(key, "network"), start, end)),
    )


def wear(rises: tuple[Rise, ...], component: str, moments: Floats) -> Floats:
    """Wear of `component` at `moments` (seconds since 1970): 0 sound, 1 failing."""
    level = np.zeros(len(moments))
    for rise in rises:
        if rise.component == component:
            level = np.maximum(level, _level(rise, moments))
    return level


def _level(rise: Rise, moments: Floats) -> Floats:
    onset, peak, end = (each.timestamp() for each in (rise.onset, rise.peak, rise.end))
    climb = np.clip((moments - onset) / (peak - onset), 0, 1) ** _CURVE
    if rise.fails:
        return np.where(moments < end, climb * rise.height, 0.0)
    relief = np.clip(1 - (moments - peak) / (end - peak), 0, 1)
    return np.where(moments <= peak, climb, relief) * rise.height


def _rises(part: PartKind, rng: np.random.Generator, start: datetime, end: datetime) -> list[Rise]:
    mean_h = part.mean_days * 24
    lives = _SHORTEST_LIFE_H + rng.exponential(mean_h - _SHORTEST_LIFE_H, _DRAWN)
    peaks = np.cumsum(lives)
    ramps = np.where(
        rng.random(_DRAWN) < part.sudden, _SUDDEN_RAMP_H, rng.uniform(*part.ramp_h, _DRAWN)
    )
    repairs = part.repair_h[0] + rng.exponential(part.repair_h[1] - part.repair_h[0], _DRAWN)
    rises = [
        _failing(part.component, peaks[n], ramps[n], repairs[n])
        for n in _within(peaks - ramps, peaks + repairs, start, end)
    ]
    early = rng.random(_DRAWN) < part.false_starts
    tops = peaks - lives * rng.uniform(0.35, 0.6, _DRAWN)
    heights = rng.uniform(0.3, 0.7, _DRAWN)
    climbs = rng.uniform(14, 30, _DRAWN)
    rises += [
        _subsiding(part.component, tops[n], climbs[n], heights[n])
        for n in _within(tops - climbs, tops + _RELIEF_H, start, end)
        if early[n]
    ]
    return rises


def _within(begins: Floats, ends: Floats, start: datetime, end: datetime) -> list[int]:
    low, high = ((moment - ORIGIN) / _HOUR for moment in (start, end))
    return [int(n) for n in np.flatnonzero((ends > low) & (begins < high))]


def _failing(component: str, peak_h: float, ramp_h: float, repair_h: float) -> Rise:
    peak = ORIGIN + timedelta(hours=float(peak_h))
    onset = peak - timedelta(hours=float(ramp_h))
    return Rise(component, onset, peak, peak + timedelta(hours=float(repair_h)), 1.0, True)


def _subsiding(component: str, top_h: float, climb_h: float, height: float) -> Rise:
    top = ORIGIN + timedelta(hours=float(top_h))
    onset = top - timedelta(hours=float(climb_h))
    return Rise(component, onset, top, top + timedelta(hours=_RELIEF_H), float(height), False)


def _outages(rng: np.random.Generator, start: datetime, end: datetime) -> list[Outage]:
    begins = np.cumsum(2 + rng.exponential(_OUTAGE_MEAN_H - 2, _DRAWN * 2))
    lengths = _OUTAGE_H[0] + rng.exponential(_OUTAGE_H[1] - _OUTAGE_H[0], len(begins))
    return [
        Outage(
            ORIGIN + timedelta(hours=float(begins[n])),
            ORIGIN + timedelta(hours=float(begins[n] + lengths[n])),
        )
        for n in _within(begins, begins + lengths, start, end)
    ]
