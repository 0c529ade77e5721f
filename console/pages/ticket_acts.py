"""What people do with a ticket: each form carries the version of the ticket that they saw."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from console.errors import NotPermittedError
from console.gate import Assigns, TakesCalls, WorksOnTickets
from console.pages.tickets import ticket_page
from console.roles import Right
from console.room import Room, TheRoom, Visit
from console.security import OurForm
from desk import actions
from desk.calls import digits_of, fault_called
from desk.identify import identify
from desk.lifecycle import CancelReason
from domain.errors import BadInputError, NotFoundError
from domain.fault import CausedBy, Classified, Finding, Found, Grade, Handling
from storage.queries import load

router = APIRouter()

SENDS_OUT = frozenset({"dispatch", "dispatch_at_once"})
"""Moves for those who assign engineers."""

Words = Annotated[str, Form(max_length=2000)]
Version = Annotated[int | None, Form(ge=1)]
WhatWasFound = Annotated[Finding | None, Form()]
WhatCausedIt = Annotated[CausedBy | None, Form()]


@router.post("/tickets/{ticket_id}/acknowledge", dependencies=[OurForm])
def acknowledge(
    request: Request,
    room: TheRoom,
    visit: WorksOnTickets,
    ticket_id: int,
    note: Words = "",
    version: Version = None,
) -> Response:
    refuse_others(room, visit, ticket_id)
    actions.acknowledge(
        room.database, room.clock, ticket_id, actor=visit.actor, note=note, version=version
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/assign", dependencies=[OurForm])
def assign(
    request: Request,
    room: TheRoom,
    visit: Assigns,
    ticket_id: int,
    engineer: Annotated[int, Form()],
    version: Version = None,
) -> Response:
    actions.assign(
        room.database, room.clock, ticket_id, engineer, actor=visit.actor, version=version
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/move", dependencies=[OurForm])
def move(
    request: Request,
    room: TheRoom,
    visit: WorksOnTickets,
    ticket_id: int,
    name: Annotated[str, Form(max_length=64)],
    note: Words = "",
    reason: Annotated[CancelReason | None, Form()] = None,
    duplicate_of: Annotated[str, Form(max_length=16)] = "",
    finding: WhatWasFound = None,
    caused_by: WhatCausedIt = None,
    version: Version = None,
) -> Response:
    """Takes a move of the life cycle; a reason counts only for a cancellation.

    `duplicate_of` is a ticket's number as people write it: #12.
    """
    refuse_others(room, visit, ticket_id)
    refuse_move(visit, name)
    actions.move(
        room.database,
        room.clock,
        ticket_id,
        name,
        actor=visit.actor,
        note=note,
        reason=reason if name == "cancel" else None,
        duplicate_of=_number(duplicate_of) if reason is CancelReason.DUPLICATE else None,
        found=Found(finding, caused_by),
        version=version,
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/found", dependencies=[OurForm])
def found(
    request: Request,
    room: TheRoom,
    visit: WorksOnTickets,
    ticket_id: int,
    finding: WhatWasFound = None,
    caused_by: WhatCausedIt = None,
    note: Words = "",
    version: Version = None,
) -> Response:
    """What the engineer found at the component: a label that models learn from."""
    refuse_others(room, visit, ticket_id)
    actions.say_found(
        room.database,
        room.clock,
        ticket_id,
        Found(finding, caused_by),
        actor=visit.actor,
        note=note,
        version=version,
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/classify", dependencies=[OurForm])
def classify(
    request: Request,
    room: TheRoom,
    visit: WorksOnTickets,
    ticket_id: int,
    handling: Annotated[Handling | None, Form()] = None,
    grade: Annotated[Grade | None, Form()] = None,
    note: Words = "",
    version: Version = None,
) -> Response:
    """What kind of fault it is, for the contract."""
    refuse_others(room, visit, ticket_id)
    said = Classified(handling, grade)
    refuse_grade(visit, said)
    actions.classify(
        room.database, room.clock, ticket_id, said, actor=visit.actor, note=note, version=version
    )
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/note", dependencies=[OurForm])
def note(
    request: Request, room: TheRoom, visit: WorksOnTickets, ticket_id: int, text: Words
) -> Response:
    refuse_others(room, visit, ticket_id)
    actions.note(room.database, room.clock, ticket_id, text, actor=visit.actor)
    return _done(request, room, visit, ticket_id)


@router.post("/tickets/{ticket_id}/identify", dependencies=[OurForm])
def identify_case(
    room: TheRoom,
    visit: TakesCalls,
    ticket_id: int,
    device: Annotated[str, Form(max_length=255)],
    component: Annotated[str, Form(max_length=64)] = "",
    version: Version = None,
) -> Response:
    """It is known now which device a call was about: on to the ticket that goes on."""
    with room.database.transaction() as conn:
        row = conn.execute(load("console")["device"], {"key": device}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no device {device!r}")
    fault = fault_called(row["id"], component or None)
    goes_on = identify(
        room.database, room.clock, ticket_id, fault, actor=visit.actor, version=version
    )
    return RedirectResponse(f"/tickets/{goes_on.id}", HTTPStatus.SEE_OTHER)


def refuse_others(room: Room, visit: Visit, ticket_id: int) -> None:
    """Raises NotFoundError where an engineer means a ticket that is not their own."""
    if visit.own is None:
        return
    with room.database.transaction() as conn:
        wanted = {"ticket_id": ticket_id, "own": visit.own}
        if conn.execute(load("console")["is_own_ticket"], wanted).fetchone() is None:
            raise NotFoundError(f"there is no ticket {ticket_id}")


def refuse_move(visit: Visit, name: str) -> None:
    """Raises NotPermittedError where somebody who may not assign sends an engineer out."""
    if name in SENDS_OUT and not visit.may(Right.ASSIGN):
        raise NotPermittedError(f"'{name}' needs the right to {Right.ASSIGN}")


def refuse_grade(visit: Visit, said: Classified) -> None:
    """Raises NotPermittedError where somebody who may not assign says how bad a fault is.

    It gives the work more time or less.
    """
    if said.grade is not None and not visit.may(Right.ASSIGN):
        raise NotPermittedError(f"to say how bad a fault is needs the right to {Right.ASSIGN}")


def _number(text: str) -> int | None:
    """A ticket's number as people write it. Raises BadInputError when there is none in it."""
    digits = digits_of(text)
    if text.strip() and not digits:
        raise BadInputError(f"duplicate_of: {text!r}; allowed: a ticket's number, such as 12")
    return int(digits) if digits else None


def _done(request: Request, room: Room, visit: Visit, ticket_id: int) -> Response:
    """After an action: the ticket as it is now."""
    if "hx-request" in request.headers:
        return ticket_page(request, room, visit, ticket_id)
    return RedirectResponse(f"/tickets/{ticket_id}", HTTPStatus.SEE_OTHER)
