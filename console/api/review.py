"""The staff's review, disputes about it, and calls avoided."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console.gate import Reviews, SeesReview
from console.pages.review_acts import about_what
from console.room import TheRoom
from console.security import OurRequest
from console.staff import month_of, own_key, shown
from kpi.avoided.draws import Report, read_report
from kpi.staff.disputes import MAX_WORDS, decide, disputes, raise_dispute
from kpi.staff.review import Review
from kpi.uptime.fleet import Scope

router = APIRouter(tags=["staff"])


class Month(BaseModel):
    month: date
    closed_version: int | None = Field(description="null: not closed, as things are known now.")
    review: Review = Field(description="Shares 0 to 1, times in hours; raw beside adjusted.")


class Dispute(BaseModel):
    id: int
    ticket_id: int | None
    device: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str
    raised_at: datetime
    raised_by: str
    decided_at: datetime | None
    decided_by: str | None
    accepted: bool | None = Field(description="null: nobody has decided yet.")
    answer: str | None


class NewDispute(BaseModel):
    """About a ticket, or a stretch of a device's downtime."""

    reason: str = Field(max_length=MAX_WORDS)
    ticket: int | None = None
    device: str = Field("", max_length=255)
    starts_at: str = Field("", max_length=40, description="ISO 8601.")
    ends_at: str = Field("", max_length=40, description="ISO 8601.")


class Raised(BaseModel):
    id: int


class Decision(BaseModel):
    accept: bool
    answer: str = Field(max_length=MAX_WORDS, description="What whoever raised it is told.")


@router.get("/review")
def review(
    room: TheRoom,
    visit: SeesReview,
    month: Annotated[str, Query(max_length=7, description="2026-03; this one if left out.")] = "",
    by: Scope = Scope.ENGINEER,
    version: Annotated[int | None, Query(ge=0, le=10_000)] = None,
) -> Month:
    """A month's figures; as it was closed, where it was. An engineer is told their own."""
    asked = month_of(month, room, visit.zone)
    with room.database.transaction() as conn:
        found = shown(conn, room, visit, asked, by, version)
    return Month(
        month=asked,
        closed_version=found.closed.version if found.closed else None,
        review=found.review,
    )


@router.get("/review/disputes")
def review_disputes(room: TheRoom, visit: SeesReview) -> list[Dispute]:
    """What was disputed, the newest first; an engineer's own."""
    with room.database.transaction() as conn:
        alone = own_key(conn, visit) is not None
        rows = disputes(conn, by=visit.actor if alone else None)
    return [Dispute(**row) for row in rows]


@router.post("/review/disputes", dependencies=[OurRequest], status_code=HTTPStatus.CREATED)
def dispute(room: TheRoom, visit: SeesReview, asked: NewDispute) -> Raised:
    """Says that something should not count; somebody else decides. An engineer disputes only what
    counts for them."""
    about = about_what(room, visit, asked.ticket, asked.device, asked.starts_at, asked.ends_at)
    with room.database.transaction() as conn:
        own = own_key(conn, visit)
    number = raise_dispute(
        room.database, room.clock, about, asked.reason, actor=visit.actor, own=own
    )
    return Raised(id=number)


@router.post("/review/disputes/{dispute_id}/decide", dependencies=[OurRequest])
def decide_dispute(room: TheRoom, visit: Reviews, dispute_id: int, asked: Decision) -> Raised:
    """Accepts or refuses a dispute that somebody else raised."""
    decide(
        room.database,
        room.clock,
        dispute_id,
        accepted=asked.accept,
        answer=asked.answer,
        actor=visit.actor,
    )
    return Raised(id=dispute_id)


@router.get("/review/avoided")
def review_avoided(
    room: TheRoom, _: Reviews, days: Annotated[int, Query(ge=1, le=3660)] = 365
) -> Report:
    """Failures that acting upon predictions avoided, as far as a hold-out lets it be known."""
    now = room.clock.now()
    with room.database.transaction() as conn:
        return read_report(conn, now - timedelta(days=days), now, now)
