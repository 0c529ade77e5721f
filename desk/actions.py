"""What people do with cases. Every action adds an event, and an audit entry with the actor's name.

Each raises NotFoundError, NotAllowedError or StoreUnavailableError, and then changes nothing. Who
gives the `version` that they decided on is told by ChangedMeanwhileError when somebody else has
decided something since.
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
from desk.case import DECISIONS, Kind, Ticket
from desk.cases import record_maintenance
from desk.lifecycle import MOVES, CancelReason, Move, TicketState
from domain.clock import Clock, SystemClock
from domain.errors import ChangedMeanwhileError, NotAllowedError, NotFoundError
from domain.fault import Classified, Fault, FaultClass, Found
from domain.vocabulary import DEVICE
from storage.database import Conn, Database
from storage.queries import load

NOTHING_SAID = Found()

_TOLD = [Origin.PREDICTION, Origin.EVENT]
"""Conditions that a repair ends: they rest on what was told before it. The others are observed."""


def acknowledge(
    database: Database,
    clock: Clock,
    ticket_id: int,
    *,
    actor: str,
    note: str = "",
    version: int | None = None,
) -> Ticket:
    """Somebody has taken the case up: its alert is acknowledged, and a new ticket is planned."""
    with database.transaction() as conn, _audited(conn, actor, "acknowledge", ticket_id, note):
        now = clock.now()
        ticket = lock_as_seen(conn, ticket_id, version)
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
        audit(conn, actor, "acknowledge", f"alert/{alert_id}", {})


def assign(
    database: Database,
    clock: Clock,
    ticket_id: int,
    engineer_id: int,
    *,
    actor: str,
    version: int | None = None,
) -> Ticket:
    """Hands the case to an engineer."""
    with (
        database.transaction() as conn,
        _audited(conn, actor, "assign", ticket_id, str(engineer_id)),
    ):
        require(conn, "engineer", {"engineer_id": engineer_id})
        ticket = _open(lock_as_seen(conn, ticket_id, version))
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
    duplicate_of: int | None = None,
    found: Found = NOTHING_SAID,
    version: int | None = None,
) -> Ticket:
    """Takes one of the moves that `desk.lifecycle.offered` lists for the ticket's state.

    `cancel` needs a reason; the end of a duplicate may name the ticket that goes on. What mends a
    breakdown is recorded as maintenance. The end of a case settles its alert, which stays open only
    while its condition is still observed. `found` is what was found at the component.
    """
    _refuse_move(name, reason)
    with database.transaction() as conn, _audited(conn, actor, name, ticket_id, note):
        now = clock.now()
        handling = MOVES[name].handling if name in MOVES else None
        data = _note(note) | ({"reason": reason} if reason else {})
        data |= Classified(handling).to_json()
        data |= _goes_on(conn, ticket_id, reason, duplicate_of)
        ticket = lock_as_seen(conn, ticket_id, version)
        ticket = ledger.move(conn, ticket, name, now, actor, data)
        if found:
            ticket = ledger.append(conn, ticket, Kind.FOUND, now, actor, found.to_json())
        return finish_move(conn, ticket, now, actor, MOVES[name])


def say_found(
    database: Database,
    clock: Clock,
    ticket_id: int,
    found: Found,
    *,
    actor: str,
    note: str = "",
    version: int | None = None,
) -> Ticket:
    """Records what was found at the component; also after the case's end. The last one counts."""
    if not found:
        raise NotAllowedError("what was found must be said")
    detail = ", ".join(found.to_json().values())
    with database.transaction() as conn, _audited(conn, actor, "found", ticket_id, detail):
        ticket = lock_as_seen(conn, ticket_id, version)
        if ticket.fault is None:
            raise NotAllowedError(f"ticket {ticket_id} speaks of no component yet")
        data = {**found.to_json(), **_note(note)}
        return ledger.append(conn, ticket, Kind.FOUND, clock.now(), actor, data)


def classify(
    database: Database,
    clock: Clock,
    ticket_id: int,
    said: Classified,
    *,
    actor: str,
    note: str = "",
    version: int | None = None,
) -> Ticket:
    """Says what kind of fault it is: the promises of that kind count, those of no other do.

    What was kept or missed by then stays so (`desk.sla.clocks`).
    """
    if not said:
        raise NotAllowedError("the kind of fault must be said")
    detail = ", ".join(said.to_json().values())
    with database.transaction() as conn, _audited(conn, actor, "classify", ticket_id, detail):
        ticket = _open(lock_as_seen(conn, ticket_id, version))
        data = {**said.to_json(), **_note(note)}
        return ledger.append(conn, ticket, Kind.CLASSIFIED, clock.now(), actor, data)


def note(database: Database, clock: Clock, ticket_id: int, text: str, *, actor: str) -> Ticket:
    """Writes something into the case's history; also after its end."""
    if not text.strip():
        raise NotAllowedError("a note needs words")
    with database.transaction() as conn, _audited(conn, actor, "note", ticket_id, ""):
        ticket = ledger.lock(conn, ticket_id)
        return ledger.append(conn, ticket, Kind.NOTE, clock.now(), actor, _note(text))


def finish_move(
    conn: Conn, ticket: Ticket, now: datetime, actor: str, by: Move | None = None
) -> Ticket:
    """What follows from the state that a case has just reached, `by` a person's move."""
    if ticket.state is TicketState.REPAIRED:
        if ticket.fault is not None and by is not None:
            _record_work(conn, ticket.fault, by, now)
        return _hush(conn, ticket, now)
    if ticket.state.ended:
        alert_id = _open_alert(conn, ticket)
        if alert_id is not None:
            board.settle(conn, alert_id, now, actor)
    return ticket


def _record_work(conn: Conn, fault: Fault, by: Move, now: datetime) -> None:
    """A new unit is a fact of the device, whatever was wrong with which part of the old one."""
    if by.whole_unit:
        fault = Fault(fault.device_id, DEVICE, FaultClass.BREAKDOWN)
    record_maintenance(conn, fault, by.mends, now, now)


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
    if ticket.fault is None:
        return None
    row = conn.execute(
        load("desk")["lock_alert_of_fault"], ledger.fault_row(ticket.fault)
    ).fetchone()
    return row["id"] if row else None


def lock_as_seen(conn: Conn, ticket_id: int, version: int | None) -> Ticket:
    """Locks a case that the caller saw in `version`; None: whatever it is like now.

    What is merely observed since then is no hindrance; what somebody decided is.
    Raises NotFoundError, ChangedMeanwhileError.
    """
    ticket = ledger.lock(conn, ticket_id)
    if version is None or version == ticket.version:
        return ticket
    for event in ledger.events(conn, ticket_id):
        if event.version > version and event.kind in DECISIONS:
            raise ChangedMeanwhileError(
                f"ticket {ticket_id}: {event.actor} has changed it ({event.kind}, now "
                f"{ticket.state}) since it was shown"
            )
    return ticket


def _refuse_move(name: str, reason: CancelReason | None) -> None:
    if name in MOVES and MOVES[name].by_rule:
        raise NotAllowedError(f"'{name}' is made by what is observed, not by people")
    if name == "cancel" and reason is None:
        raise NotAllowedError(f"'cancel' needs a reason: {', '.join(CancelReason)}")


def _goes_on(
    conn: Conn, ticket_id: int, reason: CancelReason | None, duplicate_of: int | None
) -> dict[str, int]:
    """What a duplicate's end says of the ticket that goes on."""
    if duplicate_of is None:
        return {}
    if reason is not CancelReason.DUPLICATE or duplicate_of == ticket_id:
        raise NotAllowedError(f"ticket {ticket_id} is no duplicate of ticket {duplicate_of}")
    require(conn, "ticket", {"ticket_id": duplicate_of})
    return {"duplicate_of": duplicate_of}


def _open(ticket: Ticket) -> Ticket:
    if ticket.state.ended:
        raise NotAllowedError(f"ticket {ticket.id} is {ticket.state}")
    return ticket


def require(conn: Conn, what: str, key: dict[str, int]) -> None:
    """Raises NotFoundError unless there is such an engineer, device, site or ticket."""
    row = conn.execute(load("desk")[f"{what}_exists"], key).fetchone()
    if row is None or not row["there"]:
        raise NotFoundError(f"there is no {what} {next(iter(key.values()))}")


def _note(text: str) -> dict[str, Any]:
    return {"note": text.strip()} if text.strip() else {}


@contextmanager
def _audited(conn: Conn, actor: str, action: str, ticket_id: int, detail: str) -> Iterator[None]:
    """Writes the audit entry once the action is through."""
    yield
    audit(conn, actor, action, f"ticket/{ticket_id}", {"detail": detail} if detail else {})


def audit(conn: Conn, actor: str, action: str, target: str, detail: dict[str, Any]) -> None:
    """Writes down who did what. `target` is a kind and a name: "ticket/7"."""
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
