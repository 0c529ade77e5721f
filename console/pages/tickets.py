"""The list of tickets, and each ticket's own page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.gate import SeesTickets
from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import Room, TheRoom, Visit
from desk import callers, ledger
from desk.assignment import Want, choose
from desk.case import Kind, TicketEvent
from desk.identify import is_unidentified
from desk.lifecycle import CancelReason, TicketState, offered
from desk.sla.reading import clocks_of, kinds_of, next_due
from domain.errors import NotFoundError
from domain.fault import CausedBy, Finding
from storage.database import Conn, Row
from storage.queries import load

router = APIRouter()


class TicketFilter(ListFilter):
    open: Literal["open", "closed", ""] = "open"
    state: str = ""
    severity: str = ""
    origin: str = ""
    customer: str = ""
    engineer: str = ""
    device: str = ""
    sort: Literal["", "due"] = ""


@router.get("/tickets")
def tickets(
    request: Request, room: TheRoom, visit: SeesTickets, wanted: Annotated[TicketFilter, Query()]
) -> HTMLResponse:
    queries, now = load("console"), room.clock.now()
    with room.database.transaction() as conn:
        page = read_page(conn, queries["tickets"], wanted, {"own": visit.own})
        customers = conn.execute(queries["customers"]).fetchall()
        engineers = conn.execute(queries["engineers"]).fetchall()
        unended = [row["id"] for row in page.rows if row["closed_at"] is None]
        clocks = clocks_of(conn, unended, now)
    return answer(
        request,
        room,
        visit,
        "tickets.html",
        fragment="tickets_rows.html",
        wanted=wanted,
        page=page,
        customers=customers,
        engineers=engineers,
        clocks=clocks,
        now=now,
        next_due=next_due,
    )


@router.get("/tickets/{ticket_id}")
def ticket(request: Request, room: TheRoom, visit: SeesTickets, ticket_id: int) -> HTMLResponse:
    return ticket_page(request, room, visit, ticket_id)


def ticket_page(request: Request, room: Room, visit: Visit, ticket_id: int) -> HTMLResponse:
    """The ticket as it is now. Raises NotFoundError, also for what the visitor may not see."""
    now = room.clock.now()
    with room.database.transaction() as conn:
        values = _shown(conn, visit, ticket_id, now)
    return answer(
        request, room, visit, "ticket.html", fragment="ticket_now.html", now=now, **values
    )


def _shown(conn: Conn, visit: Visit, ticket_id: int, now: datetime) -> dict[str, Any]:
    queries = load("console")
    wanted = {"ticket_id": ticket_id, "own": visit.own}
    found = conn.execute(queries["ticket"], wanted).fetchone()
    if found is None:
        raise NotFoundError(f"there is no ticket {ticket_id}")
    history = ledger.events(conn, ticket_id)
    engineers = conn.execute(queries["engineers"]).fetchall()
    state = TicketState(found["state"])
    return {
        "ticket": found,
        "events": history[::-1],
        "opening": _advice(history),
        "kind": kinds_of(conn, [ticket_id])[ticket_id],
        "slas": clocks_of(conn, [ticket_id], now)[ticket_id],
        "coverage": _advice(history).get("coverage"),
        "moves": [] if state.ended else offered(state),
        "ended": state.ended,
        "replaced": _replaced(found, history),
        "engineers": engineers,
        "names": {row["id"]: row["name"] for row in engineers},
        "cancel_reasons": [one for one in CancelReason if one is not CancelReason.RETIRED],
        "findings": Finding,
        "causes": CausedBy,
        "curve": _curve(conn, found),
        "calls": callers.calls_of(conn, ticket_id),
        "counts": callers.counts(conn, ticket_id),
        **_to_be_decided(conn, visit, found, now),
    }


def _replaced(found: Row, history: list[TicketEvent]) -> bool:
    """Whether another unit stands there now, and this one is counted still."""
    moves = (event.data.get("move") for event in history if event.kind is Kind.MOVED)
    return bool(found["adopted"]) and "replace_unit" in moves


def _advice(history: list[TicketEvent]) -> dict[str, Any]:
    """What the first event says, and what was learned when the device became known."""
    known = [event.data for event in history if event.kind in (Kind.OPENED, Kind.IDENTIFIED)]
    return {name: value for data in known for name, value in data.items() if value is not None}


def _to_be_decided(conn: Conn, visit: Visit, found: Row, now: datetime) -> dict[str, Any]:
    """Who could be sent, and which device it may be about, where somebody can say so."""
    suggested, devices, unknown = None, list[Row](), False
    if visit.may("assign") and found["closed_at"] is None:
        want = Want(found["device_id"], found["place_id"], found["component"])
        [suggested] = choose(conn, [want], now)
    if visit.may("calls"):
        row = conn.execute(load("calls")["ticket"], {"ticket_id": found["id"]}).fetchone()
        unknown = row is not None and is_unidentified(ledger.ticket_of(row))
    if unknown:
        of_site = {"site_id": found["place_id"]}
        devices = conn.execute(load("console")["site_devices"], of_site).fetchall()
    return {"suggested": suggested, "unidentified": unknown, "site_devices": devices}


def _curve(conn: Conn, ticket: Row) -> list[float]:
    """How likely the component was to fail within 1, 3, 7 and 30 days when that was said last."""
    if ticket["predicted_at"] is None:
        return []
    of_it = {name: ticket[name] for name in ("device_id", "component")}
    until = ticket["failed_at"] or ticket["last_sign_at"] or ticket["predicted_at"]
    row = conn.execute(load("console")["ticket_curve"], of_it | {"until": until}).fetchone()
    return row["curve"] if row else []
