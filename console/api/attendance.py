"""Attendance records: for payroll, and for whoever must know that none is missing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from console.api.paging import Cursor, Limit, Page, by_place, place_after
from console.api.shapes import AttendanceGap, Punch
from console.gate import ReadsAttendance
from console.room import Room, TheRoom
from pipeline.attendance_export import PLACE, Wanted, csv_lines, note_reading, read_page
from pipeline.attendance_gaps import find_gaps

router = APIRouter(tags=["attendance"])

_CSV = "text/csv"
_USUAL = timedelta(days=6)

First = Annotated[
    date | None,
    Query(alias="from", description="First day by the clocks' calendars; a week if left out."),
]
Last = Annotated[
    date | None, Query(alias="to", description="Last day, which is counted; today if left out.")
]


@router.get("/attendance", response_model=Page[Punch], responses={200: {"content": {_CSV: {}}}})
def attendance(
    request: Request,
    room: TheRoom,
    visit: ReadsAttendance,
    site: str | None = None,
    device: str | None = None,
    start: First = None,
    end: Last = None,
    form: Annotated[Literal["json", "csv"] | None, Query(alias="format")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Punch] | StreamingResponse:
    """Punches of a period, oldest first: pages of JSON, or all of them as CSV (`format=csv`, or
    `Accept: text/csv`). For operators and above; each reading is in the audit."""
    wanted = period(room, site, device, start, end)
    as_csv = form == "csv" or (form is None and _CSV in request.headers.get("accept", ""))
    with room.database.transaction() as conn:
        rows = [] if as_csv else read_page(conn, wanted, place_after(cursor, PLACE), limit + 1)
        wanted.to_sql(conn)  # what is not there is said before an answer is begun
        if cursor is None:
            note_reading(conn, visit.actor, wanted, "csv" if as_csv else "json")
    if not as_csv:
        return by_place(rows, Punch, PLACE, limit)
    name = f"attendance-{wanted.first}-{wanted.last}.csv"
    return StreamingResponse(
        csv_lines(room.database, wanted),
        media_type=f"{_CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/attendance/gaps")
def gaps(
    room: TheRoom,
    _: ReadsAttendance,
    site: str | None = None,
    device: str | None = None,
    start: First = None,
    end: Last = None,
) -> list[AttendanceGap]:
    """Where punches may be missing, and how that is known."""
    wanted = period(room, site, device, start, end)
    with room.database.transaction() as conn:
        found = find_gaps(conn, wanted, room.clock.now())
    return [
        AttendanceGap(
            device=gap.device,
            serial=gap.serial,
            site=gap.site,
            kind=gap.kind.value,
            day=gap.day,
            since=gap.since,
            count=gap.count,
        )
        for gap in found
    ]


def period(
    room: Room, site: str | None, device: str | None, first: date | None, last: date | None
) -> Wanted:
    """What is asked for; the last week if no days are named."""
    until = last or max(first or date.min, room.clock.now().date())
    return Wanted(first or until - _USUAL, until, site or None, device or None)
