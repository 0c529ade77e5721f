"""How many refills of a consumable will be needed. Pure.

What a device will use until the end is a gamma variable: its mean is the use of its last days; its
variance has what differs from day to day, and what a few weeks leave unknown of the mean. So many
refills are needed as make up for what is used beyond what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpi.life.survival import Floats

DRAWS = 1000
_SEED = 0  # the same figures give the same interval


@dataclass(frozen=True, slots=True)
class Stock:
    """One supply of one device.

    Attributes:
        left: what is left of it, in its own unit.
        refill: how much one refill is, in the same unit; above 0.
        per_day, spread: mean and standard deviation of what is used a day.
        days: of so many days that is known.
    """

    left: float
    refill: float
    per_day: float
    spread: float
    days: int


@dataclass(frozen=True, slots=True)
class Amount:
    """How many refills: the mean, the 95 % interval, and what suffices nineteen times of twenty."""

    mean: float
    low: float
    high: float
    enough: int


def refills(stocks: Sequence[Stock], ahead: float) -> Floats:
    """(stocks, DRAWS): refills needed in `ahead` days, in so many futures that may come."""
    random = np.random.default_rng(_SEED)
    drawn = np.zeros((len(stocks), DRAWS))
    for row, stock in enumerate(stocks):
        mean = stock.per_day * ahead
        variance = stock.spread**2 * ahead * (1 + ahead / max(stock.days, 1))
        used = np.full(DRAWS, mean)
        if mean > 0 and variance > 0:
            used = random.gamma(mean**2 / variance, variance / mean, DRAWS)
        drawn[row] = np.ceil(np.maximum(used - stock.left, 0) / stock.refill)
    return drawn


def amount(drawn: Floats) -> Amount:
    """Of several supplies together; `drawn` is of `refills`."""
    total = drawn.sum(axis=0)
    low, high, enough = np.quantile(total, [0.025, 0.975, 0.95], method="inverted_cdf")
    return Amount(float(total.mean()), float(low), float(high), int(enough))
