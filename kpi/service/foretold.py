"""What became of the failures that were foretold, and which failures were not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kpi.service.cases import Case
from models.live.outcomes import Outcome, Settled


@dataclass(frozen=True, slots=True)
class Foresight:
    """The cases that predictions opened in a period, by outcome; and the failures of the period.

    Attributes:
        open: of `unknown`, those that were still open at the period's end.
        failures: breakdowns that happened in the period; `warned`: foretold before they came.
    """

    foretold: int
    prevented: int
    happened: int
    false: int
    unknown: int
    open: int
    failures: int
    warned: int


def foresight(cases: Iterable[Case], settled: Iterable[Settled], start: datetime) -> Foresight:
    """`settled` may tell of more cases than the report's: those are left out."""
    known = {case.ticket_id: case for case in cases}
    ours = [each for each in settled if each.ticket_id in known]
    counts = Counter(each.outcome for each in ours)
    failed = [case for case in known.values() if _broke(case, start)]
    return Foresight(
        foretold=len(ours),
        prevented=counts[Outcome.PREVENTED],
        happened=counts[Outcome.CAME_TRUE],
        false=counts[Outcome.NOTHING_WRONG],
        unknown=counts[Outcome.UNKNOWN],
        open=sum(
            each.outcome is Outcome.UNKNOWN and known[each.ticket_id].ended_at is None
            for each in ours
        ),
        failures=len(failed),
        warned=sum(_warned(case) for case in failed),
    )


def _broke(case: Case, start: datetime) -> bool:
    """Whether a part broke down in the period: what predictions speak of."""
    return (
        case.fault_class == "breakdown"
        and not case.cancelled
        and case.failed_at is not None
        and case.failed_at >= start
    )


def _warned(case: Case) -> bool:
    return (
        case.predicted_at is not None
        and case.failed_at is not None
        and case.predicted_at < case.failed_at
    )
