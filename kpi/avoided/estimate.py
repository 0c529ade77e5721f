"""What acting upon predictions avoids, from two groups that a lot has made. Pure.

Each prediction of low risk was held out or acted upon by lot, so that what else differs between the two
groups is chance. The difference of their failure rates is what acting avoids. Its 95 % interval is
Newcombe's of the difference of two independent proportions, from Wilson's intervals of each (R. G.
Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
Medicine 17, 1998: method 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from kpi.staff.figures import wilson


@dataclass(frozen=True, slots=True)
class Arm:
    """Predictions whose horizon is over, and how many of them came true."""

    predictions: int
    failed: int

    @property
    def rate(self) -> float | None:
        return self.failed / self.predictions if self.predictions else None


@dataclass(frozen=True, slots=True)
class Avoided:
    """What the lot tells.

    Attributes:
        difference: failure rate of what was held out less that of what was acted upon; None where
            either group is empty.
        low, high: its 95 % interval.
        calls, calls_low, calls_high: the same for all that was acted upon in the draw: how many failures
            did not come. Below 0: acting may have done harm, or nothing; the data can't tell.
    """

    held: Arm
    acted: Arm
    difference: float | None
    low: float | None
    high: float | None

    @property
    def calls(self) -> float | None:
        return self._times(self.difference)

    @property
    def calls_low(self) -> float | None:
        return self._times(self.low)

    @property
    def calls_high(self) -> float | None:
        return self._times(self.high)

    def _times(self, rate: float | None) -> float | None:
        return None if rate is None else rate * self.acted.predictions


def avoided(held: Arm, acted: Arm) -> Avoided:
    """Compares the two groups."""
    if not held.predictions or not acted.predictions:
        return Avoided(held, acted, None, None, None)
    first, first_low, first_high = _interval(held)
    other, other_low, other_high = _interval(acted)
    difference = first - other
    return Avoided(
        held,
        acted,
        difference,
        difference - sqrt((first - first_low) ** 2 + (other_high - other) ** 2),
        difference + sqrt((first_high - first) ** 2 + (other - other_low) ** 2),
    )


def _interval(arm: Arm) -> tuple[float, float, float]:
    share, low, high = wilson([1.0] * arm.failed + [0.0] * (arm.predictions - arm.failed))
    if share is None or low is None or high is None:
        raise ValueError("nothing is known of an empty arm")
    return share, low, high
