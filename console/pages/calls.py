"""A customer is on the telephone: who is it, what is known already, and the call is written down."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.gate import TakesCalls
from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import Room, TheRoom
from console.security import OurForm
from desk.callers import recognise
from desk.calls import MAX_NAME, MAX_WORDS, Call, Channel, take
from desk.sla.reading import clocks_of, next_due
from domain.errors import BadInputError
from storage.database import Row
from storage.queries import load

router = APIRouter()

Name = Annotated[str, Form(max_length=MAX_NAME)]


class CallFilter(ListFilter):
    """`search`: what the caller says of themselves; `site`, `device`: whom the operator chose."""

    site: Annotated[str, Query(max_length=100)] = ""
    device: Annotated[str, Query(max_length=255)] = ""


@router.get("/calls")
def calls(
    request: Request, room: TheRoom, visit: TakesCalls, wanted: Annotated[CallFilter, Query()]
) -> HTMLResponse:
    queries, now = load("calls"), room.clock.now()
    with room.database.transaction() as conn:
        who = recognise(conn, wanted.search)
        page = read_page(conn, queries["newest"], wanted)
        clocks = clocks_of(conn, [row["id"] for row in who.cases], now)
    return answer(
        request,
        room,
        visit,
        "calls.html",
        fragment="calls_found.html",
        wanted=wanted,
        who=who,
        page=page,
        clocks=clocks,
        now=now,
        next_due=next_due,
    )


@router.post("/calls", dependencies=[OurForm])
def record(
    room: TheRoom,
    visit: TakesCalls,
    description: Annotated[str, Form(max_length=MAX_WORDS)],
    site: Name = "",
    device: Annotated[str, Form(max_length=255)] = "",
    component: Annotated[str, Form(max_length=64)] = "",
    ticket: Annotated[int | None, Form()] = None,
    caller: Name = "",
    phone: Name = "",
) -> RedirectResponse:
    """Writes the call down, on to its ticket: the one named, the fault's open one, or a new one."""
    call = Call(
        Channel.PHONE,
        description,
        device_id=id_of(room, "device", device),
        site_id=id_of(room, "site", site),
        component=component or None,
        caller=caller,
        phone=phone,
        ticket_id=ticket,
    )
    taken = take(room.database, room.clock, call, actor=visit.actor)
    return RedirectResponse(f"/tickets/{taken.id}", HTTPStatus.SEE_OTHER)


def id_of(room: Room, what: str, key: str) -> int | None:
    """The id of the device or site of that key; None for an empty key. Raises BadInputError."""
    if not key:
        return None
    with room.database.transaction() as conn:
        row: Row | None = conn.execute(load("calls")[f"{what}_id"], {"key": key}).fetchone()
    if row is None:
        raise BadInputError(f"{what}: there is none with the key {key!r}")
    return int(row["id"])
