"""What signs do to cases: the desk as the alert rules see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.desk_port import BatchCase, Heard, Returned
from alerts.sign import Origin, Sign
from alerts.steps import SYSTEM
from desk import ledger
from desk.assignment import Want, choose
from desk.case import Kind, Ticket
from desk.ledger import Entry, Opening, fault_row, iso
from desk.lifecycle import MOVES, CancelReason, TicketState
from domain.clock import Clock
from domain.fault import Fault, FaultClass
from domain.text import Text
from domain.vocabulary import component
from storage.database import Conn
from storage.queries import load
from storage.rows import as_rows

REPEAT_WITHIN = timedelta(days=30)
"""A fault that comes back so soon after its case was closed is a repeat of that case."""

TICKET_ORIGIN = {
    Origin.PREDICTION: "prediction",
    Origin.EVENT: "device",
    Origin.TRANSITION: "device",
}
"""Where the ticket comes from; what is not listed is held against a limit: a rule's."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Implements `alerts.desk_port.CaseDesk`."""

    clock: Clock

    def heard(self, conn: Conn, heard: Sequence[Heard]) -> set[int]:
        now = self.clock.now()
        tickets = ledger.lock_tickets(conn, [one.sign.fault for one in heard])
        ended = [
            tickets.pop(one.sign.fault)
            for one in heard
            if one.sign.origin is Origin.PREDICTION and _is_done(tickets.get(one.sign.fault))
        ]
        for ticket in ended:
            end_well(conn, ticket, now)  # the sign foretells the next failure
        joined = [one for one in heard if one.sign.fault in tickets]
        self._join(conn, [(tickets[one.sign.fault], one) for one in joined if not one.damped])
        return {one.alert_id for one in joined}

    def open(self, conn: Conn, signs: Sequence[tuple[int, Sign]]) -> None:
        now = self.clock.now()
        openings = self._openings(conn, signs, now)
        opened = ledger.open_tickets(conn, openings, now, SYSTEM)
        # Somebody opened these by telephone in this very moment: then the sign adds to theirs.
        others = [pair for pair, event in zip(signs, opened, strict=True) if event is None]
        tickets = ledger.lock_tickets(conn, [sign.fault for _, sign in others])
        late = [Heard(alert_id, sign, sign.failed) for alert_id, sign in others]
        self._join(
            conn, [(tickets[one.sign.fault], one) for one in late if one.sign.fault in tickets]
        )

    def returned(self, conn: Conn, returned: Sequence[Returned]) -> None:
        now = self.clock.now()
        faults = [one.fault for one in returned if one.fault is not None]
        tickets = ledger.lock_tickets(conn, faults)
        found = [(tickets[one.fault], one) for one in returned if one.fault in tickets]
        for one in returned:
            ticket = ledger.lock_batch(conn, one.alert_id) if one.fault is None else None
            found += [(ticket, one)] if ticket else []
        entries = [Entry(ticket, Kind.RETURNED, {"since": iso(one.at)}) for ticket, one in found]
        written = ledger.append_many(conn, entries, now, SYSTEM)
        restored = [
            (ticket, one)
            for ticket, (_, one) in zip(written, found, strict=True)
            if one.restored and ticket.state in MOVES["restore"].sources
        ]
        ledger.move_many(conn, [ticket for ticket, _ in restored], "restore", now, SYSTEM)
        for ticket, one in restored:
            if ticket.failed_at is not None and one.fault is not None:
                record_maintenance(conn, one.fault, "repaired", one.at, now)

    def note(self, conn: Conn, faults: Sequence[Fault], message: Text) -> None:
        tickets = ledger.lock_tickets(conn, faults)
        entries = [
            Entry(ticket, Kind.NOTE, {"message": message.to_json()}) for ticket in tickets.values()
        ]
        ledger.append_many(conn, entries, self.clock.now(), SYSTEM)

    def open_batch(self, conn: Conn, case: BatchCase) -> int:
        now = self.clock.now()
        ticket = ledger.lock_batch(conn, case.batch_id)
        if ticket is None:
            ticket = ledger.open_ticket(conn, _batch_opening(conn, case, now), now, SYSTEM)
            assert ticket is not None, "the batch's alert is locked: nobody else opens its ticket"
            return ticket.id
        data = {"alert_id": case.batch_id, "severity": case.severity, "predicted_at": None}
        data |= {"failed_at": iso(case.since), "title": case.title.to_json(), **case.told}
        ticket = ledger.append(conn, ticket, Kind.FAILED, now, SYSTEM, data)
        if ticket.state in MOVES["fail_again"].sources:
            ledger.move(conn, ticket, "fail_again", now, SYSTEM)
        return ticket.id

    def join_batch(self, conn: Conn, ticket_id: int, alert_ids: Sequence[int]) -> None:
        parameters = {"alert_ids": list(alert_ids), "system": SYSTEM}
        rows = conn.execute(load("desk")["lock_untouched"], parameters).fetchall()
        self._end_as_duplicates(conn, [ledger.ticket_of(row) for row in rows], ticket_id)

    def end_batch(self, conn: Conn, batch_id: int, into: int) -> None:
        ticket = ledger.lock_batch(conn, batch_id)
        if ticket is not None and ticket.state in MOVES["cancel"].sources:
            self._end_as_duplicates(conn, [ticket], into)

    def _end_as_duplicates(self, conn: Conn, tickets: Sequence[Ticket], of: int) -> None:
        data = {"reason": CancelReason.DUPLICATE, "duplicate_of": of}
        ledger.move_many(conn, tickets, "cancel", self.clock.now(), SYSTEM, data)

    def _openings(
        self, conn: Conn, signs: Sequence[tuple[int, Sign]], now: datetime
    ) -> list[Opening]:
        faults = [sign.fault for _, sign in signs]
        wants = [Want(fault.device_id, None, fault.component) for fault in faults]
        before = cases_before(conn, faults, now)
        return [
            Opening(
                fault=sign.fault,
                alert_id=alert_id,
                origin=TICKET_ORIGIN.get(sign.origin, "rule"),
                severity=sign.severity,
                title=sign.message,
                assignee_id=choice.engineer_id,
                repeat_of=before.get(sign.fault),
                predicted_at=now if sign.origin is Origin.PREDICTION else None,
                failed_at=sign.at if sign.failed else None,
                more=told(sign) | advice(sign.fault) | _assigned(choice.why),
            )
            for (alert_id, sign), choice in zip(signs, choose(conn, wants, now), strict=True)
        ]

    def _join(self, conn: Conn, joined: Sequence[tuple[Ticket, Heard]]) -> None:
        now = self.clock.now()
        entries = [
            Entry(ticket, Kind.FAILED if one.broke else Kind.SIGN, joining(one, now))
            for ticket, one in joined
        ]
        written = ledger.append_many(conn, entries, now, SYSTEM)
        again = [ticket for ticket in written if ticket.state in MOVES["fail_again"].sources]
        ledger.move_many(conn, again, "fail_again", now, SYSTEM)


def end_well(conn: Conn, ticket: Ticket, now: datetime) -> Ticket:
    """Verifies and closes a case whose repair has held."""
    if ticket.state is TicketState.REPAIRED:
        ticket = ledger.move(conn, ticket, "verify", now, SYSTEM)
    return ledger.move(conn, ticket, "close", now, SYSTEM)


def advice(fault: Fault) -> dict[str, Any]:
    """The first steps and the spare part, as the vocabulary knows them for the component."""
    if fault.fault_class is FaultClass.CONSUMABLE:
        return {}
    known = component(fault.component)
    return {"first_steps": known.first_steps, "part": known.part}


def case_before(conn: Conn, fault: Fault, now: datetime) -> int | None:
    """The case of the same fault that was closed last, if that is not long ago."""
    return cases_before(conn, [fault], now).get(fault)


def cases_before(conn: Conn, faults: Sequence[Fault], now: datetime) -> dict[Fault, int]:
    """Of faults whose last case was closed not long ago: that case."""
    rows = conn.execute(
        load("desk")["cases_before"],
        {"faults": as_rows(map(fault_row, faults)), "since": now - REPEAT_WITHIN},
    ).fetchall()
    return {
        Fault(row["device_id"], row["component"], FaultClass(row["fault_class"])): row["id"]
        for row in rows
    }


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


def _is_done(ticket: Ticket | None) -> bool:
    return ticket is not None and ticket.state.done


def told(sign: Sign) -> dict[str, Any]:
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


def joining(one: Heard, now: datetime) -> dict[str, Any]:
    sign = one.sign
    return told(sign) | {
        "alert_id": one.alert_id,
        "severity": sign.severity,
        "predicted_at": iso(now) if sign.origin is Origin.PREDICTION else None,
        "failed_at": iso(sign.at) if one.broke else None,
        "title": sign.message.to_json(),
    }


def _assigned(why: Text) -> dict[str, Any]:
    return {"why_assigned": why.to_json()}


def _batch_opening(conn: Conn, case: BatchCase, now: datetime) -> Opening:
    [choice] = choose(conn, [Want(None, case.site_id, "")], now)
    return Opening(
        fault=None,
        alert_id=case.batch_id,
        origin="batch",
        severity=case.severity,
        title=case.title,
        assignee_id=choice.engineer_id,
        repeat_of=None,
        predicted_at=None,
        failed_at=case.since,
        more={**case.told, **_assigned(choice.why)},
        site_id=case.site_id,
        batch_id=case.batch_id,
    )
