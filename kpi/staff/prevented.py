"""Which share of the failures that were foretold did not come because somebody acted upon it.

What would have come, had nobody acted, nobody has seen. It is known by lot alone: of the predictions that
took part in a draw, those that were held out failed at some rate; the figure is that rate less the one at
which those that were acted upon failed, with Newcombe's interval (`kpi.avoided.estimate`). Where nothing was
held out, or none of a group's cases was in the draw, there is no value but bounds: at least none, at most
all whose failure did not come. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.text import N_
from kpi.avoided.estimate import Arm, avoided
from kpi.staff.cases import CaseFacts
from kpi.staff.figures import Figure
from kpi.staff.rules import Rules

NAME = "prevented"
LABEL = N_("foretold failures prevented")
EXPLAINED = N_(
    "What foretelling prevented is known only against predictions that were held out by lot; without "
    "them it is a range: from none to all whose failure did not come."
)


@dataclass(frozen=True, slots=True)
class Held:
    """What was held out by one setting of the hold-out, as far as it is over."""

    hold_out_id: int
    arm: Arm


def prevented(
    cases: Sequence[CaseFacts],
    group: Callable[[CaseFacts], str | None],
    held: Held | None,
    rules: Rules,
) -> dict[str, Figure]:
    """Of each group (None belongs to none). It is not adjusted: the lot makes the groups alike."""
    theirs: dict[str, list[CaseFacts]] = defaultdict(list)
    for case in cases:
        if (key := group(case)) is not None:
            theirs[key] += [case] if case.foretold else []
    return {key: _figure(found, held, rules) for key, found in theirs.items()}


def _figure(foretold: Sequence[CaseFacts], held: Held | None, rules: Rules) -> Figure:
    if held is not None and held.arm.predictions:
        drawn = [case for case in foretold if case.hold_out_id == held.hold_out_id]
        if drawn:
            told = avoided(held.arm, _acted(drawn))
            few = min(len(drawn), held.arm.predictions) < rules.few
            return _made(drawn, told.difference, told.low, told.high, few=few)
    if not foretold:
        return _made((), None, None, None, few=True)
    arm = _acted(foretold)
    most = 1 - arm.failed / arm.predictions
    return _made(foretold, None, 0.0, most, few=len(foretold) < rules.few)


def _acted(cases: Sequence[CaseFacts]) -> Arm:
    return Arm(len(cases), sum(case.failed for case in cases))


def _made(
    cases: Sequence[CaseFacts],
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    few: bool,
) -> Figure:
    tickets = tuple(case.ticket_id for case in cases)
    return Figure(NAME, value, low, high, None, None, None, few, tickets)
