"""Tickets and their events in the store. The only writer of both: the row is always the fold.

Whoever changes a case locks its alert's row first and its ticket's row second; so two who change
the same case wait for each other and never block each other for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alerts.outbox import Announcement, Topic, announce
from desk.case import FAULT_COLUMNS, Kind, Ticket, TicketEvent, apply, fault_in
from desk.lifecycle import TicketState, move_from
from domain.errors import NotFoundError
from domain.fault import CausedBy, Fault, Finding
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load

_TOPICS = {
    Kind.OPENED: Topic.TICKET_OPENED,
    Kind.SIGN: Topic.TICKET_JOINED,
    Kind.FAILED: Topic.TICKET_JOINED,
    Kind.MOVED: Topic.TICKET_MOVED,
    Kind.ASSIGNED: Topic.TICKET_ASSIGNED,
}
"""How events are announced; those that are not listed are notes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new ticket starts with. `more` is kept in its first event.

    Attributes:
        fault: None: it isn't known which device `site_id` called about.
    """

    fault: Fault | None
    alert_id: int | None
    origin: str
    severity: Severity
    title: Text
    assignee_id: int | None
    repeat_of: int | None
    predicted_at: datetime | None
    failed_at: datetime | None
    more: Mapping[str, Any]
    site_id: int | None = None


def open_ticket(conn: Conn, opening: Opening, at: datetime, actor: str) -> Ticket | None:
    """Opens the ticket of a fault; None when another one of it is open already."""
    row = conn.execute(
        load("desk")["open"],
        _place(opening.fault)
        | {
            "site_id": opening.site_id,
            "alert_id": opening.alert_id,
            "origin": opening.origin,
            "severity": opening.severity,
            "title": Jsonb(opening.title.to_json()),
            "assignee_id": opening.assignee_id,
            "repeat_of": opening.repeat_of,
            "opened_at": at,
            "predicted_at": opening.predicted_at,
            "failed_at": opening.failed_at,
        },
    ).fetchone()
    if row is None:
        return None
    _insert(conn, _first_event(row["id"], opening, at, actor))
    return ticket_of(row)


def append(
    conn: Conn,
    ticket: Ticket,
    kind: Kind,
    at: datetime,
    actor: str,
    data: Mapping[str, Any] | None = None,
    to_state: TicketState | None = None,
) -> Ticket:
    """Adds one event to a ticket that this transaction has locked, and brings its row up to it."""
    event = TicketEvent(
        ticket_id=ticket.id,
        version=ticket.version + 1,
        at=at,
        kind=kind,
        actor=actor,
        from_state=ticket.state,
        to_state=to_state or ticket.state,
        data=data or {},
    )
    changed = apply(ticket, event)
    _insert(conn, event)
    conn.execute(load("desk")["write"], _row(changed))
    return changed


def move(
    conn: Conn,
    ticket: Ticket,
    name: str,
    at: datetime,
    actor: str,
    data: Mapping[str, Any] | None = None,
) -> Ticket:
    """Takes the named transition. Raises NotAllowedError."""
    taken = move_from(name, ticket.state)
    target = taken.target or ticket.resumes_to or TicketState.PLANNED
    return append(conn, ticket, Kind.MOVED, at, actor, {"move": name, **(data or {})}, target)


def lock(conn: Conn, ticket_id: int) -> Ticket:
    """Locks a case - its open alert, if any, then the ticket. Raises NotFoundError."""
    conn.execute(load("desk")["lock_alert_of"], {"ticket_id": ticket_id})
    row = conn.execute(load("desk")["lock"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no ticket {ticket_id}")
    return ticket_of(row)


def lock_open(conn: Conn, fault: Fault) -> Ticket | None:
    """Locks the open case of `fault`, if there is one."""
    conn.execute(load("desk")["lock_alert_of_fault"], fault_row(fault))
    return lock_ticket(conn, fault)


def lock_ticket(conn: Conn, fault: Fault) -> Ticket | None:
    """Locks the open ticket of `fault`, if there is one; the caller has locked the alert."""
    row = conn.execute(load("desk")["lock_open"], fault_row(fault)).fetchone()
    return ticket_of(row) if row else None


def events(conn: Conn, ticket_id: int) -> list[TicketEvent]:
    """The history of a ticket, oldest first."""
    rows = conn.execute(load("desk")["events"], {"ticket_id": ticket_id}).fetchall()
    return [TicketEvent(**(row | {"kind": Kind(row["kind"])})) for row in rows]


def fault_row(fault: Fault) -> Row:
    return {
        "device_id": fault.device_id,
        "component": fault.component,
        "fault_class": fault.fault_class,
    }


def _place(fault: Fault | None) -> Row:
    none = {"device_id": None, "component": "", "fault_class": ""}
    return none if fault is None else fault_row(fault)


_READ: dict[str, Callable[[Any], object]] = {
    "state": TicketState,
    "severity": Severity,
    "title": Text.from_json,
}
_READ_WHERE_SET: dict[str, Callable[[Any], object]] = {
    "resumes_to": TicketState,
    "finding": Finding,
    "caused_by": CausedBy,
}


def ticket_of(row: Row) -> Ticket:
    """A row of `ticket` as its value."""
    fields = {name: row[name] for name in row if name not in FAULT_COLUMNS}
    fields |= {name: read(row[name]) for name, read in _READ.items()}
    fields |= {name: read(row[name]) for name, read in _READ_WHERE_SET.items() if row[name]}
    return Ticket(fault=fault_in(row), **fields)


def _first_event(ticket_id: int, opening: Opening, at: datetime, actor: str) -> TicketEvent:
    data = {
        **opening.more,
        **_place(opening.fault),
        "site_id": opening.site_id,
        "alert_id": opening.alert_id,
        "origin": opening.origin,
        "severity": opening.severity,
        "title": opening.title.to_json(),
        "assignee_id": opening.assignee_id,
        "repeat_of": opening.repeat_of,
        "predicted_at": iso(opening.predicted_at),
        "failed_at": iso(opening.failed_at),
    }
    return TicketEvent(ticket_id, 1, at, Kind.OPENED, actor, "", TicketState.NEW, data)


def iso(moment: datetime | None) -> str | None:
    """A moment as an event's data keeps it."""
    return moment.isoformat() if moment else None


def _insert(conn: Conn, event: TicketEvent) -> None:
    conn.execute(
        load("desk")["append"],
        {
            "ticket_id": event.ticket_id,
            "version": event.version,
            "at": event.at,
            "kind": event.kind,
            "actor": event.actor,
            "from_state": event.from_state,
            "to_state": event.to_state,
            "data": Jsonb(dict(event.data)),
        },
    )
    told = {"version": event.version, "event": event.kind, "actor": event.actor}
    announce(conn, Announcement(_topic(event), f"ticket/{event.ticket_id}", event.at, told))


def _topic(event: TicketEvent) -> Topic:
    if event.kind is Kind.MOVED and TicketState(event.to_state).ended:
        return Topic.TICKET_CLOSED
    return _TOPICS.get(event.kind, Topic.TICKET_NOTED)


def _row(ticket: Ticket) -> Row:
    return {
        **_place(ticket.fault),
        "id": ticket.id,
        "alert_id": ticket.alert_id,
        "state": ticket.state,
        "severity": ticket.severity,
        "title": Jsonb(ticket.title.to_json()),
        "assignee_id": ticket.assignee_id,
        "repeat_of": ticket.repeat_of,
        "predicted_at": ticket.predicted_at,
        "failed_at": ticket.failed_at,
        "returned_at": ticket.returned_at,
        "closed_at": ticket.closed_at,
        "version": ticket.version,
        "resumes_to": ticket.resumes_to,
        "level": ticket.level,
        "finding": ticket.finding,
        "caused_by": ticket.caused_by,
    }
