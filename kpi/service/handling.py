"""How the cases of a period were handled, and how long repairs took. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import median

from desk.sla.plan import Plan
from domain.fault import Grade
from domain.report import Severity
from domain.text import N_
from kpi.service.cases import Case


class Way(StrEnum):
    """How a fault was dealt with; of two the first counts."""

    REPLACED = "replaced"
    ON_SITE = "on_site"
    AFAR = "afar"
    BY_ITSELF = "by_itself"


WAY_TEXT: dict[Way, str] = {
    Way.REPLACED: N_("on site, a part or the unit was replaced"),
    Way.ON_SITE: N_("on site, repaired"),
    Way.AFAR: N_("from afar, without a visit"),
    Way.BY_ITSELF: N_("came back by itself"),
}


@dataclass(frozen=True, slots=True)
class Repairs:
    """How long ordinary repairs took, from the arrival, under one plan.

    Attributes:
        promised: what they are to take on average; None: the plan does not say.
    """

    plan: str
    label: str
    count: int
    mean: timedelta
    median: timedelta
    promised: timedelta | None


def way(case: Case) -> Way:
    """How a closed case was dealt with."""
    if case.replaced:
        return Way.REPLACED
    if case.arrived_at is not None:
        return Way.ON_SITE
    return Way.AFAR if case.mended else Way.BY_ITSELF


def ways(closed: Iterable[Case]) -> list[tuple[Way, int]]:
    """How many of the closed cases were dealt with in each way, in its order."""
    counts = Counter(map(way, closed))
    return [(each, counts[each]) for each in Way]


def repairs(closed: Iterable[Case], plans: Mapping[int, Plan]) -> list[Repairs]:
    """Of the ordinary faults that somebody went to, by plan (`plans`: by ticket)."""
    spans: dict[str, list[timedelta]] = defaultdict(list)
    known: dict[str, Plan] = {}
    for case in closed:
        plan, span = plans.get(case.ticket_id), case.repair
        if plan is not None and span is not None and is_ordinary(case, plan):
            known[plan.name] = plan
            spans[plan.name].append(span)
    return [_repairs(known[name], spans[name]) for name in sorted(spans)]


def is_ordinary(case: Case, plan: Plan) -> bool:
    """Whether a fault is an ordinary one: as somebody graded it, else by its plan. Many devices at
    once are major."""
    if case.grade is not None:
        return case.grade is Grade.ORDINARY
    return case.origin != "batch" and plan.grade(Severity(case.severity)) is Grade.ORDINARY


def _repairs(plan: Plan, spans: list[timedelta]) -> Repairs:
    mean = sum(spans, timedelta(0)) / len(spans)
    middle = timedelta(seconds=median(span.total_seconds() for span in spans))
    return Repairs(plan.name, plan.label, len(spans), mean, middle, plan.mean_repair)
