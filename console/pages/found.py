"""Devices that were heard of and belong to nobody yet, and the form that takes them in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.gate import Adopts, SeesFleet
from console.pages.answer import answer
from console.pages.paging import PAGE_LENGTH, ListFilter, read_page
from console.room import TheRoom
from console.security import OurForm
from pipeline.devices.fields import MAX_TEXT
from pipeline.devices.fleet import adopt
from storage.queries import load

router = APIRouter()


@router.get("/found")
def found(
    request: Request, room: TheRoom, visit: SeesFleet, wanted: Annotated[ListFilter, Query()]
) -> HTMLResponse:
    with room.database.transaction() as conn:
        page = read_page(conn, load("devices")["found"], wanted)
        sites = conn.execute(load("console")["sites"]).fetchall()
    return answer(
        request,
        room,
        visit,
        "found.html",
        fragment="found_rows.html",
        wanted=wanted,
        page=page,
        sites=sites,
    )


@router.post("/found/adopt", dependencies=[OurForm])
def adopt_found(
    room: TheRoom,
    visit: Adopts,
    key: Annotated[list[str], Form(min_length=1, max_length=PAGE_LENGTH)],
    site: Annotated[str, Form(max_length=MAX_TEXT)] = "",
    kind: Annotated[Literal["clock", "pos", "kiosk", ""], Form()] = "",
    model: Annotated[str, Form(max_length=MAX_TEXT)] = "",
) -> RedirectResponse:
    """All that are chosen, or none: somebody else may have adopted one meanwhile."""
    with room.database.transaction() as conn:
        for one in key:
            adopt(
                conn,
                room.clock,
                one,
                actor=visit.actor,
                site=site or None,
                kind=kind or None,
                model=model.strip() or None,
            )
    return RedirectResponse("/found", HTTPStatus.SEE_OTHER)
