"""What was promised for cases: the clocks that run on them, and whether they are covered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from console.api.paging import Cursor, Limit, Page, by_id
from console.api.shapes import Sentence
from console.gate import SeesTickets
from console.room import Room, TheRoom, Visit
from desk.sla.clocks import SlaClock
from desk.sla.reading import clocks_of
from domain.errors import NotFoundError
from storage.queries import load

router = APIRouter(tags=["cases"])


class Clock(BaseModel):
    name: str
    label: str = Field(description="In English.")
    plan: str = Field(description="The service plan under which it started.")
    calendar: str
    state: str = Field(description="running, met or breached.")
    hold: str | None = Field(
        description="Why it stands still: waiting_customer, waiting_part, closed; null: it runs."
    )
    started_at: datetime
    warn_at: datetime
    due_at: datetime = Field(description="Moves on while the case waits.")
    met_at: datetime | None
    target_s: float = Field(description="Working time.")
    used_s: float

    @staticmethod
    def of(clock: SlaClock) -> Clock:
        return Clock(
            name=clock.name,
            label=clock.label,
            plan=clock.plan,
            calendar=clock.calendar.name,
            state=clock.state,
            hold=clock.hold,
            started_at=clock.started_at,
            warn_at=clock.warn_at,
            due_at=clock.due_at,
            met_at=clock.met_at,
            target_s=clock.target.total_seconds(),
            used_s=clock.used.total_seconds(),
        )


class Coverage(BaseModel):
    verdict: str = Field(description="covered, billable, or each: decided device by device.")
    why: Sentence
    more: list[Sentence] = Field(description="Who pays for the way there; support that is free.")


class Promises(BaseModel):
    """Of one ticket."""

    id: int = Field(description="Of the ticket.")
    coverage: Coverage | None = Field(description="As its first event says; null: of an old one.")
    clocks: list[Clock] = []


@router.get("/promises")
def promises(
    room: TheRoom,
    visit: SeesTickets,
    open: bool | None = True,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Promises]:
    """Of tickets from the newest back; those that are not closed, unless something else is asked."""
    return _read(room, visit, {"open": open}, cursor, limit)


@router.get("/tickets/{ticket_id}/promises")
def of_ticket(room: TheRoom, visit: SeesTickets, ticket_id: Annotated[int, Path(ge=1)]) -> Promises:
    """Of one ticket."""
    page = _read(room, visit, {"id": ticket_id}, None, 1)
    if not page.items:
        raise NotFoundError(f"there is no ticket {ticket_id}")
    return page.items[0]


def _read(
    room: Room, visit: Visit, which: dict[str, Any], cursor: str | None, limit: int
) -> Page[Promises]:
    wanted = {"id": None, "open": None, **which, "own": visit.own}
    with room.database.transaction() as conn:
        page = by_id(conn, load("console")["api_promises"], Promises, wanted, cursor, limit)
        found = clocks_of(conn, [item.id for item in page.items], room.clock.now())
    for item in page.items:
        item.clocks = [Clock.of(clock) for clock in found[item.id]]
    return page
