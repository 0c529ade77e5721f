"""What a training is told: the costs of errors, and how much data it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

_Number: TypeAlias = Any  # a float, or an array of them


@dataclass(frozen=True, slots=True)
class CostSettings:
    """What a failure and a visit cost, in any one currency; they decide where a threshold lies.

    Attributes:
        visit: an engineer sent out, for nothing or not.
        hour_down: an hour in which the device does not work.
        hours_down: how long it stands still after a failure that nobody foresaw.
        failure_in_service: what such a failure costs beside the visit and the hours.
        planned_saving: by how much a planned repair is cheaper than an urgent one.
        most_false: false episodes per device-month that a component's warnings may cause at most.
    """

    visit: float = 120.0
    hour_down: float = 50.0
    hours_down: float = 4.0
    failure_in_service: float = 300.0
    planned_saving: float = 100.0
    most_false: float | None = None

    @property
    def surprise(self) -> float:
        """What a failure costs that nobody foresaw."""
        return self.visit + self.failure_in_service + self.hour_down * self.hours_down

    @property
    def foreseen(self) -> float:
        """What a failure costs that was foreseen: a planned visit before it happens."""
        return self.visit - self.planned_saving

    @property
    def break_even(self) -> float:
        """The probability at which sending somebody costs as much, on average, as waiting; 1 where
        a surprise costs nothing either."""
        both = self.visit + self.surprise - self.foreseen
        return self.visit / both if both else 1.0

    def total(self, failures: _Number, warned: _Number, false: _Number) -> _Number:
        """What `failures` cost of which some were warned of, and false episodes: numbers or arrays."""
        missed = failures - warned
        return self.surprise * missed + self.foreseen * warned + self.visit * false


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of each kind of device; what is not said of a kind is as for all."""

    usual: CostSettings = CostSettings()
    by_kind: Mapping[str, CostSettings] = field(default_factory=dict)

    def of(self, kind: str) -> CostSettings:
        return self.by_kind.get(kind, self.usual)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How data sets are made.

    Attributes:
        step: the distance between two decisions of one device.
        fewest_failures: a component that failed less often gets no model.
        test_share: the last part of the period, which a model is judged on.
        max_devices: of a larger fleet a random sample is learned from.
        max_decisions: of more, the step between two decisions grows.
    """

    step: timedelta = timedelta(hours=3)
    fewest_failures: int = 15
    test_share: float = 0.25
    max_devices: int = 600
    max_decisions: int = 250_000
    costs: Costs = Costs()
