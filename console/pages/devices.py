"""The list of devices, and each device's own page."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from alerts.suppression import out_of_service
from console import links
from console.gate import Administers, Adopts, SeesDevices
from console.history import SPANS, segments
from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.pages.tickets import TicketFilter
from console.room import Room, TheRoom, Visit
from console.security import OurForm
from console.series import PROBABILITY, choices, read_series
from desk.retiring import retire
from domain.errors import NotFoundError
from pipeline.devices.fleet import adopt
from storage.database import Conn, Row
from storage.queries import load

router = APIRouter()

_EVENTS_SHOWN = 40
_EVENTS_BACK = timedelta(days=30)
_PREDICTIONS_BACK = timedelta(days=3)

Span = Literal["24h", "7d", "30d"]


class DeviceFilter(ListFilter):
    state: str = ""
    kind: str = ""
    customer: str = ""
    site: str = ""
    sort: Literal["key", "state", "since", "site", "model", "seen"] = "key"


@router.get("/devices")
def devices(
    request: Request, room: TheRoom, visit: SeesDevices, wanted: Annotated[DeviceFilter, Query()]
) -> HTMLResponse:
    queries = load("console")
    with room.database.transaction() as conn:
        values = {
            "page": read_page(conn, queries["devices"], wanted),
            "customers": conn.execute(queries["customers"]).fetchall(),
            "sites": _sites(conn),
            "kinds": [row["kind"] for row in conn.execute(queries["kinds"])],
        }
    return answer(
        request,
        room,
        visit,
        "devices.html",
        fragment="devices_rows.html",
        wanted=wanted,
        **values,
    )


@router.get("/devices/{key}")
def device(
    request: Request,
    room: TheRoom,
    visit: SeesDevices,
    key: str,
    span: Span = "7d",
    part: Literal["now", "log"] = "now",
) -> HTMLResponse:
    with room.database.transaction() as conn:
        found = _device(conn, key)
        values = _history(room, conn, visit, found, span)
        values["stopped"] = found["id"] in {
            each.scope.id for each in out_of_service(conn, room.clock.now())
        }
        values["links"] = links.links(conn, found["id"]) if visit.may("links") else []
        values["sites"] = [] if found["adopted_at"] else _sites(conn)
        values["metrics"] = choices(conn, found["id"], room.clock.now() - SPANS["30d"])
    return answer(
        request,
        room,
        visit,
        "device.html",
        fragment=f"device_{part}.html",
        device=found,
        span=span,
        spans=SPANS,
        probability=PROBABILITY,
        **values,
    )


@router.get("/devices/{key}/series")
def series(room: TheRoom, _: SeesDevices, key: str, metric: str, span: Span = "7d") -> JSONResponse:
    """What the chart draws: see `console.series`."""
    with room.database.transaction() as conn:
        found = _device(conn, key)
        drawn = read_series(conn, found["id"], metric, room.clock.now() - SPANS[span])
    return JSONResponse(drawn.to_json())


@router.post("/devices/{key}/adopt", dependencies=[OurForm])
def adopt_device(
    room: TheRoom, visit: Adopts, key: str, site: Annotated[str, Form(max_length=128)] = ""
) -> RedirectResponse:
    with room.database.transaction() as conn:
        adopt(conn, room.clock, key, actor=visit.actor, site=site or None)
    return RedirectResponse(f"/devices/{quote(key, safe='')}", HTTPStatus.SEE_OTHER)


@router.post("/devices/{key}/retire", dependencies=[OurForm])
def retire_device(
    room: TheRoom, visit: Administers, key: str, reason: Annotated[str, Form(max_length=500)] = ""
) -> RedirectResponse:
    """Out of the fleet, with all that is open of it."""
    retire(room.database, room.clock, key, actor=visit.actor, reason=reason.strip())
    return RedirectResponse(f"/devices/{quote(key, safe='')}", HTTPStatus.SEE_OTHER)


def _device(conn: Conn, key: str) -> Row:
    found = conn.execute(load("console")["device"], {"key": key}).fetchone()
    if found is None:
        raise NotFoundError(f"there is no device {key!r}")
    return found


def _sites(conn: Conn) -> list[Row]:
    return conn.execute(load("console")["sites"]).fetchall()


def _history(room: Room, conn: Conn, visit: Visit, device: Row, span: Span) -> dict[str, object]:
    queries, now = load("console"), room.clock.now()
    of_it = {"device_id": device["id"], "limit": _EVENTS_SHOWN}
    start = now - SPANS[span]
    transitions = conn.execute(queries["device_transitions"], of_it | {"start": start}).fetchall()
    since = {"start": now - _EVENTS_BACK}
    return {
        "segments": segments(transitions, device["state"], start, now),
        "transitions": transitions[::-1][:_EVENTS_SHOWN],
        "events": conn.execute(queries["device_events"], of_it | since).fetchall(),
        "predictions": conn.execute(
            queries["device_predictions"], of_it | {"start": now - _PREDICTIONS_BACK, "now": now}
        ).fetchall(),
        "supplies": conn.execute(queries["device_supplies"], of_it).fetchall(),
        "tickets": read_page(
            conn,
            queries["tickets"],
            TicketFilter(device=device["key"], open=""),
            {"own": visit.own},
        ).rows,
    }
