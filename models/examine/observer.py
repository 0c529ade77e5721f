"""Who sees all wear as it is, and knows how parts fail, but not what comes: the best that can be told.

Data show wear through noise, so that nobody who reads them knows more of a part than its levels up to
now, and of those only what their *pace* says: level = pace x hours ** power. A rise of the pace of one
that fails R hours after its first sign is that, or one that a planned repair will end before, or a
false start that is as steep by chance. The stories (`simulator/stories.py`) say how likely each is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.device import DeviceKind
from pipeline.features.frames import Floats
from simulator.lives import FALSE_HEIGHT, FALSE_RAMP, PLANNED_AT
from simulator.stories import STORIES, SUPPLY, SURGES, Story
from simulator.truth import Outcome, Truth
from simulator.wear import CURVE

Bools: TypeAlias = NDArray[np.bool_]

_HOUR = timedelta(hours=1)
_RAMPS = 400  # of false starts: a sum instead of the integral
_ROUNDED = 0.01  # truth tells strengths to three places


@dataclass(frozen=True, slots=True)
class _Ways:
    """How a story's rises go on: `shortest` and `longest` hours to a failure, and how wear grows."""

    story: Story
    shortest: float
    longest: float
    power: float

    def steepness(self, to_failure: float) -> float:
        """Density of the pace's logarithm, of those that fail so many hours after the first sign."""
        if not self.shortest * (1 - _ROUNDED) <= to_failure <= self.longest * (1 + _ROUNDED):
            return 0.0
        return to_failure / (self.power * (self.longest - self.shortest))

    def false_steepness(self, pace: float, since: Floats) -> Floats:
        """(moments,) the same of false starts that still rise so many hours `since` their first sign."""
        low, high = FALSE_RAMP[0] * self.shortest, FALSE_RAMP[1] * self.longest
        ramp = low + (np.arange(_RAMPS) + 0.5) / _RAMPS * (high - low)
        height = pace * ramp**self.power
        inside = (height >= FALSE_HEIGHT[0]) & (height <= FALSE_HEIGHT[1])
        density = np.where(inside, height / (FALSE_HEIGHT[1] - FALSE_HEIGHT[0]), 0.0) / _RAMPS
        rising: Floats = (ramp > since[:, None]) @ density
        return rising


def chance(row: Truth, horizon_h: float, since: Floats) -> Floats:
    """(moments,) that the part fails within the horizon, so many hours `since` its first sign.

    Of a story that is not one of the simulator's, or shows nothing, the observer knows even what came.
    """
    story = _story(row)
    if story is None or min(row.strength, story.strength, rising_h(row)) <= 0:
        return came(row, horizon_h, since).astype(np.float64)
    ways = _Ways(story, *story.ramp_h, 1.0 if story.name == SUPPLY else CURVE)
    if story.abrupt:
        return _by_time(ways, horizon_h, since)
    return _by_pace(ways, row, horizon_h, since)


def came(row: Truth, horizon_h: float, since: Floats) -> Bools:
    """(moments,) whether it did."""
    soon: Bools = rising_h(row) - since <= horizon_h
    return soon & (row.outcome is Outcome.FAILED)


def rising_h(row: Truth) -> float:
    """Hours from the first sign to the end of the rise; 0 without a sign."""
    return (row.at - row.first_sign) / _HOUR if row.first_sign else 0.0


def _by_time(ways: _Ways, horizon_h: float, since: Floats) -> Floats:
    """Where a sign is there at once it says nothing of when: all times that are left are alike."""
    left = np.maximum(ways.longest - np.maximum(since, ways.shortest), 1e-9)
    soon = np.minimum(ways.longest, since + horizon_h) - np.maximum(since, ways.shortest)
    return np.clip(soon / left, 0.0, 1.0)


def _by_pace(ways: _Ways, row: Truth, horizon_h: float, since: Floats) -> Floats:
    story = ways.story
    pace = row.strength / story.strength / rising_h(row) ** ways.power
    to_failure = float(pace ** (-1 / ways.power))
    earliest, latest = PLANNED_AT
    gone = np.clip((since / to_failure - earliest) / (latest - earliest), 0.0, 1.0)
    fails = (1 - story.planned) * ways.steepness(to_failure)
    prevented = story.planned * (1 - gone) * ways.steepness(to_failure)
    subsides = story.false_starts * ways.false_steepness(pace, since)
    total = fails + prevented + subsides
    likely = np.divide(fails, total, out=np.ones(len(since)), where=total > 0)
    return np.where(to_failure - since <= horizon_h, likely, 0.0)


def _story(row: Truth) -> Story | None:
    known = row.kind in {kind.value for kind in STORIES}
    kind = DeviceKind(row.kind) if known else None
    told = (*STORIES[kind], SURGES[kind]) if kind else ()
    named = (row.story, row.component)
    return next((each for each in told if (each.name, each.component) == named), None)
