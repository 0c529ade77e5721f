"""A period's review: uptime, promised times and cases of every engineer, region, customer or site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.sla.outcomes import outcomes
from kpi.staff.cases import CaseFacts, read_cases
from kpi.staff.factors import Factor, factors
from kpi.staff.figures import MEASURES, Figure, Measure, figures, kept_measure
from kpi.staff.rules import Rules
from kpi.uptime.figures import Uptime, uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn

GROUPS: Mapping[Scope, Callable[[CaseFacts], str | None]] = {
    Scope.ENGINEER: lambda case: case.engineer,
    Scope.REGION: lambda case: case.region or None,
    Scope.CUSTOMER: lambda case: case.customer or None,
    Scope.SITE: lambda case: case.site or None,
}
"""By what the staff's work is looked at."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One engineer, region, customer or site.

    Attributes:
        uptime: of the devices in their care; None where they had none.
        figures: in the order of the review's measures; empty where no case was theirs.
    """

    key: str
    name: str
    uptime: Uptime | None
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Review:
    """A period, by `scope`.

    Attributes:
        rules: the version and digest of the rules that it was made by.
        unsaid: of so many cases nobody said what caused them; they are in no factor.
    """

    scope: Scope
    start: datetime
    end: datetime
    rules: Rules
    measures: Sequence[Measure]
    rows: Sequence[Reviewed]
    factors: Sequence[Factor]
    unsaid: int


def review(conn: Conn, scope: Scope, start: datetime, end: datetime, rules: Rules) -> Review:
    """The review of [start, end). `scope` is one of GROUPS."""
    cases = read_cases(conn, start, end, rules)
    measures = (*_promises(conn, start, end), *MEASURES)
    of_cases = figures(cases, GROUPS[scope], measures, rules)
    of_devices = {one.key: one for one in uptime(conn, scope, start, end)}
    drivers, unsaid = factors(cases)
    rows = [
        Reviewed(key, _name(key, of_devices), of_devices.get(key), of_cases.get(key, ()))
        for key in sorted({*of_cases, *of_devices})
    ]
    return Review(scope, start, end, rules, measures, rows, drivers, unsaid)


def _name(key: str, of_devices: Mapping[str, Uptime]) -> str:
    return of_devices[key].name if key in of_devices else key


def _promises(conn: Conn, start: datetime, end: datetime) -> list[Measure]:
    """One measure a clock: whether it was kept. A case may have a clock twice, under two plans: then
    both must have been kept."""
    kept: dict[str, dict[int, bool]] = defaultdict(dict)
    for outcome in outcomes(conn, start, end):
        before = kept[outcome.clock].get(outcome.ticket_id, True)
        kept[outcome.clock][outcome.ticket_id] = before and outcome.kept
    return [kept_measure(clock, clock, kept[clock]) for clock in sorted(kept)]
