"""What signs do to cases: the desk as the alert rules see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.board import SYSTEM
from alerts.desk_port import News
from alerts.rules import CASE_SEVERITY
from alerts.sign import Origin, Sign
from desk import ledger
from desk.case import Kind, Ticket
from desk.ledger import Opening, iso
from desk.lifecycle import MOVES, TicketState
from domain.clock import Clock
from domain.fault import Fault, FaultClass
from domain.vocabulary import component
from storage.database import Conn
from storage.queries import load

REPEAT_WITHIN = timedelta(days=30)
"""A fault that comes back so soon after its case was closed is a repeat of that case."""

_TICKET_ORIGIN = {
    Origin.PREDICTION: "prediction",
    Origin.THRESHOLD: "rule",
    Origin.ANOMALY: "rule",
    Origin.CONSUMABLE: "rule",
    Origin.EVENT: "device",
    Origin.TRANSITION: "device",
}


@dataclass(frozen=True, slots=True)
class Cases:
    """Implements `alerts.desk_port.CaseDesk`."""

    clock: Clock

    def sign(self, conn: Conn, alert_id: int, sign: Sign, news: News) -> None:
        ticket = ledger.lock_ticket(conn, sign.fault)
        if ticket is not None and ticket.state.done and sign.origin is Origin.PREDICTION:
            end_well(conn, ticket, self.clock.now())  # the sign foretells the next failure
            ticket = None
        if ticket is not None:
            self._join(conn, ticket, alert_id, sign, news)
        elif sign.severity.rank >= CASE_SEVERITY.rank:
            self._open(conn, alert_id, sign)

    def returned(self, conn: Conn, fault: Fault, at: datetime, *, restored: bool) -> None:
        ticket = ledger.lock_ticket(conn, fault)
        if ticket is None:
            return
        now = self.clock.now()
        ticket = ledger.append(conn, ticket, Kind.RETURNED, now, SYSTEM, {"since": iso(at)})
        if restored and ticket.state in MOVES["restore"].sources:
            ledger.move(conn, ticket, "restore", now, SYSTEM)
            if ticket.failed_at is not None:
                record_maintenance(conn, fault, "repaired", at, now)

    def _open(self, conn: Conn, alert_id: int, sign: Sign) -> None:
        now = self.clock.now()
        opening = Opening(
            fault=sign.fault,
            alert_id=alert_id,
            origin=_TICKET_ORIGIN[sign.origin],
            severity=sign.severity,
            title=sign.message,
            assignee_id=engineer_of(conn, sign.fault.device_id),
            repeat_of=case_before(conn, sign.fault, now),
            predicted_at=now if sign.origin is Origin.PREDICTION else None,
            failed_at=sign.at if sign.failed else None,
            more=_told(sign) | advice(sign.fault),
        )
        if ledger.open_ticket(conn, opening, now, SYSTEM) is None:
            # Somebody opened it by telephone in this very moment: then this sign adds to it.
            ticket = ledger.lock_ticket(conn, sign.fault)
            if ticket is not None:
                self._join(conn, ticket, alert_id, sign, News(fresh=True, broke=sign.failed))

    def _join(self, conn: Conn, ticket: Ticket, alert_id: int, sign: Sign, news: News) -> None:
        now = self.clock.now()
        failed = news.broke
        data = _told(sign) | {
            "alert_id": alert_id,
            "severity": sign.severity,
            "predicted_at": iso(now) if sign.origin is Origin.PREDICTION else None,
            "failed_at": iso(sign.at) if failed else None,
            "title": sign.message.to_json(),
        }
        kind = Kind.FAILED if failed else Kind.SIGN
        ticket = ledger.append(conn, ticket, kind, now, SYSTEM, data)
        if ticket.state in MOVES["fail_again"].sources:
            ledger.move(conn, ticket, "fail_again", now, SYSTEM)


def end_well(conn: Conn, ticket: Ticket, now: datetime) -> Ticket:
    """Verifies and closes a case whose repair has held."""
    if ticket.state is TicketState.REPAIRED:
        ticket = ledger.move(conn, ticket, "verify", now, SYSTEM)
    return ledger.move(conn, ticket, "close", now, SYSTEM)


def _told(sign: Sign) -> dict[str, Any]:
    """What an event of the ticket keeps of a sign."""
    return {
        "sign": sign.origin,
        "rule": sign.rule,
        "since": iso(sign.at),
        "message": sign.message.to_json(),
        "reasons": [reason.to_json() for reason in sign.reasons],
        "probability": sign.probability,
        "foretold_until": iso(sign.foretold_until),
    }


def advice(fault: Fault) -> dict[str, Any]:
    """The first steps and the spare part, as the vocabulary knows them for the component."""
    if fault.fault_class is FaultClass.CONSUMABLE:
        return {}
    known = component(fault.component)
    return {"first_steps": known.first_steps, "part": known.part}


def engineer_of(conn: Conn, device_id: int) -> int | None:
    """The engineer in whose care the device's site is."""
    row = conn.execute(load("desk")["engineer_of_device"], {"device_id": device_id}).fetchone()
    return row["engineer_id"] if row else None


def case_before(conn: Conn, fault: Fault, now: datetime) -> int | None:
    """The case of the same fault that was closed last, if that is not long ago."""
    parameters = ledger.fault_row(fault) | {"since": now - REPEAT_WITHIN}
    row = conn.execute(load("desk")["case_before"], parameters).fetchone()
    return row["id"] if row else None


def record_maintenance(
    conn: Conn, fault: Fault, action: str, at: datetime, now: datetime, source: str = "ticket"
) -> None:
    """A breakdown that was repaired is a fact that models learn from; other faults are not."""
    if fault.fault_class is FaultClass.BREAKDOWN:
        conn.execute(
            load("desk")["record_maintenance"],
            {
                "device_id": fault.device_id,
                "component": fault.component,
                "action": action,
                "at": at,
                "now": now,
                "source": source,
            },
        )
