"""How simulated parts wear: rises of wear, the outages of a device, and the level at any moment.

A part's wear is a level between 0 (sound) and its story's strength (it fails now). Some rises end without
a failure, because somebody cleaned the part or replaced it as planned.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from domain.vocabulary import component as known_component
from simulator.stories import SILENT, SUPPLY, WEAR

Floats = npt.NDArray[np.float64]

ORIGIN = datetime(2024, 1, 1, tzinfo=UTC)
"""Where every life begins."""

CURVE = 1.6
"""Wear begins slowly and ends fast: the power of the share of its way."""


@dataclass(frozen=True, slots=True)
class Rise:
    """One rise of wear: from `onset` to `peak`, over at `end`.

    When it `fails`, the part is broken from `peak` until `end`; else its rise ended at its peak. A silent
    failure has its `peak` when somebody noticed it.

    Attributes:
        height: level at the peak, 0 (without a sign) to 1.
        signs: the metrics and codes in which it shows; empty: in all of its component.
        service: how a repair that ended it without a failure is recorded; empty: nobody recorded any.
    """

    component: str
    onset: datetime
    peak: datetime
    end: datetime
    height: float
    fails: bool
    story: str = WEAR
    signs: frozenset[str] = frozenset()
    abrupt: bool = False
    halts: bool = True
    service: str = ""

    @property
    def silences(self) -> bool:
        """Whether nothing is heard of the device while the component is broken."""
        return self.halts and known_component(self.component).silences

    @property
    def told(self) -> bool:
        """Whether the device itself says that the component has failed."""
        return self.halts and not self.silences and self.story != SILENT

    def broken_at(self, moment: datetime) -> bool:
        return self.fails and self.peak <= moment < self.end

    def repair(self) -> tuple[datetime, str] | None:
        """When and by what action the component was served, as somebody recorded it."""
        if self.fails:
            return self.end, "refilled" if self.story == SUPPLY else "repaired"
        return (self.peak, self.service) if self.service else None


@dataclass(frozen=True, slots=True)
class Outage:
    """The device's network is gone between `start` and `end`; with `power`, its power too."""

    start: datetime
    end: datetime
    power: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """What befalls one device in a span of time, in order of time."""

    rises: tuple[Rise, ...]
    outages: tuple[Outage, ...]

    def failures(self) -> tuple[Rise, ...]:
        return tuple(rise for rise in self.rises if rise.fails)

    def halts(self) -> tuple[Rise, ...]:
        """The failures that take the device out of service."""
        return tuple(rise for rise in self.rises if rise.fails and rise.halts)

    def told(self, moment: datetime) -> Rise | None:
        """The failure that the device itself reports at `moment`."""
        return next((rise for rise in self.rises if rise.told and rise.broken_at(moment)), None)

    def turns(self) -> tuple[datetime, ...]:
        """The moments at which the device breaks, is repaired, or its network goes or returns."""
        broken = [(rise.peak, rise.end) for rise in self.halts()]
        away = [(outage.start, outage.end) for outage in self.outages]
        return tuple(moment for span in (*broken, *away) for moment in span)

    def dark(self) -> list[tuple[datetime, datetime]]:
        """The spans in which the device has no power or hangs: it neither counts nor speaks."""
        cuts = [(outage.start, outage.end) for outage in self.outages if outage.power]
        return cuts + [(rise.peak, rise.end) for rise in self.halts() if rise.silences]

    def dark_at(self, moment: datetime) -> bool:
        return any(start <= moment < end for start, end in self.dark())

    def cut_off(self, moment: datetime) -> bool:
        """Whether nobody hears of the device at `moment`."""
        away = any(outage.start <= moment < outage.end for outage in self.outages)
        return away or self.dark_at(moment)


def seeded(key: str, purpose: str) -> np.random.Generator:
    """Chance of one device for one purpose: the same on every run."""
    return np.random.default_rng([zlib.crc32(key.encode()), zlib.crc32(purpose.encode())])


def wear(rises: Iterable[Rise], component: str, moments: Floats, sign: str = "") -> Floats:
    """Wear of `component` at `moments` (seconds since 1970), as far as `sign` shows it: 0 is sound."""
    level = np.zeros(len(moments))
    for rise in rises:
        if rise.component == component and (not rise.signs or not sign or sign in rise.signs):
            level = np.maximum(level, _level(rise, moments))
    return level


def _level(rise: Rise, moments: Floats) -> Floats:
    onset, peak, end = (each.timestamp() for each in (rise.onset, rise.peak, rise.end))
    climb = np.clip((moments - onset) / max(peak - onset, 1.0), 0, 1) ** CURVE
    if rise.abrupt:
        climb = np.where(moments >= onset, 1.0, 0.0)
    if rise.fails:
        return np.where(moments < end, climb * rise.height, 0.0)
    relief = np.clip(1 - (moments - peak) / max(end - peak, 1.0), 0, 1)
    return np.where(moments <= peak, climb, relief) * rise.height
