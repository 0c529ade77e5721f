"""Punches by site and period, what may be missing of them, and the file for payroll."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.api.attendance import period
from console.api.paging import by_place, place_after
from console.api.shapes import Punch
from console.gate import ReadsAttendance
from console.pages.answer import answer
from console.pages.paging import PAGE_LENGTH
from console.room import TheRoom
from domain.attendance import PUNCH_WORDS, STATUS_WORDS
from pipeline.attendance_export import PLACE, Wanted, note_reading, read_page
from pipeline.attendance_gaps import GAP_TEXT, Gap, find_gaps
from storage.queries import load

router = APIRouter()

GAPS_SHOWN = 50


@router.get("/attendance")
def attendance(
    request: Request,
    room: TheRoom,
    visit: ReadsAttendance,
    site: Annotated[str, Query(max_length=100)] = "",
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    after: Annotated[str | None, Query(max_length=400)] = None,
) -> HTMLResponse:
    wanted = period(room, site or None, None, first, last)
    with room.database.transaction() as conn:
        rows = read_page(conn, wanted, place_after(after, PLACE), PAGE_LENGTH + 1)
        found = find_gaps(conn, wanted, room.clock.now())
        sites = conn.execute(load("console")["sites"]).fetchall()
        if after is None:
            note_reading(conn, visit.actor, wanted, "page")
    page = by_place(rows, Punch, PLACE, PAGE_LENGTH)
    return answer(
        request,
        room,
        visit,
        "attendance.html",
        fragment="attendance_rows.html",
        wanted=wanted,
        sites=sites,
        names={row["key"]: row["name"] for row in sites},
        page=page,
        query=_query(wanted),
        later=_query(wanted, after=page.next) if page.next else None,
        **_shown(found),
    )


def _shown(found: Sequence[Gap]) -> dict[str, Any]:
    return {
        "gaps": found[:GAPS_SHOWN],
        "gaps_found": len(found),
        "GAP_TEXT": GAP_TEXT,
        "STATUS_WORDS": STATUS_WORDS,
        "PUNCH_WORDS": PUNCH_WORDS,
    }


def _query(wanted: Wanted, **more: str) -> str:
    said = {"site": wanted.site or "", "from": wanted.first, "to": wanted.last, **more}
    return urlencode({name: value for name, value in said.items() if value})
