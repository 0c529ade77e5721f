"""What people do about the staff's review: close a month, dispute, decide, hold predictions out."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from console.gate import Reviews, SeesReview
from console.room import Room, TheRoom, Visit
from console.security import OurForm
from console.staff import month_of, own_key
from domain.errors import BadInputError, NotFoundError
from kpi.avoided.draws import set_hold_out
from kpi.staff.disputes import MAX_WORDS, Downtime, decide, raise_dispute
from kpi.staff.months import close_month
from storage.queries import load

router = APIRouter()

Words = Annotated[str, Form(max_length=MAX_WORDS)]
Moment = Annotated[str, Form(max_length=32)]


@router.post("/review/close", dependencies=[OurForm])
def close(
    room: TheRoom,
    visit: Reviews,
    month: Annotated[str, Form(max_length=7)],
    reason: Words = "",
) -> RedirectResponse:
    """Freezes a month of the reader's zone."""
    asked = month_of(month, room, visit.zone)
    close_month(room.database, room.clock, asked, visit.zone, actor=visit.actor, reason=reason)
    return _to(f"/review?month={asked:%Y-%m}")


@router.post("/review/disputes", dependencies=[OurForm])
def dispute(
    room: TheRoom,
    visit: SeesReview,
    reason: Words,
    ticket: Annotated[int | None, Form()] = None,
    device: Annotated[str, Form(max_length=255)] = "",
    starts_at: Moment = "",
    ends_at: Moment = "",
) -> RedirectResponse:
    """About a ticket, or a stretch of a device's downtime in the reader's zone."""
    about = about_what(room, visit, ticket, device, starts_at, ends_at)
    with room.database.transaction() as conn:
        own = own_key(conn, visit)
    raise_dispute(room.database, room.clock, about, reason, actor=visit.actor, own=own)
    return _to("/review/disputes")


@router.post("/review/disputes/{dispute_id}/decide", dependencies=[OurForm])
def decide_dispute(
    room: TheRoom,
    visit: Reviews,
    dispute_id: int,
    accept: Annotated[bool, Form()],
    answer: Words,
) -> RedirectResponse:
    decide(room.database, room.clock, dispute_id, accepted=accept, answer=answer, actor=visit.actor)
    return _to("/review/disputes")


@router.post("/review/hold-out", dependencies=[OurForm])
def hold_out(
    room: TheRoom,
    visit: Reviews,
    percent: Annotated[float, Form()],
    below: Annotated[float, Form()],
    spared: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """Percentages; `spared`: words with spaces between."""
    set_hold_out(
        room.database,
        room.clock,
        share=percent / 100,
        below=below / 100,
        spared=spared.split(),
        actor=visit.actor,
    )
    return _to("/review/avoided")


def about_what(
    room: Room, visit: Visit, ticket: int | None, device: str, starts_at: str, ends_at: str
) -> int | Downtime:
    """What a dispute is about. Raises BadInputError where neither is named or a moment is none,
    NotFoundError where there is no such device."""
    if ticket is not None and not device:
        return ticket
    if not device or ticket is not None:
        raise BadInputError("ticket: name either a ticket, or a device with from and to")
    with room.database.transaction() as conn:
        row = conn.execute(load("kpi")["device_of_key"], {"key": device}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no device {device!r}")
    since, until = (
        _moment(name, text, visit.zone)
        for name, text in (("starts_at", starts_at), ("ends_at", ends_at))
    )
    return Downtime(row["id"], since, until)


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{field}: {text!r}; allowed: 2026-03-21T08:30") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
