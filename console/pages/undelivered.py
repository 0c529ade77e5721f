"""What could not be delivered, and files that are not in force: what nobody would notice otherwise."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts.outbox import letters
from console.gate import Plans
from console.pages.answer import answer
from console.room import TheRoom
from console.security import OurForm
from desk.actions import audit
from domain.clock import SystemClock

router = APIRouter()

_SHOWN = 200


@router.get("/undelivered")
def undelivered(request: Request, room: TheRoom, visit: Plans) -> HTMLResponse:
    with room.database.transaction() as conn:
        return answer(
            request,
            room,
            visit,
            "undelivered.html",
            dead=letters.dead_letters(conn, _SHOWN),
            channels=letters.channel_loads(conn),
            files=room.files(conn),
        )


@router.post("/undelivered", dependencies=[OurForm])
def send_again(
    room: TheRoom, visit: Plans, number: Annotated[int | None, Form()] = None
) -> RedirectResponse:
    """Puts one letter in line again; without a number, all of them."""
    numbers = None if number is None else [number]
    with room.database.transaction() as conn:
        count = letters.retry(conn, SystemClock(), numbers)
        told = {"numbers": numbers or "all", "count": count}
        audit(conn, visit.actor, "retry_delivery", "outbox", told)
    return RedirectResponse("/undelivered", HTTPStatus.SEE_OTHER)
