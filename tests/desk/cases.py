"""Histories of cases, written down move by move, for the tests of what is counted from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from desk.case import Kind, TicketEvent
from desk.lifecycle import MOVES, TicketState
from desk.sla import Plan, SlaClock, Terms, TermsAt
from domain.calendar import AROUND_THE_CLOCK, Calendar
from domain.fault import Classified

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def case(
    *moves: tuple[float, str],
    foretold: bool = False,
    severity: str = "error",
    fault_class: str = "breakdown",
    since: datetime = NOON,
) -> list[TicketEvent]:
    """The history of a case opened at noon.

    Among the moves may stand `failed` for the failure, `worse` for a sign of a critical one, and what
    somebody says of its kind: `major`, `ordinary`, `operator`, `maintenance`.
    """
    data: dict[str, Any] = {
        "predicted_at": since.isoformat() if foretold else None,
        "failed_at": None,
        "severity": severity,
        "fault_class": fault_class,
    }
    events = [TicketEvent(1, 1, since, Kind.OPENED, "test", "", TicketState.NEW, data)]
    state = back = TicketState.NEW
    for minute, name in moves:
        kind, target, more = Kind.MOVED, state, dict[str, Any]()
        if name == "failed":
            kind = Kind.FAILED
        elif name in ("major", "ordinary"):
            kind, more = Kind.CLASSIFIED, {"grade": name}
        elif name in ("operator", "maintenance"):
            kind, more = Kind.CLASSIFIED, {"handling": name}
        elif name == "worse":
            kind, more = Kind.SIGN, {"severity": "critical"}
        else:
            assert state in MOVES[name].sources, (state, name)
            target, more = MOVES[name].target or back, {"move": name}
            more |= Classified(MOVES[name].handling).to_json()
        back = state if not state.waiting else back
        moment = since + minute * MINUTE
        version = len(events) + 1
        events.append(TicketEvent(1, version, moment, kind, "test", state, target, more))
        state = target
    return events


def under(plan: Plan, region: str = "urban", calendar: Calendar = AROUND_THE_CLOCK) -> TermsAt:
    """The same terms at every moment."""
    terms = Terms(plan, calendar, region)
    return lambda _moment: terms


def named(found: Sequence[SlaClock]) -> dict[str, SlaClock]:
    return {clock.name: clock for clock in found}
