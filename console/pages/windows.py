"""Planned maintenance, and whatever else holds alerts back at present."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts.suppression import (
    Scope,
    add_window,
    cancel_window,
    out_of_service,
    return_to_service,
    shelves,
    take_out_of_service,
    windows,
)
from console.gate import HandlesAlerts, Plans, SeesFleet
from console.pages.answer import answer
from console.room import Room, TheRoom
from console.security import OurForm
from domain.errors import BadInputError, NotFoundError
from storage.queries import load

router = APIRouter()

Reason = Annotated[str, Form(max_length=500)]


@router.get("/windows")
def window_list(request: Request, room: TheRoom, visit: SeesFleet) -> HTMLResponse:
    now, queries = room.clock.now(), load("console")
    with room.database.transaction() as conn:
        return answer(
            request,
            room,
            visit,
            "windows.html",
            windows=windows(conn, now),
            shelves=shelves(conn, now),
            stopped=out_of_service(conn, now),
            sites=conn.execute(queries["sites"]).fetchall(),
            customers=conn.execute(queries["customers"]).fetchall(),
        )


@router.post("/windows", dependencies=[OurForm])
def plan(
    room: TheRoom,
    visit: Plans,
    what: Annotated[Literal["device", "site", "customer"], Form()],
    starts_at: Annotated[str, Form(max_length=32)],
    ends_at: Annotated[str, Form(max_length=32)],
    reason: Reason,
    device: Annotated[str, Form(max_length=255)] = "",
    site: Annotated[str, Form(max_length=128)] = "",
    customer: Annotated[str, Form(max_length=128)] = "",
) -> RedirectResponse:
    """The times are those of the reader's zone."""
    key = {"device": device, "site": site, "customer": customer}[what]
    add_window(
        room.database,
        room.clock,
        Scope(what, _id_of(room, what, key)),
        _moment("starts_at", starts_at, visit.zone),
        _moment("ends_at", ends_at, visit.zone),
        reason=reason,
        actor=visit.actor,
    )
    return _back()


@router.post("/windows/{window_id}/cancel", dependencies=[OurForm])
def call_off(room: TheRoom, visit: Plans, window_id: int) -> RedirectResponse:
    cancel_window(room.database, room.clock, window_id, actor=visit.actor)
    return _back()


@router.post("/devices/{key}/service", dependencies=[OurForm])
def service(
    room: TheRoom,
    visit: HandlesAlerts,
    key: str,
    out: Annotated[bool, Form()],
    reason: Reason = "",
) -> RedirectResponse:
    """Takes a device out of service, or returns it."""
    device = _id_of(room, "device", key)
    if out:
        take_out_of_service(room.database, room.clock, device, reason=reason, actor=visit.actor)
    else:
        return_to_service(room.database, room.clock, device, actor=visit.actor)
    return RedirectResponse(f"/devices/{quote(key, safe='')}", HTTPStatus.SEE_OTHER)


def _id_of(room: Room, what: str, key: str) -> int:
    with room.database.transaction() as conn:
        row = conn.execute(load("console")[f"{what}_id"], {"key": key}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no {what} {key!r}")
    return int(row["id"])


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise BadInputError(f"{field}: {text!r}; allowed: 2026-03-21T08:30") from error


def _back() -> RedirectResponse:
    return RedirectResponse("/windows", HTTPStatus.SEE_OTHER)
