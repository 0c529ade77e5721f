"""How the promised times were kept, clock by clock. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from statistics import median

from desk.sla.outcomes import Outcome
from kpi.staff.figures import wilson


@dataclass(frozen=True, slots=True)
class Kept:
    """One clock of one plan with one promised time: a plan may promise each region its own.

    Attributes:
        share: of `cases`, with its 95 % interval (Wilson's).
        median, most: of the working time used; `most`: nine in ten took no longer.
    """

    plan: str
    clock: str
    label: str
    target: timedelta
    cases: int
    kept: int
    share: float
    low: float
    high: float
    median: timedelta
    most: timedelta


def true_outcomes(found: Iterable[Outcome]) -> list[Outcome]:
    """Without those of cases that turned out to be none."""
    return [outcome for outcome in found if not outcome.cancelled]


def kept(found: Iterable[Outcome]) -> list[Kept]:
    """By plan, clock and promised time, in the order in which plans tell their clocks."""
    groups: dict[tuple[str, str, float], list[Outcome]] = defaultdict(list)
    for outcome in found:
        groups[outcome.plan, outcome.clock, outcome.target_s].append(outcome)
    order = {clock: place for place, (_, clock, _) in enumerate(groups)}
    keys = sorted(groups, key=lambda key: (key[0], order[key[1]], key[2]))
    return [_kept(groups[key]) for key in keys]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]


def _kept(found: Sequence[Outcome]) -> Kept:
    first, used = found[0], [outcome.used_s for outcome in found]
    share, low, high = wilson([float(outcome.kept) for outcome in found])
    assert share is not None
    assert low is not None
    assert high is not None
    return Kept(
        plan=first.plan,
        clock=first.clock,
        label=first.label,
        target=timedelta(seconds=first.target_s),
        cases=len(found),
        kept=sum(outcome.kept for outcome in found),
        share=share,
        low=low,
        high=high,
        median=timedelta(seconds=median(used)),
        most=timedelta(seconds=quantile(used, 0.9)),
    )
