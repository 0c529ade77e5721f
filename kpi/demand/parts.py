"""How many spare parts will be needed, and what stock suffices. Pure.

What a model of device needs of a part is a gamma-Poisson count (Robbins 1956): its own past, and the
past of all models of its kind with the weight of OTHERS failures; so the future count is negative
binomial. Where a model in charge foretells a failure, its probability stands in the place of the usual
rate, for as long as it foretells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpi.life.survival import Floats

OTHERS = 3.0
"""So many failures of the other models of its kind count beside a model's own."""

COVERS = (0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Past:
    """What was needed of a part: `needed` times in `days` device-days."""

    needed: int
    days: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What is known of a rate a device-day: gamma with `shape`, over `days`."""

    shape: float
    days: float

    @property
    def mean(self) -> float:
        return self.shape / self.days


@dataclass(frozen=True, slots=True)
class Need:
    """What will be needed: the mean, and the stock that suffices with each of COVERS."""

    mean: float
    enough: tuple[int, ...]


def rate_of(own: Past, kind: Past) -> Rate | None:
    """What own and the kind's past say together; None where nothing was ever needed, or watched.

    `kind` has the own past in it.
    """
    if not kind.needed or not kind.days:
        return None
    usual = kind.needed / kind.days
    return Rate(OTHERS + own.needed, OTHERS / usual + own.days)


def chances(rate: Rate | None, days: float, foretold: Sequence[float]) -> Floats:
    """The distribution of what is needed: by `rate` in `days` device-days, and one for each of
    `foretold` with its probability. (n,): the chance of needing 0, 1, 2, ...; what is left out is
    beneath one in a million."""
    found = _counts(rate, days) if rate is not None and days > 0 else np.ones(1)
    for probability in foretold:
        found = np.convolve(found, [1 - probability, probability])
    return found


def together(parts: Sequence[Floats]) -> Floats:
    """The distribution of the sum of independent needs."""
    found = np.ones(1)
    for part in parts:
        found = np.convolve(found, part)
    return found


def need(found: Floats) -> Need:
    counts = np.arange(len(found))
    reached = np.cumsum(found) / found.sum()
    enough = tuple(int(np.searchsorted(reached, cover - 1e-12)) for cover in COVERS)
    return Need(float((counts * found).sum() / found.sum()), enough)


def _counts(rate: Rate, days: float) -> Floats:
    """The negative binomial count of a gamma rate over `days`."""
    from scipy.special import gammaln  # half a second to load: only for who asks

    mean = rate.mean * days
    deviation = np.sqrt(mean + mean**2 / rate.shape)
    counts = np.arange(int(mean + 8 * deviation + 20))
    stays = rate.days / (rate.days + days)
    logs = (
        gammaln(counts + rate.shape)
        - gammaln(rate.shape)
        - gammaln(counts + 1)
        + rate.shape * np.log(stays)
        + counts * np.log1p(-stays)
    )
    chance: Floats = np.exp(logs)
    return chance
