"""A call that named no device, or no component: what happens when it is known after all."""

from __future__ import annotations

from datetime import datetime

from psycopg import errors

from desk import ledger
from desk.actions import audit, finish_move, lock_as_seen, require
from desk.calls import Channel, fault_called
from desk.case import Kind, Ticket
from desk.cases import advice, case_before
from desk.lifecycle import CancelReason
from domain.clock import Clock
from domain.errors import NotAllowedError
from domain.fault import Fault
from storage.database import Conn, Database
from storage.queries import load


def is_unidentified(ticket: Ticket) -> bool:
    """Whether the ticket waits for somebody to say which device or component it is about."""
    if ticket.state.ended or ticket.origin not in set(Channel):
        return False
    if ticket.fault is None:
        return ticket.batch_id is None
    return ticket.alert_id is None and ticket.fault == fault_called(ticket.fault.device_id, None)


def identify(
    database: Database,
    clock: Clock,
    ticket_id: int,
    fault: Fault,
    *,
    actor: str,
    version: int | None = None,
) -> Ticket:
    """It is known now which device and component a call was about.

    The case becomes that fault's; where one is open already it is joined: the calls go there, and
    this ticket ends as its duplicate. Returns the ticket that goes on.

    Raises NotFoundError, ChangedMeanwhileError, and NotAllowedError for a case that is known.
    """
    for attempt in (1, 2):
        try:
            with database.transaction() as conn:
                require(conn, "device", {"device_id": fault.device_id})
                return _identify(conn, ticket_id, fault, clock.now(), actor, version)
        except errors.UniqueViolation as error:  # a sign opened the case in this very moment
            if attempt == 2:
                raise NotAllowedError("the case was opened meanwhile; try again") from error
    raise AssertionError("both attempts returned or raised")


def _identify(
    conn: Conn, ticket_id: int, fault: Fault, now: datetime, actor: str, version: int | None
) -> Ticket:
    goal = ledger.lock_open(conn, fault)  # before this ticket: as whoever judges a sign of it does
    ticket = lock_as_seen(conn, ticket_id, version)
    if not is_unidentified(ticket):
        raise NotAllowedError(f"ticket {ticket_id} is known to be about its component already")
    if goal is not None and goal.id != ticket.id:
        return _join(conn, ticket, goal, now, actor)
    alert = conn.execute(load("desk")["lock_alert_of_fault"], ledger.fault_row(fault)).fetchone()
    data = {
        **ledger.fault_row(fault),
        **advice(fault),
        "alert_id": alert["id"] if alert else None,
        "repeat_of": case_before(conn, fault, now),
    }
    detail = {"device": fault.device_id, "component": fault.component}
    audit(conn, actor, "identify", f"ticket/{ticket.id}", detail)
    return ledger.append(conn, ticket, Kind.IDENTIFIED, now, actor, data)


def _join(conn: Conn, ticket: Ticket, goal: Ticket, now: datetime, actor: str) -> Ticket:
    conn.execute(load("calls")["move_calls"], {"ticket_id": ticket.id, "goal": goal.id})
    data = {"reason": CancelReason.DUPLICATE, "joined_to": goal.id}
    ended = ledger.move(conn, ticket, "cancel", now, actor, data)
    finish_move(conn, ended, now, actor)
    audit(conn, actor, "join", f"ticket/{ticket.id}", {"ticket": goal.id})
    return ledger.append(conn, goal, Kind.NOTE, now, actor, {"joined": ticket.id})
