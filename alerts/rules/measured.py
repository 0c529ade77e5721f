"""Rules on what is measured: limits on gauges, on how things change, on where they lead, and on
silence.

Each has a value of a (device, metric) at a moment, and two limits on it: the one that raises and one
that the value must pass on its way back. How the value comes about is what tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from alerts.rules.rule import Rule
from alerts.rules.words import Flag, Number, Span, Word
from domain.fault import FaultClass

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRule(Rule):
    """A limit on a value, with a second one that the value must pass on its way back.

    Attributes:
        raise_at, clear_at: in the value's unit; too high is bad when `raise_at` is the higher one.
        absolute: the value's size counts, not its sign.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"value", "limit"})

    metric: Word
    component: Word
    fault_class: FaultClass
    raise_at: Number
    clear_at: Number
    absolute: Flag = False

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if self.raise_at == self.clear_at:
            raise ValueError(f"clear_at: {self.clear_at:g} is raise_at; allowed: another limit")
        if self.absolute and not self.above:
            raise ValueError("absolute: true; allowed: false where too low is bad")

    @property
    def above(self) -> bool:
        return self.raise_at > self.clear_at

    def beyond(self, value: float) -> bool:
        """Whether the value is so bad that it raises."""
        size = abs(value) if self.absolute else value
        return size > self.raise_at if self.above else size < self.raise_at

    def back(self, value: float) -> bool:
        """Whether the value is so good that it is over."""
        size = abs(value) if self.absolute else value
        return size < self.clear_at if self.above else size > self.clear_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRule(MeasuredRule):
    """A limit on a gauge itself.

    Attributes:
        held_for: only once every reading has been beyond the limit for so long; 0: at once.
    """

    held_for: Span = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyRule(MeasuredRule):
    """A value that is made of the hours before: known when an hour is over in which it was heard.

    Attributes:
        window: so many whole hours.
    """

    window: Span

    def __post_init__(self) -> None:
        MeasuredRule.__post_init__(self)
        if self.window < HOUR or self.window % HOUR:
            raise ValueError(f"window: {self.window}; allowed: whole hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRule(HourlyRule):
    """How much a counter grew in the window, or by how much a gauge changed.

    Attributes:
        per: another counter: the value is how many per 100 of its growth.
        fewest: of `per` there must have been so many, else nothing is said.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"value", "limit", "hours"})

    per: Word | None = None
    fewest: Annotated[Number, Field(ge=1)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRule(HourlyRule):
    """Where a gauge will be if it goes on as in the window: a straight line through its hours.

    Attributes:
        ahead: so far ahead.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"value", "limit", "days"})

    ahead: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRule(Rule):
    """A signal that should come and does not, though its device is up: a silent failure.

    Attributes:
        signal: `reading`: the metric is told; `growth`: the counter grows.
        quiet_for: bad when it has not come for so long, in which its device was up.
        usual: for `growth`: only where in the week before it grew so much in as long a time.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"hours"})

    metric: Word
    component: Word
    fault_class: FaultClass
    signal: Literal["reading", "growth"] = "reading"
    quiet_for: Span
    usual: Annotated[Number, Field(ge=0)] = 1.0

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if self.quiet_for < HOUR or self.quiet_for % HOUR:
            raise ValueError(f"quiet_for: {self.quiet_for}; allowed: whole hours")
