"""The list of alerts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import AnActor, AReader, TheRoom
from console.security import OurForm
from desk import actions
from storage.queries import load

router = APIRouter()


class AlertFilter(ListFilter):
    open: Literal["open", "closed", ""] = "open"
    state: str = ""
    severity: str = ""
    origin: str = ""


@router.get("/alerts")
def alerts(
    request: Request, room: TheRoom, visit: AReader, wanted: Annotated[AlertFilter, Query()]
) -> HTMLResponse:
    with room.database.transaction() as conn:
        page = read_page(conn, load("console")["alerts"], wanted)
    return answer(
        request, room, visit, "alerts.html", fragment="alerts_rows.html", wanted=wanted, page=page
    )


@router.post("/alerts/{alert_id}/acknowledge", dependencies=[OurForm])
def acknowledge(room: TheRoom, actor: AnActor, alert_id: int) -> RedirectResponse:
    """For alerts without a ticket; a ticket's alert is acknowledged with the ticket."""
    actions.acknowledge_alert(room.database, room.clock, alert_id, actor=actor.name)
    return RedirectResponse("/alerts", HTTPStatus.SEE_OTHER)
