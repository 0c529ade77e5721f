"""The clocks of cases as pages show them: what is left, and when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from desk.coverage import VERDICT_TEXT
from desk.sla.clocks import Hold, SlaClock
from domain.text import N_

__all__ = ["VERDICT_TEXT", "hold_text", "missed", "resumes_at", "runs"]

_AHEAD = timedelta(days=8)
"""How long a page may stay open without being fetched anew."""

HOLD_TEXT: dict[Hold, str] = {
    Hold.CUSTOMER: N_("stands still: waiting for the customer"),
    Hold.PART: N_("stands still: waiting for a part"),
    Hold.CLOSED: N_("stands still: outside working hours"),
}


def hold_text(clock: SlaClock) -> str:
    """Why it stands still; of one that runs, why it next will."""
    return HOLD_TEXT[clock.hold or Hold.CLOSED]


def runs(clock: SlaClock, now: datetime) -> str:
    """When the clock runs, for the page's script: `start/end` pairs in milliseconds since 1970.

    "always" for one that runs around the clock; nothing while it waits for somebody.
    """
    if clock.hold in (Hold.CUSTOMER, Hold.PART):
        return ""
    spans = list(clock.calendar.spans(now, now + _AHEAD))
    if spans == [(now, now + _AHEAD)]:
        return "always"
    return " ".join(f"{_ms(start)}/{_ms(end)}" for start, end in spans)


def resumes_at(clock: SlaClock, now: datetime) -> datetime | None:
    """When working time begins again, for a clock that stands still outside it."""
    spans = clock.calendar.spans(now, now + _AHEAD) if clock.hold is Hold.CLOSED else iter(())
    return next((start for start, _ in spans), None)


def missed(clocks: Sequence[SlaClock]) -> int:
    """How many promises of a case are broken."""
    return sum(clock.state == "breached" for clock in clocks)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
