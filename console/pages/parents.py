"""What devices hang on: routers, switches, segments, power feeds; declared, and proposed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts import parents
from alerts.correlation import declare_down, declare_up
from console.gate import Plans, SeesFleet
from console.pages.answer import answer
from console.room import TheRoom
from console.security import OurForm
from desk.cases import Cases

router = APIRouter()

Key = Annotated[str, Form(max_length=100)]
Kind = Annotated[str, Form(max_length=20)]
Name = Annotated[str, Form(max_length=200)]
Devices = Annotated[str, Form(max_length=400_000)]


@router.get("/parents")
def parent_list(request: Request, room: TheRoom, visit: SeesFleet) -> HTMLResponse:
    with room.database.transaction() as conn:
        return answer(
            request,
            room,
            visit,
            "parents.html",
            parents=parents.parents(conn),
            proposals=parents.proposals(conn),
            kinds=parents.KINDS,
        )


@router.post("/parents", dependencies=[OurForm])
def declare(
    room: TheRoom,
    visit: Plans,
    key: Key,
    kind: Kind,
    devices: Devices,
    name: Name = "",
    device: Annotated[str, Form(max_length=255)] = "",
) -> RedirectResponse:
    """These devices, and no others, hang on it: their keys, parted by spaces, commas or lines."""
    parents.declare(
        room.database,
        room.clock,
        key,
        kind,
        name.strip() or key,
        devices=devices.replace(",", " ").split(),
        device=device.strip() or None,
        actor=visit.actor,
    )
    return _back()


@router.post("/parents/remove", dependencies=[OurForm])
def remove(room: TheRoom, visit: Plans, key: Key) -> RedirectResponse:
    parents.remove(room.database, room.clock, key, actor=visit.actor)
    return _back()


@router.post("/parents/down", dependencies=[OurForm])
def down(
    room: TheRoom, visit: Plans, key: Key, reason: Annotated[str, Form(max_length=500)]
) -> RedirectResponse:
    """It is known to be down: one alert for all that hangs on it, at once."""
    desk = Cases(room.clock)
    declare_down(room.database, room.clock, desk, key, reason=reason, actor=visit.actor)
    return _back()


@router.post("/parents/up", dependencies=[OurForm])
def up(room: TheRoom, visit: Plans, key: Key) -> RedirectResponse:
    declare_up(room.database, room.clock, key, actor=visit.actor)
    return _back()


@router.post("/parents/proposals/{proposal_id}/accept", dependencies=[OurForm])
def accept(
    room: TheRoom, visit: Plans, proposal_id: int, key: Key, kind: Kind, name: Name = ""
) -> RedirectResponse:
    parents.accept(
        room.database,
        room.clock,
        proposal_id,
        key,
        kind,
        name.strip() or key,
        actor=visit.actor,
    )
    return _back()


@router.post("/parents/proposals/{proposal_id}/refuse", dependencies=[OurForm])
def refuse(room: TheRoom, visit: Plans, proposal_id: int) -> RedirectResponse:
    parents.refuse(room.database, room.clock, proposal_id, actor=visit.actor)
    return _back()


def _back() -> RedirectResponse:
    return RedirectResponse("/parents", HTTPStatus.SEE_OTHER)
