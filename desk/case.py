"""A ticket as the fold of its events. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from desk.lifecycle import TicketState
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text


class Kind(StrEnum):
    """What an event of a ticket tells."""

    OPENED = "opened"
    SIGN = "sign"  # something more was seen of the fault
    FAILED = "failed"  # the component has failed; it was foretold, or had been restored
    RETURNED = "returned"  # nothing is seen of the fault any more
    MOVED = "moved"
    ASSIGNED = "assigned"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One row of `ticket_event`. `data` holds JSON values only."""

    ticket_id: int
    version: int
    at: datetime
    kind: Kind
    actor: str
    from_state: str
    to_state: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One row of `ticket`; every field comes from its events."""

    id: int
    fault: Fault
    alert_id: int | None
    origin: str
    state: TicketState
    severity: Severity
    title: Text
    assignee_id: int | None
    repeat_of: int | None
    opened_at: datetime
    predicted_at: datetime | None
    failed_at: datetime | None
    returned_at: datetime | None
    closed_at: datetime | None
    version: int


def fold(events: Iterable[TicketEvent]) -> Ticket:
    """The ticket that `events`, in the order of their versions, make. The first must open it."""
    stream = iter(events)
    ticket = opened(next(stream))
    for event in stream:
        ticket = apply(ticket, event)
    return ticket


def opened(event: TicketEvent) -> Ticket:
    """The ticket that its first event makes."""
    data = event.data
    return Ticket(
        id=event.ticket_id,
        fault=Fault(data["device_id"], data["component"], FaultClass(data["fault_class"])),
        alert_id=data["alert_id"],
        origin=data["origin"],
        state=TicketState.NEW,
        severity=Severity(data["severity"]),
        title=Text.from_json(data["title"]),
        assignee_id=data["assignee_id"],
        repeat_of=data["repeat_of"],
        opened_at=event.at,
        predicted_at=_moment(data["predicted_at"]),
        failed_at=_moment(data["failed_at"]),
        returned_at=None,
        closed_at=None,
        version=event.version,
    )


def apply(ticket: Ticket, event: TicketEvent) -> Ticket:
    """The ticket after one more event."""
    return replace(_APPLY[event.kind](ticket, event), version=event.version)


def _sign(ticket: Ticket, event: TicketEvent) -> Ticket:
    severity = Severity(event.data["severity"])
    worse = severity.rank > ticket.severity.rank
    return replace(
        ticket,
        severity=severity if worse else ticket.severity,
        alert_id=ticket.alert_id or event.data["alert_id"],
        predicted_at=ticket.predicted_at or _moment(event.data["predicted_at"]),
        returned_at=None,
    )


def _failed(ticket: Ticket, event: TicketEvent) -> Ticket:
    joined = _sign(ticket, event)
    return replace(
        joined,
        title=Text.from_json(event.data["title"]),
        failed_at=ticket.failed_at or _moment(event.data["failed_at"]),
    )


def _returned(ticket: Ticket, event: TicketEvent) -> Ticket:
    return replace(ticket, returned_at=event.at)


def _moved(ticket: Ticket, event: TicketEvent) -> Ticket:
    state = TicketState(event.to_state)
    return replace(ticket, state=state, closed_at=event.at if state.ended else None)


def _assigned(ticket: Ticket, event: TicketEvent) -> Ticket:
    return replace(ticket, assignee_id=event.data["engineer_id"])


def _noted(ticket: Ticket, event: TicketEvent) -> Ticket:
    return ticket


_APPLY: dict[Kind, Callable[[Ticket, TicketEvent], Ticket]] = {
    Kind.SIGN: _sign,
    Kind.FAILED: _failed,
    Kind.RETURNED: _returned,
    Kind.MOVED: _moved,
    Kind.ASSIGNED: _assigned,
    Kind.NOTE: _noted,
}


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
