"""What a training is told: the costs of errors, and how much data it may use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class CostSettings:
    """What errors cost, in any one currency; they decide where a model's threshold lies.

    Attributes:
        visit: an engineer sent out for nothing.
        failure_in_service: what a failure that nobody foresaw costs more than a planned repair.
    """

    visit: float = 120.0
    failure_in_service: float = 600.0

    @property
    def break_even(self) -> float:
        """The probability at which sending somebody costs as much, on average, as waiting."""
        return self.visit / (self.visit + self.failure_in_service)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How data sets are made.

    Attributes:
        step: the distance between two decisions of one device.
        fewest_failures: a component that failed less often gets no model.
        test_share: the last part of the period, which a model is judged on.
        max_devices: of a larger fleet a random sample is learned from.
        max_decisions: of more, the step between two decisions grows.
        negatives_per_positive, fewest_negatives: decisions without a failure are thinned out to so
            many for each one with, but not to fewer than these.
    """

    step: timedelta = timedelta(hours=3)
    fewest_failures: int = 15
    test_share: float = 0.25
    max_devices: int = 600
    max_decisions: int = 250_000
    negatives_per_positive: int = 20
    fewest_negatives: int = 6_000
    costs: CostSettings = CostSettings()
