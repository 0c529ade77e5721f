"""The staff's figures of a period: each raw and adjusted, with its interval and the cases it is made of.

Pure: from cases to figures. A figure of few cases is marked; nothing ranks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, log, sqrt
from statistics import NormalDist, median

from domain.text import N_
from kpi.staff.cases import CaseFacts
from kpi.staff.fair import expected, is_fair
from kpi.staff.rules import Rules

_Z = NormalDist().inv_cdf(0.975)
_LEAST_H = 1 / 60  # a time is at least a minute: shorter ones are clicks, and have no logarithm


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is asked of every case.

    Attributes:
        of: the case's value: 1 or 0 of a share, hours of a time; None: the case says nothing.
        share: the figure is the share of ones; else the median of the hours.
        good: more of it is better.
    """

    name: str
    label: str
    of: Callable[[CaseFacts], float | None]
    share: bool
    good: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of one group. Shares 0 to 1, times in hours; None where no case says anything.

    Attributes:
        low, high: the 95 % interval of `value` (Wilson's of a share; of a median the order
            statistics that the binomial gives).
        adjusted: as if the group had had cases like everybody's; from the cases that are fair to count.
        adjusted_low, adjusted_high: its 95 % interval.
        few: too few cases to compare with others.
        cases: the tickets it is made of.
    """

    measure: str
    value: float | None
    low: float | None
    high: float | None
    adjusted: float | None
    adjusted_low: float | None
    adjusted_high: float | None
    few: bool
    cases: tuple[int, ...]


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else max(span / timedelta(hours=1), _LEAST_H)


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def measures(rules: Rules) -> list[Measure]:
    """What is asked of every case, beside the promised times."""
    worn = Measure(
        "prevented",
        N_("foretold failures prevented"),
        lambda case: _flag(case.found_worn),
        True,
        True,
    )
    return [
        Measure("response_h", N_("response"), lambda case: _hours(case.response), False, False),
        Measure("travel_h", N_("travel"), lambda case: _hours(case.travel), False, False),
        Measure("repair_h", N_("repair"), lambda case: _hours(case.repair), False, False),
        Measure(
            "first_time_fix",
            N_("fixed at the first visit"),
            lambda case: _flag(case.fixed_at_once(rules)),
            True,
            True,
        ),
        Measure(
            "repeats", N_("repeat faults"), lambda case: _flag(case.repeated(rules)), True, False
        ),
        Measure(
            "second_calls",
            N_("second calls"),
            lambda case: _flag(case.second_calls > 0),
            True,
            False,
        ),
        *([worn] if rules.prevented == "worn" else []),
    ]


def kept_measure(clock: str, label: str, kept: Mapping[int, bool]) -> Measure:
    """Whether a promised time was kept; `kept` by ticket."""
    return Measure(f"sla:{clock}", label, lambda case: _flag(kept.get(case.ticket_id)), True, True)


def figures(
    cases: Sequence[CaseFacts],
    group: Callable[[CaseFacts], str | None],
    asked: Iterable[Measure],
    rules: Rules,
) -> dict[str, list[Figure]]:
    """Of each group (None belongs to none), one figure of each asked measure, in their order."""
    found: dict[str, list[Figure]] = defaultdict(list)
    for measure in asked:
        told = [(case, value) for case in cases if (value := measure.of(case)) is not None]
        expecting = _expected(measure, told, rules)
        for key in sorted({key for case in cases if (key := group(case)) is not None}):
            theirs = [(case, value) for case, value in told if group(case) == key]
            found[key].append(_figure(measure, theirs, expecting, rules))
    return dict(found)


@dataclass(frozen=True, slots=True)
class _Expecting:
    """What is expected of each fair case (by ticket), and the level of all of them."""

    of: Mapping[int, float]
    level: float


def _expected(
    measure: Measure, told: Sequence[tuple[CaseFacts, float]], rules: Rules
) -> _Expecting:
    fair = [(case, value if measure.share else log(value)) for case, value in told if is_fair(case)]
    cases, values = [case for case, _ in fair], [value for _, value in fair]
    means = expected(cases, values, rules)
    level = sum(values) / len(values) if values else 0.0
    return _Expecting(
        {case.ticket_id: mean for case, mean in zip(cases, means, strict=True)}, level
    )


def _figure(
    measure: Measure,
    theirs: Sequence[tuple[CaseFacts, float]],
    expecting: _Expecting,
    rules: Rules,
) -> Figure:
    values = [value for _, value in theirs]
    fair = [(value, expecting.of[case.ticket_id]) for case, value in theirs if is_fair(case)]
    plain = (wilson if measure.share else median_interval)(values)
    adjusted = (_adjusted_share if measure.share else _adjusted_time)(fair, expecting.level)
    return Figure(
        measure.name,
        *plain,
        *adjusted,
        few=len(values) < rules.few,
        cases=tuple(case.ticket_id for case, _ in theirs),
    )


Three = tuple[float | None, float | None, float | None]
_NOTHING: Three = (None, None, None)


def wilson(values: Sequence[float]) -> Three:
    """A share with Wilson's 95 % interval."""
    count = len(values)
    if not count:
        return _NOTHING
    share = sum(values) / count
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
    return share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def median_interval(values: Sequence[float]) -> Three:
    """A median, and the order statistics between which it lies with 95 % (by the normal
    approximation of the binomial); of fewer than six values all of them."""
    if not values:
        return _NOTHING
    ordered, count = sorted(values), len(values)
    reach = _Z * sqrt(count) / 2
    low = max(0, int(count / 2 - reach))
    high = min(count - 1, int(count / 2 + reach))
    if count < 6:
        low, high = 0, count - 1
    return median(ordered), ordered[low], ordered[high]


def _adjusted_share(fair: Sequence[tuple[float, float]], level: float) -> Three:
    """Observed over expected, times the level of all."""
    awaited = sum(mean for _, mean in fair)
    share, low, high = wilson([value for value, _ in fair])
    if share is None or low is None or high is None:
        return _NOTHING
    scale = level * len(fair) / awaited if awaited else 1.0  # nobody has any
    return min(1.0, share * scale), min(1.0, low * scale), min(1.0, high * scale)


def _adjusted_time(fair: Sequence[tuple[float, float]], level: float) -> Three:
    """The geometric mean of observed over expected times, times that of all."""
    if not fair:
        return _NOTHING
    off = [log(value) - mean for value, mean in fair]
    mean = sum(off) / len(off)
    if len(off) == 1:
        return exp(level + mean), None, None
    spread = sqrt(sum((one - mean) ** 2 for one in off) / (len(off) - 1) / len(off))
    return exp(level + mean), exp(level + mean - _Z * spread), exp(level + mean + _Z * spread)
