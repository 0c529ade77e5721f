"""What could be expected of a case, whoever had it: what nobody on the staff can influence. Pure.

Indirect standardisation: a case is compared with all cases like it - the same distance class, age of
the device, kind, model and fault class. Where few are like it, the comparison leans on the cases that
are like it in less, down to all cases: each level counts as much as WEIGHT cases of the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from kpi.staff.cases import CaseFacts
from kpi.staff.rules import Rules
from kpi.uptime.exclusions import NOT_OURS

WEIGHT = 10.0


def is_fair(case: CaseFacts) -> bool:
    """Whether a case says something about who had it: not a batch's, not the user's, not
    outside, not disputed with reason."""
    return case.origin != "batch" and case.caused_by not in NOT_OURS and not case.excused


def expected(cases: Sequence[CaseFacts], values: Sequence[float], rules: Rules) -> list[float]:
    """The mean of `values` among cases like each one; (cases,). Empty for none."""
    if not cases:
        return []
    means = [sum(values) / len(values)] * len(cases)
    for level in range(1, len(_alike(cases[0], rules)) + 1):
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for place, case in enumerate(cases):
            groups[_alike(case, rules)[:level]].append(place)
        means = _pulled(groups.values(), values, means)
    return means


def _pulled(
    groups: Iterable[list[int]], values: Sequence[float], means: Sequence[float]
) -> list[float]:
    closer = list(means)
    for group in groups:
        total = sum(values[place] for place in group)
        mean = (total + WEIGHT * means[group[0]]) / (len(group) + WEIGHT)
        for place in group:
            closer[place] = mean
    return closer


def _alike(case: CaseFacts, rules: Rules) -> tuple[Hashable, ...]:
    age = rules.age_band(case.age_years)
    return (case.region_class, age, case.kind, case.model, case.fault_class)
