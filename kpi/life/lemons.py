"""Devices that failed more often than chance allows, for what they are, how old they are and how much
they are used. Pure.

Expected of a device is what a Poisson regression on all devices of its kind says: model, age and use,
for the days it was watched. What chance allows is the exact Poisson tail; of the devices named so many,
as a share, may be named by chance (Benjamini and Hochberg). How much more a device fails than expected
is drawn towards the others as a gamma-Poisson model has it (Robbins 1956; Clayton and Kaldor 1987): two
failures where one was expected say little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from kpi.life.compare import discoveries
from kpi.life.survival import Floats, Ints

FALSE_SHARE = 0.05
"""Of the devices named, so many may be named by chance."""

AGE_BANDS_YEARS = (1.0, 2.0, 4.0, 7.0)
_PENALTY = 1.0  # pulls what few devices say towards nothing: as much as one failure
_LEAST_SPREAD = 1e-3
_MOST_STEPS, _SETTLED = 50, 1e-8
_MOST_EFFECT = 20.0  # of a logarithm: beyond, nothing is meant


@dataclass(frozen=True, slots=True)
class Watched:
    """What a device was like while it was watched.

    Attributes:
        failures: how often any of its parts failed.
        days: for how long it was watched; above 0.
        age_years: in the middle of that; None: not known.
        use: how much it is used against others of its model: 1 as they; None: not known.
    """

    model: str
    failures: int
    days: float
    age_years: float | None
    use: float | None


@dataclass(frozen=True, slots=True)
class Oddness:
    """How a device compares with what was expected of it.

    Attributes:
        expected: failures.
        p: of so many or more by chance; q: the same, corrected for how many devices were looked at.
        ratio, low, high: how often it fails against devices like it, drawn towards 1; 95 % interval.
    """

    expected: float
    p: float
    q: float
    ratio: float
    low: float
    high: float

    @property
    def is_lemon(self) -> bool:
        """More failures than chance allows, and more than others by all that is known."""
        return self.q <= FALSE_SHARE and self.low > 1


def oddness(devices: Sequence[Watched]) -> list[Oddness]:
    """Of each device of one kind; (devices,)."""
    from scipy.special import gammainc, gammaincinv  # half a second to load: only for who asks

    if not devices:
        return []
    seen = np.array([device.failures for device in devices], np.int64)
    expected = expectations(devices)
    # At least k failures of a Poisson mean: the lower incomplete gamma function of k.
    chance = np.where(seen > 0, gammainc(np.maximum(seen, 1), expected), 1.0)
    shape = 1 / max(spread(seen, expected), _LEAST_SPREAD)
    middle, low, high = (
        (shape + seen) / (shape + expected),
        *(gammaincinv(shape + seen, tail) / (shape + expected) for tail in (0.025, 0.975)),
    )
    corrected = discoveries(chance.tolist())
    columns = (
        expected.tolist(),
        chance.tolist(),
        corrected,
        middle.tolist(),
        low.tolist(),
        high.tolist(),
    )
    return [Oddness(*row) for row in zip(*columns, strict=True)]


def expectations(devices: Sequence[Watched]) -> Floats:
    """(devices,) failures that are usual for such a device in its days; they sum to those that came.

    Poisson regression with a ridge, by Newton's method: the usual rate of all, times what model, age
    and use make of it.
    """
    seen = np.array([device.failures for device in devices], float)
    days = np.array([device.days for device in devices])
    usual = days * seen.sum() / days.sum()
    columns = _described(devices)
    effects = np.zeros(columns.shape[1])
    expected = usual
    for _ in range(_MOST_STEPS if seen.any() else 0):
        slope = columns.T @ (seen - expected) - _PENALTY * effects
        bend = (columns.T * expected) @ columns + _PENALTY * np.eye(len(effects))
        step = np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
        effects = effects + step
        expected = usual * np.exp(np.clip(columns @ effects, -_MOST_EFFECT, _MOST_EFFECT))
        if np.abs(step).max() < _SETTLED:
            break
    scaled: Floats = expected * seen.sum() / max(expected.sum(), 1e-12)
    return scaled


def spread(seen: Ints, expected: Floats) -> float:
    """How much devices differ beyond chance: the variance of their true ratios, by moments."""
    known = expected > 0
    if not known.any():
        return 0.0
    beyond = ((seen - expected) ** 2 - expected)[known].sum()
    return max(0.0, float(beyond / (expected[known] ** 2).sum()))


def _described(devices: Sequence[Watched]) -> Floats:
    models = sorted({device.model for device in devices})
    bands = len(AGE_BANDS_YEARS) + 1
    columns = np.zeros((len(devices), len(models) + bands + 1))
    for row, device in enumerate(devices):
        columns[row, models.index(device.model)] = 1
        if device.age_years is not None:
            band = sum(device.age_years >= edge for edge in AGE_BANDS_YEARS)
            columns[row, len(models) + band] = 1
        columns[row, -1] = log(device.use) if device.use else 0.0
    return columns
