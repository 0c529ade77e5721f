"""A ticket as the fold of its events. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from desk.lifecycle import TicketState
from domain.fault import CausedBy, Fault, FaultClass, Finding, Grade, Handling
from domain.report import Severity
from domain.text import N_, Text


class Kind(StrEnum):
    """What an event of a ticket tells."""

    OPENED = "opened"
    SIGN = "sign"  # something more was seen of the fault
    FAILED = "failed"  # the component has failed; it was foretold, or had been restored
    RETURNED = "returned"  # nothing is seen of the fault any more
    MOVED = "moved"
    ASSIGNED = "assigned"
    ESCALATED = "escalated"  # somebody on the next level is told
    IDENTIFIED = "identified"  # whose site was known only: now the device is
    CLASSIFIED = "classified"  # what kind of fault it is, for the contract: whose work, how bad
    FOUND = "found"  # what whoever looked at the component found
    CALL = "call"
    NOTE = "note"
    SLA_WARNING = "sla_warning"
    SLA_BREACH = "sla_breach"


ORIGIN_TEXT: dict[str, str] = {
    "prediction": N_("prediction"),
    "rule": N_("rule"),
    "device": N_("device"),
    "batch": N_("many devices at once"),
    "inspection": N_("inspection"),
    "phone": N_("phone"),
    "portal": N_("portal"),
    "api": N_("API"),
}
"""Who or what opened a case; the last three are calls (`desk.calls.Channel`)."""

DECISIONS = frozenset(
    {
        Kind.MOVED,
        Kind.ASSIGNED,
        Kind.ESCALATED,
        Kind.IDENTIFIED,
        Kind.CLASSIFIED,
        Kind.FOUND,
        Kind.FAILED,
    }
)
"""Events after which whoever decided on what was before should look again."""


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
    """One row of `ticket`; every field comes from its events.

    Attributes:
        fault: None for the ticket of a batch, and while it isn't known which device a call is about.
        batch_id: of the batch whose ticket this is.
        site_id: where a call came from; set while the device isn't known, and kept.
        resumes_to: where the work goes on after a wait.
        level: how often it was escalated.
        finding: what was found at the component.
        caused_by: what drove the time that the case took.
        handling, grade: what somebody said of the kind of fault; None: it is what it is by itself.
    """

    id: int
    fault: Fault | None
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
    batch_id: int | None = None
    site_id: int | None = None
    resumes_to: TicketState | None = None
    level: int = 0
    finding: Finding | None = None
    caused_by: CausedBy | None = None
    handling: Handling | None = None
    grade: Grade | None = None


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
        fault=fault_in(data),
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
        batch_id=data.get("batch_id"),
        site_id=data.get("site_id"),
    )


FAULT_COLUMNS = ("device_id", "component", "fault_class")


def fault_in(row: Mapping[str, Any]) -> Fault | None:
    """The fault that a ticket's row, or the data of its first event, names."""
    if row["device_id"] is None:
        return None
    return Fault(row["device_id"], row["component"], FaultClass(row["fault_class"]))


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
    before = ticket.resumes_to if ticket.state.waiting else ticket.state
    return replace(
        _classified(ticket, event),
        state=state,
        closed_at=event.at if state.ended else None,
        resumes_to=before if state.waiting else None,
    )


def _assigned(ticket: Ticket, event: TicketEvent) -> Ticket:
    return replace(ticket, assignee_id=event.data["engineer_id"])


def _escalated(ticket: Ticket, event: TicketEvent) -> Ticket:
    return replace(ticket, level=event.data["level"])


def _identified(ticket: Ticket, event: TicketEvent) -> Ticket:
    data = event.data
    return replace(ticket, fault=fault_in(data), repeat_of=ticket.repeat_of or data["repeat_of"])


def _classified(ticket: Ticket, event: TicketEvent) -> Ticket:
    handling, grade = event.data.get("handling"), event.data.get("grade")
    return replace(
        ticket,
        handling=Handling(handling) if handling else ticket.handling,
        grade=Grade(grade) if grade else ticket.grade,
    )


def _found(ticket: Ticket, event: TicketEvent) -> Ticket:
    finding, cause = event.data.get("finding"), event.data.get("caused_by")
    return replace(
        ticket,
        finding=Finding(finding) if finding else ticket.finding,
        caused_by=CausedBy(cause) if cause else ticket.caused_by,
    )


def _unchanged(ticket: Ticket, event: TicketEvent) -> Ticket:
    return ticket


_APPLY: dict[Kind, Callable[[Ticket, TicketEvent], Ticket]] = {
    Kind.SIGN: _sign,
    Kind.FAILED: _failed,
    Kind.RETURNED: _returned,
    Kind.MOVED: _moved,
    Kind.ASSIGNED: _assigned,
    Kind.ESCALATED: _escalated,
    Kind.IDENTIFIED: _identified,
    Kind.CLASSIFIED: _classified,
    Kind.FOUND: _found,
    Kind.CALL: _unchanged,
    Kind.NOTE: _unchanged,
    Kind.SLA_WARNING: _unchanged,
    Kind.SLA_BREACH: _unchanged,
}


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
