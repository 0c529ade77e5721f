"""The list of tickets, each ticket's own page, and what people do with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import AnActor, AReader, Room, TheRoom, Visit
from console.security import OurForm
from desk import actions
from desk.ledger import events
from desk.lifecycle import CancelReason, TicketState, offered
from desk.sla.reading import clocks_of
from domain.errors import NotFoundError
from storage.database import Conn, Row
from storage.queries import load

router = APIRouter()

Words = Annotated[str, Form(max_length=2000)]


class TicketFilter(ListFilter):
    open: Literal["open", "closed", ""] = "open"
    state: str = ""
    severity: str = ""
    origin: str = ""
    customer: str = ""
    engineer: str = ""
    device: str = ""


@router.get("/tickets")
def tickets(
    request: Request, room: TheRoom, visit: AReader, wanted: Annotated[TicketFilter, Query()]
) -> HTMLResponse:
    queries = load("console")
    with room.database.transaction() as conn:
        page = read_page(conn, queries["tickets"], wanted)
        customers = conn.execute(queries["customers"]).fetchall()
        engineers = conn.execute(queries["engineers"]).fetchall()
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
    )


@router.get("/tickets/{ticket_id}")
def ticket(request: Request, room: TheRoom, visit: AReader, ticket_id: int) -> HTMLResponse:
    return _ticket_page(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/acknowledge", dependencies=[OurForm])
def acknowledge(
    request: Request,
    room: TheRoom,
    visit: AReader,
    actor: AnActor,
    ticket_id: int,
    note: Words = "",
) -> Response:
    actions.acknowledge(room.database, room.clock, ticket_id, actor=actor.name, note=note)
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/assign", dependencies=[OurForm])
def assign(
    request: Request,
    room: TheRoom,
    visit: AReader,
    actor: AnActor,
    ticket_id: int,
    engineer: Annotated[int, Form()],
) -> Response:
    actions.assign(room.database, room.clock, ticket_id, engineer, actor=actor.name)
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/move", dependencies=[OurForm])
def move(
    request: Request,
    room: TheRoom,
    visit: AReader,
    actor: AnActor,
    ticket_id: int,
    name: Annotated[str, Form()],
    note: Words = "",
    reason: Annotated[CancelReason | None, Form()] = None,
) -> Response:
    """Takes a move of the life cycle; a reason counts only for a cancellation."""
    why = reason if name == "cancel" else None
    actions.move(
        room.database, room.clock, ticket_id, name, actor=actor.name, note=note, reason=why
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/note", dependencies=[OurForm])
def note(
    request: Request,
    room: TheRoom,
    visit: AReader,
    actor: AnActor,
    ticket_id: int,
    text: Words,
) -> Response:
    actions.note(room.database, room.clock, ticket_id, text, actor=actor.name)
    return _done(request, room, visit, ticket_id)


def _done(request: Request, room: Room, visit: Visit, ticket_id: int) -> Response:
    """After an action: the ticket as it is now."""
    if "hx-request" in request.headers:
        return _ticket_page(request, room, visit, ticket_id)
    return RedirectResponse(f"/tickets/{ticket_id}", HTTPStatus.SEE_OTHER)


def _ticket_page(request: Request, room: Room, visit: Visit, ticket_id: int) -> HTMLResponse:
    queries, now = load("console"), room.clock.now()
    with room.database.transaction() as conn:
        found = conn.execute(queries["ticket"], {"ticket_id": ticket_id}).fetchone()
        if found is None:
            raise NotFoundError(f"there is no ticket {ticket_id}")
        history = events(conn, ticket_id)
        engineers = conn.execute(queries["engineers"]).fetchall()
        curve = _curve(conn, found)
        slas = clocks_of(conn, [ticket_id], now)[ticket_id]
    return answer(
        request,
        room,
        visit,
        "ticket.html",
        fragment="ticket_now.html",
        ticket=found,
        events=history[::-1],
        opening=history[0].data,
        slas=slas,
        moves=offered(TicketState(found["state"])),
        ended=TicketState(found["state"]).ended,
        engineers=engineers,
        curve=curve,
        names={row["id"]: row["name"] for row in engineers},
        cancel_reasons=CancelReason,
    )


def _curve(conn: Conn, ticket: Row) -> list[float]:
    """How likely the component was to fail within 1, 3, 7 and 30 days when that was said last."""
    if ticket["predicted_at"] is None:
        return []
    of_it = {name: ticket[name] for name in ("device_id", "component")}
    until = ticket["failed_at"] or ticket["last_sign_at"] or ticket["predicted_at"]
    row = conn.execute(load("console")["ticket_curve"], of_it | {"until": until}).fetchone()
    return row["curve"] if row else []
