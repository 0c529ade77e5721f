"""A device leaves the fleet, and nothing of it stays open: alerts, tickets and promises end with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import board
from desk import ledger
from desk.case import Ticket
from desk.cases import end_well
from desk.lifecycle import MOVES, CancelReason
from domain.clock import Clock
from pipeline.devices import fleet
from storage.database import Conn, Database
from storage.queries import load


def retire(
    database: Database, clock: Clock, key: str, *, actor: str, reason: str = ""
) -> list[Ticket]:
    """Takes a device out of the fleet and ends its open cases; returns these.

    What is repaired is verified and closed, all else cancelled: its promises end. Alerts settle.
    Raises NotAllowedError when the device is not in the fleet.
    """
    with database.transaction() as conn:
        now = clock.now()
        _lock(conn, key)  # before the device's row, as whoever opens a case does
        fleet.retire(conn, clock, key, actor=actor, reason=reason)
        alert_ids, tickets = _lock(conn, key)
        for alert_id in alert_ids:
            board.relieve(conn, alert_id, None, now)
        ended = [_end(conn, ticket, now, actor, reason) for ticket in tickets]
        board.settle_all(conn, alert_ids, now, actor)
        return ended


def _lock(conn: Conn, key: str) -> tuple[Sequence[int], list[Ticket]]:
    """The open alerts and tickets of a device."""
    queries, device = load("desk"), {"key": key}
    alerts = conn.execute(queries["lock_alerts_of_device"], device).fetchall()
    tickets = conn.execute(queries["lock_tickets_of_device"], device).fetchall()
    return [row["id"] for row in alerts], [ledger.ticket_of(row) for row in tickets]


def _end(conn: Conn, ticket: Ticket, now: datetime, actor: str, reason: str) -> Ticket:
    if ticket.state not in MOVES["cancel"].sources:
        return end_well(conn, ticket, now)
    data = {"reason": CancelReason.RETIRED} | ({"note": reason} if reason else {})
    return ledger.move(conn, ticket, "cancel", now, actor, data)
