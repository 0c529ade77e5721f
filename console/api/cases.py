"""Alerts and tickets: read, reported, and worked on."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path

from console.api.paging import Cursor, Limit, Page, by_id
from console.api.shapes import (
    Alert,
    Assignment,
    KindOfFault,
    MoveWanted,
    NoteWanted,
    Report,
    Ticket,
    WhatWasFound,
)
from console.gate import Assigns, SeesFleet, SeesTickets, TakesCalls, WorksOnTickets
from console.pages.calls import id_of
from console.pages.ticket_acts import refuse_grade, refuse_move, refuse_others
from console.room import Room, TheRoom, Visit
from console.security import OurRequest
from desk import actions
from desk.calls import Call, Channel, take
from domain.errors import BadInputError, NotFoundError
from domain.fault import Classified, Found
from storage.queries import load

router = APIRouter(tags=["cases"])

TicketId = Annotated[int, Path(ge=1)]


@router.get("/alerts")
def alerts(
    room: TheRoom,
    _: SeesFleet,
    device: str | None = None,
    open: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Alert]:
    """From the newest back; `open=true`: only those that are not closed."""
    wanted = {"device": device, "open": open}
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_alerts"], Alert, wanted, cursor, limit)


@router.get("/tickets")
def tickets(
    room: TheRoom,
    visit: SeesTickets,
    device: str | None = None,
    state: str | None = None,
    origin: str | None = None,
    open: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Ticket]:
    """From the newest back; `open=true`: only those that are not closed."""
    wanted = {"device": device, "state": state, "origin": origin, "open": open}
    with room.database.transaction() as conn:
        return by_id(
            conn,
            load("console")["api_tickets"],
            Ticket,
            {**wanted, "id": None, "own": visit.own},
            cursor,
            limit,
        )


@router.post("/tickets", status_code=HTTPStatus.CREATED, dependencies=[OurRequest])
def report(room: TheRoom, visit: TakesCalls, wanted: Report) -> Ticket:
    """Reports a fault: opens its case, or adds the call to the one that is open already.

    The same `reference` again is the same report, and gives the same ticket.
    """
    call = Call(
        Channel.API,
        wanted.words,
        device_id=id_of(room, "device", wanted.device or ""),
        site_id=id_of(room, "site", wanted.site or ""),
        component=wanted.component,
        caller=wanted.caller,
        phone=wanted.phone,
        reference=wanted.reference,
    )
    return _ticket(room, None, take(room.database, room.clock, call, actor=visit.actor).id)


@router.get("/tickets/{ticket_id}")
def ticket(room: TheRoom, visit: SeesTickets, ticket_id: TicketId) -> Ticket:
    """One ticket as it is now."""
    return _ticket(room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/moves", dependencies=[OurRequest])
def move(room: TheRoom, visit: WorksOnTickets, ticket_id: TicketId, wanted: MoveWanted) -> Ticket:
    """Takes a move of the life cycle; 409 names those that the present state has."""
    refuse_others(room, visit, ticket_id)
    refuse_move(visit, wanted.name)
    actions.move(
        room.database,
        room.clock,
        ticket_id,
        wanted.name,
        actor=visit.actor,
        note=wanted.note,
        reason=wanted.reason,
        duplicate_of=wanted.duplicate_of,
        found=Found(wanted.finding, wanted.caused_by),
        version=wanted.version,
    )
    return _ticket(room, None, ticket_id)


@router.post("/tickets/{ticket_id}/found", dependencies=[OurRequest])
def found(
    room: TheRoom, visit: WorksOnTickets, ticket_id: TicketId, wanted: WhatWasFound
) -> Ticket:
    """Says what was found at the component; the last word counts."""
    refuse_others(room, visit, ticket_id)
    said = Found(wanted.finding, wanted.caused_by)
    actions.say_found(
        room.database,
        room.clock,
        ticket_id,
        said,
        actor=visit.actor,
        note=wanted.note,
        version=wanted.version,
    )
    return _ticket(room, None, ticket_id)


@router.post("/tickets/{ticket_id}/kind", dependencies=[OurRequest])
def classify(
    room: TheRoom, visit: WorksOnTickets, ticket_id: TicketId, wanted: KindOfFault
) -> Ticket:
    """Says what kind of fault it is; the promises of that kind count from then on."""
    refuse_others(room, visit, ticket_id)
    said = Classified(wanted.handling, wanted.grade)
    refuse_grade(visit, said)
    actions.classify(
        room.database,
        room.clock,
        ticket_id,
        said,
        actor=visit.actor,
        note=wanted.note,
        version=wanted.version,
    )
    return _ticket(room, None, ticket_id)


@router.post("/tickets/{ticket_id}/notes", dependencies=[OurRequest])
def note(room: TheRoom, visit: WorksOnTickets, ticket_id: TicketId, wanted: NoteWanted) -> Ticket:
    """Writes something into the ticket's history."""
    refuse_others(room, visit, ticket_id)
    actions.note(room.database, room.clock, ticket_id, wanted.text, actor=visit.actor)
    return _ticket(room, None, ticket_id)


@router.post("/tickets/{ticket_id}/assignment", dependencies=[OurRequest])
def assign(room: TheRoom, visit: Assigns, ticket_id: TicketId, wanted: Assignment) -> Ticket:
    """Hands the ticket to an engineer."""
    with room.database.transaction() as conn:
        row = conn.execute(load("people")["engineer_id"], {"key": wanted.engineer}).fetchone()
    if row is None:
        raise BadInputError(f"engineer: there is none with the key {wanted.engineer!r}")
    actions.assign(
        room.database,
        room.clock,
        ticket_id,
        row["id"],
        actor=visit.actor,
        version=wanted.version,
    )
    return _ticket(room, None, ticket_id)


def _ticket(room: Room, visit: Visit | None, ticket_id: int) -> Ticket:
    """`visit`: who may perhaps see their own alone; None: they have just acted on it."""
    wanted = dict.fromkeys(("device", "state", "origin", "open", "after"), None)
    one = {**wanted, "id": ticket_id, "own": visit.own if visit else None, "limit": 1}
    with room.database.transaction() as conn:
        row = conn.execute(load("console")["api_tickets"], one).fetchone()
    if row is None:
        raise NotFoundError(f"there is no ticket {ticket_id}")
    return Ticket.model_validate(row)
