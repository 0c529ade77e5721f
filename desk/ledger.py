"""Tickets and their events in the store. The only writer of both: the row is always the fold.

Whoever changes a case locks its alert's row first and its ticket's row second; so two who change
the same case wait for each other and never block each other for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.outbox import Announcement, Topic, announce_many
from desk.case import FAULT_COLUMNS, Kind, Ticket, TicketEvent, apply, fault_in, opened
from desk.coverage import Coverage, coverages_of_tickets
from desk.lifecycle import TicketState, move_from
from domain.errors import NotFoundError
from domain.fault import CausedBy, Fault, Finding, Grade, Handling
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_rows

_TOPICS = {
    Kind.OPENED: Topic.TICKET_OPENED,
    Kind.SIGN: Topic.TICKET_JOINED,
    Kind.FAILED: Topic.TICKET_JOINED,
    Kind.MOVED: Topic.TICKET_MOVED,
    Kind.ASSIGNED: Topic.TICKET_ASSIGNED,
    Kind.SLA_WARNING: Topic.SLA_WARNING,
    Kind.SLA_BREACH: Topic.SLA_BREACH,
}
"""How events are announced; those that are not listed are notes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new ticket starts with. `more` is kept in its first event.

    Attributes:
        fault: None: the ticket of a batch, or it isn't known which device `site_id` called about.
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
    batch_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One more event of a ticket that this transaction has locked."""

    ticket: Ticket
    kind: Kind
    data: Mapping[str, Any] = field(default_factory=dict)
    to_state: TicketState | None = None


def open_ticket(conn: Conn, opening: Opening, at: datetime, actor: str) -> Ticket | None:
    """Opens the ticket of a fault; None when another one of it is open already."""
    [event] = open_tickets(conn, [opening], at, actor)
    return opened(event) if event else None


def open_tickets(
    conn: Conn, openings: Sequence[Opening], at: datetime, actor: str
) -> list[TicketEvent | None]:
    """Opens a ticket for each opening, in their order, and returns their first events; None where
    one is open already."""
    if not openings:
        return []
    told = {"rows": as_rows(_opening_row(opening, at) for opening in openings)}
    made = {_about(row): row["id"] for row in conn.execute(load("desk")["open"], told)}
    ids = [made.get(_about(_place(one.fault) | {"batch_id": one.batch_id})) for one in openings]
    covered = coverages_of_tickets(conn, made.values(), at)
    begun = [
        first_event(each, one, at, actor, covered[each]) if each is not None else None
        for each, one in zip(ids, openings, strict=True)
    ]
    _insert(conn, [event for event in begun if event is not None])
    return begun


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
    [changed] = append_many(conn, [Entry(ticket, kind, data or {}, to_state)], at, actor)
    return changed


def append_many(conn: Conn, entries: Sequence[Entry], at: datetime, actor: str) -> list[Ticket]:
    """Adds one event to each of some tickets. A ticket stands in `entries` once."""
    if not entries:
        return []
    events = [_event(entry, at, actor) for entry in entries]
    changed = [apply(entry.ticket, event) for entry, event in zip(entries, events, strict=True)]
    _insert(conn, events)
    conn.execute(load("desk")["write"], {"rows": as_rows(map(ticket_row, changed))})
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
    [moved] = move_many(conn, [ticket], name, at, actor, data)
    return moved


def move_many(
    conn: Conn,
    tickets: Iterable[Ticket],
    name: str,
    at: datetime,
    actor: str,
    data: Mapping[str, Any] | None = None,
) -> list[Ticket]:
    """Takes the named transition with each of some tickets. Raises NotAllowedError."""
    told = {"move": name, **(data or {})}
    entries = []
    for ticket in tickets:
        target = move_from(name, ticket.state).target
        target = target or ticket.resumes_to or TicketState.PLANNED
        entries.append(Entry(ticket, Kind.MOVED, told, target))
    return append_many(conn, entries, at, actor)


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
    return lock_tickets(conn, [fault]).get(fault)


def lock_tickets(conn: Conn, faults: Sequence[Fault]) -> dict[Fault, Ticket]:
    """Locks the open tickets of faults, in their order; the caller has locked the alerts."""
    if not faults:
        return {}
    wanted = {"faults": as_rows(map(fault_row, faults))}
    found = [ticket_of(row) for row in conn.execute(load("desk")["lock_open"], wanted)]
    return {ticket.fault: ticket for ticket in found if ticket.fault is not None}


def lock_batch(conn: Conn, batch_id: int) -> Ticket | None:
    """Locks the open ticket of a batch, if there is one; the caller has locked its alert."""
    row = conn.execute(load("desk")["lock_open_of_batch"], {"batch_id": batch_id}).fetchone()
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


def _about(row: Row) -> tuple[Any, ...]:
    """What a ticket is about: of several that are opened at once no two are about the same."""
    return row["device_id"], row["component"], row["fault_class"], row["batch_id"]


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
    "handling": Handling,
    "grade": Grade,
}


def ticket_of(row: Row) -> Ticket:
    """A row of `ticket` as its value."""
    fields = {name: row[name] for name in row if name not in FAULT_COLUMNS}
    fields |= {name: read(row[name]) for name, read in _READ.items()}
    fields |= {name: read(row[name]) for name, read in _READ_WHERE_SET.items() if row[name]}
    return Ticket(fault=fault_in(row), **fields)


def first_event(
    ticket_id: int, opening: Opening, at: datetime, actor: str, coverage: Coverage
) -> TicketEvent:
    data = {
        **opening.more,
        **_place(opening.fault),
        "site_id": opening.site_id,
        "batch_id": opening.batch_id,
        "alert_id": opening.alert_id,
        "origin": opening.origin,
        "severity": opening.severity,
        "title": opening.title.to_json(),
        "assignee_id": opening.assignee_id,
        "repeat_of": opening.repeat_of,
        "predicted_at": iso(opening.predicted_at),
        "failed_at": iso(opening.failed_at),
        "coverage": coverage.to_json(),
    }
    return TicketEvent(ticket_id, 1, at, Kind.OPENED, actor, "", TicketState.NEW, data)


def iso(moment: datetime | None) -> str | None:
    """A moment as an event's data keeps it."""
    return moment.isoformat() if moment else None


def _event(entry: Entry, at: datetime, actor: str) -> TicketEvent:
    return TicketEvent(
        ticket_id=entry.ticket.id,
        version=entry.ticket.version + 1,
        at=at,
        kind=entry.kind,
        actor=actor,
        from_state=entry.ticket.state,
        to_state=entry.to_state or entry.ticket.state,
        data=entry.data,
    )


def _insert(conn: Conn, events: Sequence[TicketEvent]) -> None:
    conn.execute(load("desk")["append"], {"rows": as_rows(map(event_row, events))})
    announce_many(conn, [_announcement(event) for event in events])


def event_row(event: TicketEvent) -> Row:
    return {
        "ticket_id": event.ticket_id,
        "version": event.version,
        "at": event.at,
        "kind": event.kind,
        "actor": event.actor,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "data": event.data,
    }


def _announcement(event: TicketEvent) -> Announcement:
    told = {"version": event.version, "event": event.kind, "actor": event.actor}
    if event.kind in (Kind.SLA_WARNING, Kind.SLA_BREACH):
        told |= event.data
    return Announcement(_topic(event), f"ticket/{event.ticket_id}", event.at, told)


def _topic(event: TicketEvent) -> Topic:
    if event.kind is Kind.MOVED and TicketState(event.to_state).ended:
        return Topic.TICKET_CLOSED
    return _TOPICS.get(event.kind, Topic.TICKET_NOTED)


def _opening_row(opening: Opening, at: datetime) -> Row:
    return {
        **_place(opening.fault),
        "site_id": opening.site_id,
        "batch_id": opening.batch_id,
        "alert_id": opening.alert_id,
        "origin": opening.origin,
        "severity": opening.severity,
        "title": opening.title.to_json(),
        "assignee_id": opening.assignee_id,
        "repeat_of": opening.repeat_of,
        "opened_at": at,
        "predicted_at": opening.predicted_at,
        "failed_at": opening.failed_at,
    }


def ticket_row(ticket: Ticket) -> Row:
    return {
        **_place(ticket.fault),
        "id": ticket.id,
        "alert_id": ticket.alert_id,
        "state": ticket.state,
        "severity": ticket.severity,
        "title": ticket.title.to_json(),
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
        "handling": ticket.handling,
        "grade": ticket.grade,
    }
