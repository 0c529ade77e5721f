"""The list of alerts, and each alert's own page: what it is, why it is held back, and what was done."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts.correlation.evidence import Evidence
from alerts.lifecycle import AlertState, step
from alerts.suppression import shelve, unshelve, why_held
from console.gate import HandlesAlerts, SeesFleet
from console.pages.answer import answer
from console.pages.paging import ListFilter, Page, read_page
from console.room import Room, TheRoom
from console.security import OurForm
from desk import actions
from domain.errors import NotAllowedError, NotFoundError
from storage.database import Conn
from storage.queries import load

router = APIRouter()

SHELVES_H = (1, 8, 24, 168)
"""For how many hours an alert can be shelved."""


class AlertFilter(ListFilter):
    open: Literal["open", "closed", ""] = "open"
    state: str = ""
    severity: str = ""
    origin: str = ""
    batch: int | None = None


@router.get("/alerts")
def alerts(
    request: Request, room: TheRoom, visit: SeesFleet, wanted: Annotated[AlertFilter, Query()]
) -> HTMLResponse:
    with room.database.transaction() as conn:
        page, held = _listed(conn, room, wanted)
    return answer(
        request,
        room,
        visit,
        "alerts.html",
        fragment="alerts_rows.html",
        wanted=wanted,
        page=page,
        held=held,
    )


@router.get("/alerts/{alert_id}")
def alert(request: Request, room: TheRoom, visit: SeesFleet, alert_id: int) -> HTMLResponse:
    queries = load("console")
    with room.database.transaction() as conn:
        found = conn.execute(queries["alert"], {"alert_id": alert_id}).fetchone()
        if found is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        told = conn.execute(queries["alert_transitions"], {"alert_id": alert_id}).fetchall()
        members = AlertFilter(open="", batch=alert_id)
        page, held = _listed(conn, room, members)
        held |= why_held(conn, [alert_id], room.clock.now())
    return answer(
        request,
        room,
        visit,
        "alert.html",
        fragment="alert_now.html",
        alert=found,
        transitions=[(row, _label(row["name"], row["from_state"])) for row in told],
        evidence=Evidence.from_json(found["evidence"]).sentences() if found["evidence"] else [],
        held=held,
        page=page,
        wanted=members,
        shelves=SHELVES_H,
    )


@router.post("/alerts/{alert_id}/acknowledge", dependencies=[OurForm])
def acknowledge(room: TheRoom, visit: HandlesAlerts, alert_id: int) -> RedirectResponse:
    """For alerts without a ticket; a ticket's alert is acknowledged with the ticket."""
    actions.acknowledge_alert(room.database, room.clock, alert_id, actor=visit.actor)
    return _back(alert_id)


@router.post("/alerts/{alert_id}/shelve", dependencies=[OurForm])
def shelve_alert(
    room: TheRoom,
    visit: HandlesAlerts,
    alert_id: int,
    hours: Annotated[int, Form(ge=1, le=720)],
    reason: Annotated[str, Form(max_length=500)],
) -> RedirectResponse:
    """Its ticket and its messages are held back for a while; the watching goes on."""
    until = room.clock.now() + timedelta(hours=hours)
    shelve(room.database, room.clock, alert_id, until, reason=reason, actor=visit.actor)
    return _back(alert_id)


@router.post("/alerts/{alert_id}/unshelve", dependencies=[OurForm])
def unshelve_alert(room: TheRoom, visit: HandlesAlerts, alert_id: int) -> RedirectResponse:
    unshelve(room.database, room.clock, alert_id, actor=visit.actor)
    return _back(alert_id)


def _listed(conn: Conn, room: Room, wanted: AlertFilter) -> tuple[Page, dict[int, Any]]:
    """A page of alerts, and why those of them are held back that are."""
    page = read_page(conn, load("console")["alerts"], wanted)
    held = [row["id"] for row in page.rows if AlertState(row["state"]).held_back]
    return page, dict(why_held(conn, held, room.clock.now())) if held else {}


def _label(name: str, state: str) -> str:
    try:
        return step(name, AlertState(state)).label
    except (NotAllowedError, ValueError):  # of a version before this one
        return name


def _back(alert_id: int) -> RedirectResponse:
    return RedirectResponse(f"/alerts/{alert_id}", HTTPStatus.SEE_OTHER)
