"""What customers report: by telephone, on their link's page, by the API. Every call is recorded.

A caller is recognised by site or device and told how the open case stands. A call about a fault that
has an open case adds to it; one that names no device becomes a case of the site, until somebody
identifies the device. Words are never compared: that two callers describe it alike makes no one case.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from desk import ledger
from desk.actions import audit, lock_as_seen, require
from desk.assignment import Want, choose
from desk.case import Kind, Ticket
from desk.cases import REPEAT_WITHIN, advice, case_before
from desk.ledger import Opening
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import N_, Text
from domain.vocabulary import DEVICE
from storage.database import Conn, Database
from storage.queries import load

MAX_WORDS = 2000
MAX_NAME = 128


class Channel(StrEnum):
    """How a call came; also the origin of the ticket that it opens."""

    PHONE = "phone"
    PORTAL = "portal"
    API = "api"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. A device or a site must be known.

    Attributes:
        component: None: the caller can't say which part it is.
        ticket_id: the case that it is about, if somebody says so.
        reference: the caller's own; the same one again is the same call.
    """

    channel: Channel
    words: str
    device_id: int | None = None
    site_id: int | None = None
    component: str | None = None
    caller: str = ""
    phone: str = ""
    ticket_id: int | None = None
    reference: str | None = None


def take(database: Database, clock: Clock, call: Call, *, actor: str) -> Ticket:
    """Records a call on its case, which is opened if there is none.

    Raises BadInputError, NotFoundError when there is no such device, site or ticket, and
    NotAllowedError when the case that it names has ended.
    """
    _check(call)
    with database.transaction() as conn:
        known = _known_before(conn, call, actor)
        if known is not None:
            return ledger.lock(conn, known)
        now = clock.now()
        call = _placed(conn, call)
        ticket = _case_of(conn, call, now, actor)
        call_id = _record(conn, call, ticket, now, actor)
        data = {"call_id": call_id, "note": call.words.strip(), "caller": call.caller.strip()}
        ticket = ledger.append(conn, ticket, Kind.CALL, now, actor, data)
        detail = {"ticket": ticket.id, "note": call.words.strip()}
        audit(conn, actor, f"call_by_{call.channel}", f"ticket/{ticket.id}", detail)
        return ticket


def fault_called(device_id: int, component: str | None) -> Fault:
    """The fault that a caller speaks of, who may not know the component."""
    if component is None:
        return _whole(device_id)
    silent = component == DEVICE
    return Fault(device_id, component, FaultClass.UNREACHABLE if silent else FaultClass.BREAKDOWN)


def _whole(device_id: int) -> Fault:
    return Fault(device_id, DEVICE, FaultClass.BREAKDOWN)


def _check(call: Call) -> None:
    if not 0 < len(call.words.strip()) <= MAX_WORDS:
        raise BadInputError(f"words: must have 1 to {MAX_WORDS} characters")
    if call.device_id is None and call.site_id is None:
        raise BadInputError("device or site: one of them must be named")
    for name, text in (("caller", call.caller), ("phone", call.phone)):
        if len(text) > MAX_NAME:
            raise BadInputError(f"{name}: must have at most {MAX_NAME} characters")


def _known_before(conn: Conn, call: Call, actor: str) -> int | None:
    """The ticket of the same call, sent again; whoever sends it at once waits here."""
    if call.reference is None:
        return None
    sent = {"channel": call.channel, "taken_by": actor, "reference": call.reference}
    conn.execute(load("calls")["wait_for_reference"], sent)
    row = conn.execute(load("calls")["by_reference"], sent).fetchone()
    return row["ticket_id"] if row else None


def _placed(conn: Conn, call: Call) -> Call:
    """`call` with the site of its device."""
    if call.device_id is None:
        require(conn, "site", {"site_id": call.site_id or 0})
        return call
    require(conn, "device", {"device_id": call.device_id})
    row = conn.execute(load("calls")["site_of"], {"device_id": call.device_id}).fetchone()
    return replace(call, site_id=row["site_id"] if row else None)


def _case_of(conn: Conn, call: Call, now: datetime, actor: str) -> Ticket:
    if call.ticket_id is not None:
        return _still_open(lock_as_seen(conn, call.ticket_id, None))
    if call.device_id is None:
        return _open(conn, call, None, now, actor)
    of_it = {"device_id": call.device_id, "component": call.component}
    row = conn.execute(load("calls")["explains"], of_it).fetchone()
    if row is not None:
        return _still_open(lock_as_seen(conn, row["id"], None))
    return _case_of_fault(conn, call, fault_called(call.device_id, call.component), now, actor)


def _case_of_fault(conn: Conn, call: Call, fault: Fault, now: datetime, actor: str) -> Ticket:
    # The index decides who opens it; who was too late adds to what the other has opened.
    ticket = ledger.lock_open(conn, fault) or ledger.open_ticket(
        conn, _opening(conn, call, fault, now), now, actor
    )
    ticket = ticket or ledger.lock_open(conn, fault)
    if ticket is None:
        raise NotAllowedError("the case was opened and closed meanwhile; try again")
    return ticket


def _open(conn: Conn, call: Call, fault: Fault | None, now: datetime, actor: str) -> Ticket:
    ticket = ledger.open_ticket(conn, _opening(conn, call, fault, now), now, actor)
    assert ticket is not None  # no two cases of a site are the same before they are identified
    return ticket


def _opening(conn: Conn, call: Call, fault: Fault | None, now: datetime) -> Opening:
    component = fault.component if fault else ""
    [choice] = choose(conn, [Want(call.device_id, call.site_id, component)], now)
    return Opening(
        fault=fault,
        alert_id=None,
        origin=call.channel,
        severity=Severity.ERROR,
        title=Text(TITLE[call.channel], {"words": call.words.strip()}),
        assignee_id=choice.engineer_id,
        repeat_of=case_before(conn, fault, now) if fault else None,
        predicted_at=None,
        failed_at=None,
        more={"why_assigned": choice.why.to_json()} | (advice(fault) if fault else {}),
        site_id=call.site_id,
    )


TITLE = {
    Channel.PHONE: N_("Reported by telephone: {words}"),
    Channel.PORTAL: N_("Reported by the customer: {words}"),
    Channel.API: N_("Reported by a program: {words}"),
}


def _record(conn: Conn, call: Call, ticket: Ticket, now: datetime, actor: str) -> int:
    """Writes the call down, as a repeat of the last one about this fault if that is not long ago."""
    since = {"ticket_id": ticket.id, "since": now - REPEAT_WITHIN}
    before = conn.execute(load("calls")["last_about"], since).fetchone()
    row = conn.execute(
        load("calls")["record"],
        {
            "at": now,
            "channel": call.channel,
            "caller": call.caller.strip(),
            "phone": digits_of(call.phone),
            "words": call.words.strip(),
            "site_id": call.site_id,
            "device_id": call.device_id,
            "ticket_id": ticket.id,
            "repeat_of": before["id"] if before else None,
            "reference": call.reference,
            "taken_by": actor,
        },
    ).fetchone()
    assert row is not None
    return int(row["id"])


def _still_open(ticket: Ticket) -> Ticket:
    if ticket.state.ended:
        raise NotAllowedError(f"ticket {ticket.id} is {ticket.state}")
    return ticket


def digits_of(phone: str) -> str:
    """A telephone number as it is kept: its digits, in Western figures."""
    return "".join(str(unicodedata.digit(sign)) for sign in phone if sign.isdecimal())
