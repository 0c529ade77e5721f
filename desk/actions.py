"""What people do with cases. Every action adds an event, and an audit entry with the actor's name.

Each raises NotFoundError, NotAllowedError or StoreUnavailableError, and then changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alerts import board
from alerts.sign import Origin
from desk import ledger
from desk.case import Kind, Ticket
from desk.cases import advice, case_before, engineer_of, record_maintenance
from desk.ledger import Opening
from desk.lifecycle import MOVES, CancelReason, TicketState
from domain.clock import Clock, SystemClock
from domain.errors import NotAllowedError, NotFoundError
from domain.fault import Fault
from domain.report import Severity
from domain.text import N_, Text
from storage.database import Conn, Database
from storage.queries import load

_TOLD = [Origin.PREDICTION, Origin.EVENT]
"""Conditions that a repair ends: they rest on what was told before it. The others are observed."""


def acknowledge(
    database: Database, clock: Clock, ticket_id: int, *, actor: str, note: str = ""
) -> Ticket:
    """Somebody has taken the case up: its alert is acknowledged, and a new ticket is planned."""
    with database.transaction() as conn, _audited(conn, actor, "acknowledge", ticket_id, note):
        now = clock.now()
        ticket = ledger.lock(conn, ticket_id)
        seen = _acknowledge_alert_of(conn, ticket, now, actor)
        if ticket.state is TicketState.NEW:
            return ledger.move(conn, ticket, "plan", now, actor, _note(note))
        if not seen:
            raise NotAllowedError(
                f"ticket {ticket_id} is {ticket.state} and its alert waits for nobody"
            )
        return ledger.append(conn, ticket, Kind.NOTE, now, actor, {"acknowledged": True})


def acknowledge_alert(database: Database, clock: Clock, alert_id: int, *, actor: str) -> None:
    """Somebody has seen an alert; meant for those that have no ticket."""
    with database.transaction() as conn:
        board.acknowledge(conn, alert_id, clock.now(), actor)
        _audit(conn, actor, "acknowledge", f"alert/{alert_id}", {})


def assign(
    database: Database, clock: Clock, ticket_id: int, engineer_id: int, *, actor: str
) -> Ticket:
    """Hands the case to an engineer."""
    with (
        database.transaction() as conn,
        _audited(conn, actor, "assign", ticket_id, str(engineer_id)),
    ):
        _require(conn, "engineer", {"engineer_id": engineer_id})
        ticket = _open(ledger.lock(conn, ticket_id))
        data = {"engineer_id": engineer_id}
        return ledger.append(conn, ticket, Kind.ASSIGNED, clock.now(), actor, data)


def move(
    database: Database,
    clock: Clock,
    ticket_id: int,
    name: str,
    *,
    actor: str,
    note: str = "",
    reason: CancelReason | None = None,
) -> Ticket:
    """Takes one of the moves that `desk.lifecycle.offered` lists for the ticket's state.

    `cancel` needs a reason. `repair` of a breakdown is recorded as maintenance. The end of a case
    settles its alert, which stays open only while its condition is still observed.
    """
    _refuse_move(name, reason)
    with database.transaction() as conn, _audited(conn, actor, name, ticket_id, note):
        now = clock.now()
        data = _note(note) | ({"reason": reason} if reason else {})
        ticket = ledger.move(conn, ledger.lock(conn, ticket_id), name, now, actor, data)
        return finish_move(conn, ticket, now, actor)


def note(database: Database, clock: Clock, ticket_id: int, text: str, *, actor: str) -> Ticket:
    """Writes something into the case's history; also after its end."""
    if not text.strip():
        raise NotAllowedError("a note needs words")
    with database.transaction() as conn, _audited(conn, actor, "note", ticket_id, ""):
        ticket = ledger.lock(conn, ticket_id)
        return ledger.append(conn, ticket, Kind.NOTE, clock.now(), actor, _note(text))


def report_by_phone(
    database: Database, clock: Clock, fault: Fault, description: str, *, actor: str
) -> Ticket:
    """A customer called: opens the fault's case or adds to the one that is open."""
    with database.transaction() as conn:
        _require(conn, "device", {"device_id": fault.device_id})
        now = clock.now()
        ticket = ledger.lock_open(conn, fault)
        ticket = ticket or _open_by_phone(conn, fault, description, now, actor)
        ticket = ticket or ledger.lock_open(conn, fault)  # opened by another in this moment
        if ticket is None:
            raise NotAllowedError("the case was opened and closed meanwhile; try again")
        data = {"call": True, **_note(description)}
        ticket = ledger.append(conn, ticket, Kind.NOTE, now, actor, data)
        _audit(conn, actor, "report_by_phone", f"ticket/{ticket.id}", {"note": description})
        return ticket


def finish_move(conn: Conn, ticket: Ticket, now: datetime, actor: str) -> Ticket:
    """What follows from the state that a case has just reached."""
    if ticket.state is TicketState.REPAIRED:
        record_maintenance(conn, ticket.fault, "repaired", now, now)
        return _hush(conn, ticket, now)
    if ticket.state.ended:
        alert_id = _open_alert(conn, ticket)
        if alert_id is not None:
            board.settle(conn, alert_id, now, actor)
    return ticket


def _hush(conn: Conn, ticket: Ticket, now: datetime) -> Ticket:
    alert_id = _open_alert(conn, ticket)
    if alert_id is not None:
        board.relieve(conn, alert_id, board.conditions(conn, alert_id, _TOLD), now)
        if board.is_active(conn, alert_id):
            return ticket
    if ticket.returned_at is None:
        return ledger.append(conn, ticket, Kind.RETURNED, now, board.SYSTEM)
    return ticket


def _acknowledge_alert_of(conn: Conn, ticket: Ticket, now: datetime, actor: str) -> bool:
    alert_id = _open_alert(conn, ticket)
    if alert_id is None or not board.can_acknowledge(conn, alert_id):
        return False
    board.acknowledge(conn, alert_id, now, actor)
    return True


def _open_alert(conn: Conn, ticket: Ticket) -> int | None:
    row = conn.execute(
        load("desk")["lock_alert_of_fault"], ledger.fault_row(ticket.fault)
    ).fetchone()
    return row["id"] if row else None


def _open_by_phone(
    conn: Conn, fault: Fault, description: str, now: datetime, actor: str
) -> Ticket | None:
    opening = Opening(
        fault=fault,
        alert_id=None,
        origin="phone",
        severity=Severity.ERROR,
        title=Text(N_("Reported by telephone: {words}"), {"words": description}),
        assignee_id=engineer_of(conn, fault.device_id),
        repeat_of=case_before(conn, fault, now),
        predicted_at=None,
        failed_at=None,
        more=advice(fault),
    )
    return ledger.open_ticket(conn, opening, now, actor)


def _refuse_move(name: str, reason: CancelReason | None) -> None:
    if name in MOVES and MOVES[name].by_rule:
        raise NotAllowedError(f"'{name}' is made by what is observed, not by people")
    if name == "cancel" and reason is None:
        raise NotAllowedError(f"'cancel' needs a reason: {', '.join(CancelReason)}")


def _open(ticket: Ticket) -> Ticket:
    if ticket.state.ended:
        raise NotAllowedError(f"ticket {ticket.id} is {ticket.state}")
    return ticket


def _require(conn: Conn, what: str, key: dict[str, int]) -> None:
    row = conn.execute(load("desk")[f"{what}_exists"], key).fetchone()
    if row is None or not row["there"]:
        raise NotFoundError(f"there is no {what} {next(iter(key.values()))}")


def _note(text: str) -> dict[str, Any]:
    return {"note": text.strip()} if text.strip() else {}


@contextmanager
def _audited(conn: Conn, actor: str, action: str, ticket_id: int, detail: str) -> Iterator[None]:
    """Writes the audit entry once the action is through."""
    yield
    _audit(conn, actor, action, f"ticket/{ticket_id}", {"detail": detail} if detail else {})


def _audit(conn: Conn, actor: str, action: str, target: str, detail: dict[str, Any]) -> None:
    conn.execute(
        load("desk")["audit"],
        {
            "at": SystemClock().now(),  # the audit goes by the wall's time, always
            "actor": actor,
            "action": action,
            "object": target,
            "detail": Jsonb(detail),
        },
    )
