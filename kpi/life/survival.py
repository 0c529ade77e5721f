"""Survival curves of things that were watched for a part of their lives only. Pure.

A life is known from the age at which somebody began to watch (left truncation: what failed before was
never seen) to the age at which it failed, or was last known to work (right censoring). At each age
only those count that were being watched at that age.

Sources: Kaplan and Meier 1958 (the product-limit estimate; with late entries as in Klein and
Moeschberger, Survival Analysis, 2nd edition, 4.6); Greenwood 1926 (its variance); Kalbfleisch and
Prentice 1980 (the interval on the scale of log(-log S), which stays within 0 and 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """Stretches of lives that were watched; all arrays are (lives,), ages in days.

    Attributes:
        device: whose life it is; one device may have several, and one life several stretches.
        entry: the age from which on it was watched; 0: from its beginning.
        exit: the age at which it failed or was last known to work; above `entry`.
        failed: whether it failed then.
    """

    device: Ints
    entry: Floats
    exit: Floats
    failed: Bools

    def __post_init__(self) -> None:
        if (self.entry < 0).any() or not (self.exit > self.entry).all():
            raise BadInputError("lives: an age is below 0, or a life ends before it is watched")

    def __len__(self) -> int:
        return len(self.exit)

    def where(self, rows: NDArray[np.bool_]) -> Lives:
        return Lives(self.device[rows], self.entry[rows], self.exit[rows], self.failed[rows])

    def at_risk(self, ages: Floats) -> Ints:
        """How many were being watched, and working, just before each age."""
        entered = np.searchsorted(np.sort(self.entry), ages, side="left")
        gone = np.searchsorted(np.sort(self.exit), ages, side="left")
        return (entered - gone).astype(np.int64)

    def failures(self, ages: Floats) -> Ints:
        """How many failed at exactly each age."""
        ends = np.sort(self.exit[self.failed])
        count = np.searchsorted(ends, ages, "right") - np.searchsorted(ends, ages, "left")
        return count.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A survival curve with its 95 % band; a step at each age at which something failed.

    Attributes:
        since: the age from which on it speaks: the share of those that reached it.
        ages: (steps,) ascending, above `since`.
        survival, low, high: (steps,) from that age on, until the next step.
        at_risk: (steps,) just before it.
        spread: (steps,) what each step adds to Greenwood's sum: d / (n (n - d)).
    """

    since: float
    ages: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Ints
    spread: Floats

    def at(self, ages: Floats) -> tuple[Floats, Floats, Floats]:
        """Survival, low and high at each age; 1 before the first step."""
        place = np.searchsorted(self.ages, ages, side="right")
        low, middle, high = (
            np.append(1.0, values)[place] for values in (self.low, self.survival, self.high)
        )
        return middle, low, high


def kaplan_meier(lives: Lives, since: float = 0.0) -> Curve:
    """The share of lives that reach each age above `since`, of those that reach `since`."""
    ages = np.unique(lives.exit[lives.failed & (lives.exit > since)])
    at_risk, failures = lives.at_risk(ages), lives.failures(ages)
    survival: Floats = np.cumprod(1 - failures / at_risk, dtype=np.float64)
    with np.errstate(divide="ignore"):
        spread = failures / (at_risk * (at_risk - failures))
    low, high = _band(survival, np.cumsum(spread))
    return Curve(since, ages, survival, low, high, at_risk, spread)


def _band(survival: Floats, greenwood: Floats) -> tuple[Floats, Floats]:
    """exp(log S · exp(± z √V / log S)); where nothing is left there is no band but 0."""
    inside = survival > 0
    log = np.log(np.where(inside, survival, 0.5))
    reach = Z * np.sqrt(np.where(inside, greenwood, 0.0)) / -log
    with np.errstate(over="ignore"):
        low, high = np.exp(log * np.exp(reach)), np.exp(log * np.exp(-reach))
    return np.where(inside, low, 0.0), np.where(inside, high, 0.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def restricted_mean(curve: Curve, until: float) -> Estimate:
    """The mean life between `curve.since` and the age `until`, days: the area under the curve.

    Klein and Moeschberger 4.5: the variance sums, over the steps, the squared area behind each times
    its part of Greenwood's sum.
    """
    inside = curve.ages < until
    edges = np.concatenate([[curve.since], curve.ages[inside], [until]])
    areas = np.diff(edges) * np.append(1.0, curve.survival[inside])
    behind = np.cumsum(areas[::-1])[::-1][1:]
    spread = np.where(behind > 0, curve.spread[inside], 0.0)
    reach = Z * float(np.sqrt(np.sum(behind**2 * spread)))
    mean, longest = float(areas.sum()), until - curve.since
    return Estimate(mean, max(mean - reach, 0.0), min(mean + reach, longest))


def known_span(lives: Lives, fewest: int) -> tuple[float, float] | None:
    """The first stretch of ages at which at least `fewest` are watched; None where there is none.

    Few watched at an early age, one of which fails, would bend the whole curve behind.
    """
    ages = np.unique(np.concatenate([lives.entry, lives.exit]))
    enough = lives.at_risk(ages[1:]) >= fewest if len(ages) else np.zeros(0, bool)
    if not enough.any():
        return None
    first = int(np.argmax(enough))
    after = int(np.argmin(enough[first:])) if not enough[first:].all() else len(enough) - first
    return float(ages[first]), float(ages[first + after])
