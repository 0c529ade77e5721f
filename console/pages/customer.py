"""What a customer sees by a link: one device, how its open case stands, and a way to report.

No account is needed; the link is the key. Nothing is told here of what is foretold, of other devices
or of who works on it.
"""

from __future__ import annotations

import secrets as random
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console import links
from console.gate import MakesLinks
from console.links import Link
from console.room import FORM_COOKIE, AVisit, Room, TheRoom
from console.security import OurForm, keep_cookie
from desk.calls import MAX_NAME, MAX_WORDS, Call, Channel, take
from domain.errors import NotFoundError
from storage.database import Row
from storage.queries import load

router = APIRouter()


@router.get("/c/{secret}")
def look(
    request: Request, room: TheRoom, visit: AVisit, secret: str, reported: bool = False
) -> HTMLResponse:
    link, device, cases = _linked(request, room, secret)
    token = visit.csrf_token or random.token_urlsafe(32)
    reader = replace(visit, account=None, csrf_token=token)
    page = room.views.render(
        "customer.html",
        reader,
        device=device,
        cases=cases,
        path=f"/c/{secret}",
        link=link,
        reported=reported,
    )
    answer = HTMLResponse(page, headers={"Referrer-Policy": "no-referrer"})
    if not visit.csrf_token:
        keep_cookie(request, answer, FORM_COOKIE, token, None)
    return answer


@router.post("/c/{secret}/report", dependencies=[OurForm])
def report(
    request: Request,
    room: TheRoom,
    secret: str,
    words: Annotated[str, Form(max_length=MAX_WORDS)],
    component: Annotated[str, Form(max_length=64)] = "",
    caller: Annotated[str, Form(max_length=MAX_NAME)] = "",
    phone: Annotated[str, Form(max_length=MAX_NAME)] = "",
) -> RedirectResponse:
    """Opens the fault's case or adds to the open one; so many in an hour, then it must wait."""
    link, _device, _cases = _linked(request, room, secret)
    room.reports.spend(*_who(request, secret))
    call = Call(
        Channel.PORTAL,
        words,
        device_id=link.device_id,
        component=component or None,
        caller=caller,
        phone=phone,
    )
    take(room.database, room.clock, call, actor=link.actor)
    return RedirectResponse(f"/c/{secret}?reported=true", HTTPStatus.SEE_OTHER)


@router.post("/devices/{key}/links", dependencies=[OurForm])
def make_link(
    request: Request,
    room: TheRoom,
    visit: MakesLinks,
    key: str,
    name: Annotated[str, Form(max_length=64)],
    days: Annotated[int | None, Form()] = None,
) -> HTMLResponse:
    """The answer shows the link, once; so it is no redirection."""
    with room.database.transaction() as conn:
        secret = links.make_link(conn, key, name, days, actor=visit.actor)
    address = f"{str(request.base_url).rstrip('/')}/c/{secret}"
    visit = replace(visit, here=f"/devices/{key}")
    page = room.views.render("link_made.html", visit, key=key, name=name, address=address)
    return HTMLResponse(page)


@router.post("/devices/{key}/links/{link_id}/revoke", dependencies=[OurForm])
def revoke_link(room: TheRoom, visit: MakesLinks, key: str, link_id: int) -> RedirectResponse:
    with room.database.transaction() as conn:
        links.revoke_link(conn, key, link_id, actor=visit.actor)
    return RedirectResponse(f"/devices/{key}", HTTPStatus.SEE_OTHER)


def _linked(request: Request, room: Room, secret: str) -> tuple[Link, Row, list[Row]]:
    queries = load("people")
    room.guesses.check(_address(request))
    try:
        with room.database.transaction() as conn:
            link = links.find_link(conn, secret)
            of_it = {"device_id": link.device_id}
            device = conn.execute(queries["linked_device"], of_it).fetchone()
            assert device is not None  # a link goes with its device
            return link, device, conn.execute(queries["linked_cases"], of_it).fetchall()
    except NotFoundError:
        room.guesses.failed(_address(request))  # guessing gets slow
        raise


def _who(request: Request, secret: str) -> tuple[str, str]:
    return f"link {secret[:64]}", _address(request)


def _address(request: Request) -> str:
    return f"address {request.client.host if request.client else ''}"
