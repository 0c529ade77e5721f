"""What time alone does to cases."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.board import SYSTEM
from desk import ledger
from desk.actions import finish_move
from desk.cases import end_well
from desk.lifecycle import MOVES, CancelReason, TicketState
from domain.clock import Clock
from storage.database import Conn, Database
from storage.queries import load

VERIFIED_AFTER = timedelta(hours=24)
"""A repaired device of which no sign was seen for so long is verified, and its case closed."""

_OUT = {TicketState.DISPATCHED, TicketState.ON_SITE}
_NOBODY_OUT = [state.value for state in MOVES["cancel"].sources - _OUT]
"""A foretold failure that did not come is cancelled only while nobody is on the way for it."""


def tick(database: Database, clock: Clock) -> int:
    """Closes cases that stayed well and cancels those that did not come true; returns how many.

    Each case in a transaction of its own, so that nobody waits for long.
    """
    now = clock.now()
    with database.transaction() as conn:
        well, false = _stayed_well(conn, now), _not_come_true(conn, now)
    closed = sum(_close(database, ticket_id, now) for ticket_id in well)
    return closed + sum(_cancel(database, ticket_id, now) for ticket_id in false)


def _close(database: Database, ticket_id: int, now: datetime) -> bool:
    with database.transaction() as conn:
        ticket = ledger.lock(conn, ticket_id)
        if not _stayed_well(conn, now, ticket_id):
            return False  # another was quicker
        finish_move(conn, end_well(conn, ticket, now), now, SYSTEM)
        return True


def _cancel(database: Database, ticket_id: int, now: datetime) -> bool:
    with database.transaction() as conn:
        ticket = ledger.lock(conn, ticket_id)
        if not _not_come_true(conn, now, ticket_id):
            return False  # another was quicker, or a new sign came
        reason = {"reason": CancelReason.FALSE_ALARM}
        finish_move(conn, ledger.move(conn, ticket, "cancel", now, SYSTEM, reason), now, SYSTEM)
        return True


def _stayed_well(conn: Conn, now: datetime, ticket_id: int | None = None) -> list[int]:
    parameters = {"before": now - VERIFIED_AFTER, "ticket_id": ticket_id}
    rows = conn.execute(load("desk")["stayed_well"], parameters).fetchall()
    return [row["id"] for row in rows]


def _not_come_true(conn: Conn, now: datetime, ticket_id: int | None = None) -> list[int]:
    parameters = {"states": _NOBODY_OUT, "now": now, "ticket_id": ticket_id}
    rows = conn.execute(load("desk")["not_come_true"], parameters).fetchall()
    return [row["id"] for row in rows]
