"""The first page: the fleet at a glance."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.gate import SeesFleet, SomebodyIn
from console.pages.answer import answer
from console.roles import Right
from console.room import TheRoom

router = APIRouter()

DOTS_UP_TO = 600
"""Larger fleets show a bar a site, not a dot a device: a screen has only so many pixels."""


@router.get("/", response_model=None)
def overview(
    request: Request, room: TheRoom, visit: SomebodyIn, wall: bool = False
) -> HTMLResponse | RedirectResponse:
    """The way in, also for who sees only tickets of their own."""
    if not visit.may(Right.SEE_FLEET):
        return RedirectResponse("/tickets", HTTPStatus.SEE_OTHER)
    snapshot = room.live.snapshot()
    return answer(
        request, room, visit, "overview.html", look=snapshot, wall=wall, dots_up_to=DOTS_UP_TO
    )


@router.get("/overview/{part}")
def overview_part(
    request: Request, room: TheRoom, visit: SeesFleet, part: Literal["board", "foretold", "feed"]
) -> HTMLResponse:
    """One region of the overview, when the live stream says that it has changed."""
    snapshot = room.live.snapshot()
    return answer(
        request, room, visit, "overview_part.html", look=snapshot, part=part, dots_up_to=DOTS_UP_TO
    )
