"""Failures and repairs that are known from somebody's records: an import's replay, a work order."""

from __future__ import annotations

from datetime import datetime

from alerts import board
from alerts.engine import record_failure
from desk import ledger
from desk.case import Kind
from desk.cases import Cases, record_maintenance
from desk.lifecycle import MOVES
from domain.clock import Clock
from domain.fault import Fault, FaultClass
from storage.database import Database

_MENDS = ("replaced", "repaired")
"""Other work, such as cleaning, leaves the fault where it is."""


def failure_recorded(
    database: Database, clock: Clock, device_id: int, component: str, at: datetime, *, source: str
) -> None:
    """A component failed at `at`: recorded as a `failure`, and its case opened or joined."""
    fault = Fault(device_id, component, FaultClass.BREAKDOWN)
    with database.transaction() as conn:
        record_failure(conn, clock.now(), Cases(clock), fault, at, source)


def maintenance_recorded(
    database: Database,
    clock: Clock,
    device_id: int,
    component: str,
    action: str,
    at: datetime,
    *,
    source: str,
) -> None:
    """A component was `replaced`, `repaired`, ...: recorded, and its open case is thereby repaired.

    Whatever held the case's alert active is over: it spoke of the old part.
    """
    fault = Fault(device_id, component, FaultClass.BREAKDOWN)
    with database.transaction() as conn:
        now = clock.now()
        record_maintenance(conn, fault, action, at, now, source)
        ticket = ledger.lock_open(conn, fault)
        if ticket is None or action not in _MENDS:
            return
        if ticket.alert_id is not None:
            board.relieve(conn, ticket.alert_id, None, now)
        if ticket.returned_at is None:
            ticket = ledger.append(conn, ticket, Kind.RETURNED, now, source)
        if ticket.state in MOVES["restore"].sources:
            ledger.move(conn, ticket, "restore", now, source, {"action": action})
