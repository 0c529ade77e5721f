"""A period's review: uptime, promised times and cases of every engineer, region, customer or site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from desk.sla.outcomes import outcomes
from kpi.avoided.draws import read_report
from kpi.staff.cases import CaseFacts, read_cases
from kpi.staff.factors import Factor, factors
from kpi.staff.figures import Figure, figures, kept_measure, measures
from kpi.staff.prevented import LABEL, NAME, Held, prevented
from kpi.staff.rules import Rules
from kpi.uptime.figures import Uptime, uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn

GROUPS: Mapping[Scope, Callable[[CaseFacts], str | None]] = {
    Scope.ENGINEER: lambda case: case.engineer,
    Scope.TEAM: lambda case: case.team or None,
    Scope.REGION: lambda case: case.region or None,
    Scope.CUSTOMER: lambda case: case.customer or None,
    Scope.SITE: lambda case: case.site or None,
}
"""By what the staff's work is looked at."""


_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a period's reviews are made of, so that they can be made again.

    Attributes:
        kept: whether each promised time was kept, by clock and ticket.
        uptime: of each engineer, region, ...
        held: what was held out by the setting in force, as far as it was over at the end; None: nothing.
    """

    start: datetime
    end: datetime
    cases: tuple[CaseFacts, ...]
    kept: dict[str, dict[int, bool]]
    uptime: dict[Scope, tuple[Uptime, ...]]
    held: Held | None = None


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
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A period, by `scope`.

    Attributes:
        rules: the version of the rules that it was made by.
        measures: name and label of each measure.
        unsaid: of so many cases nobody said what caused them; they are in no factor.
    """

    scope: Scope
    start: datetime
    end: datetime
    rules: str
    measures: tuple[tuple[str, str], ...]
    rows: tuple[Reviewed, ...]
    factors: tuple[Factor, ...]
    unsaid: int


def read_evidence(
    conn: Conn, start: datetime, end: datetime, scopes: Iterable[Scope] = GROUPS
) -> Evidence:
    """What is known now of [start, end); with the uptime of `scopes`, to review by these."""
    return Evidence(
        start=start,
        end=end,
        cases=tuple(read_cases(conn, start, end)),
        kept=_kept(conn, start, end),
        uptime={scope: tuple(uptime(conn, scope, start, end)) for scope in scopes},
        held=_held(conn, end),
    )


def review(evidence: Evidence, scope: Scope, rules: Rules) -> Review:
    """The review by `scope`, one of GROUPS. Pure: the same evidence and rules give the same review."""
    asked = [kept_measure(clock, clock, kept) for clock, kept in sorted(evidence.kept.items())]
    asked += measures(rules)
    of_cases = figures(evidence.cases, GROUPS[scope], asked, rules)
    labels = [(measure.name, measure.label) for measure in asked]
    if rules.prevented == "lot":
        labels.append((NAME, LABEL))
        for key, figure in prevented(evidence.cases, GROUPS[scope], evidence.held, rules).items():
            of_cases[key].append(figure)
    of_devices = {one.key: one for one in evidence.uptime[scope]}
    drivers, unsaid = factors(evidence.cases)
    return Review(
        scope=scope,
        start=evidence.start,
        end=evidence.end,
        rules=rules.version,
        measures=tuple(labels),
        rows=tuple(
            _row(key, of_devices.get(key), of_cases.get(key, ()))
            for key in sorted({*of_cases, *of_devices})
        ),
        factors=tuple(drivers),
        unsaid=unsaid,
    )


def _row(key: str, devices: Uptime | None, cases: Sequence[Figure]) -> Reviewed:
    return Reviewed(key, devices.name if devices else key, devices, tuple(cases))


def _held(conn: Conn, end: datetime) -> Held | None:
    """Of the setting that drew last before `end`, what was held out and over by then."""
    settings = read_report(conn, _EVER, end, end).settings
    return Held(settings[-1].hold_out_id, settings[-1].avoided.held) if settings else None


def _kept(conn: Conn, start: datetime, end: datetime) -> dict[str, dict[int, bool]]:
    """A case may have a clock twice, under two plans: then both must have been kept."""
    kept: dict[str, dict[int, bool]] = defaultdict(dict)
    for outcome in outcomes(conn, start, end):
        before = kept[outcome.clock].get(outcome.ticket_id, True)
        kept[outcome.clock][outcome.ticket_id] = before and outcome.kept
    return dict(kept)
