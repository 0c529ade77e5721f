"""Customers, sites and engineers, for administrators."""

from __future__ import annotations

from datetime import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.gate import Administers
from console.pages.answer import answer
from console.room import Room, TheRoom, Visit
from console.security import OurForm
from desk import places
from desk.places import CustomerFacts, EngineerFacts, SiteFacts
from domain.errors import BadInputError

router = APIRouter()

Short = Annotated[str, Form(max_length=200)]
Flag = Annotated[bool, Form()]
Version = Annotated[int | None, Form(ge=1)]


@router.get("/administration/customers")
def customers(request: Request, room: TheRoom, visit: Administers) -> HTMLResponse:
    return _page(request, room, visit, "customer")


@router.get("/administration/sites")
def sites(request: Request, room: TheRoom, visit: Administers) -> HTMLResponse:
    return _page(request, room, visit, "site")


@router.get("/administration/engineers")
def engineers(request: Request, room: TheRoom, visit: Administers) -> HTMLResponse:
    return _page(request, room, visit, "engineer")


@router.post("/administration/customers", dependencies=[OurForm])
def save_customer(
    room: TheRoom,
    visit: Administers,
    key: Short,
    name: Short,
    disabled: Flag = False,
    version: Version = None,
) -> RedirectResponse:
    facts = CustomerFacts(key, name, disabled)
    places.save_customer(room.database, room.clock, facts, version=version, actor=visit.actor)
    return _back("customers")


@router.post("/administration/sites", dependencies=[OurForm])
def save_site(
    room: TheRoom,
    visit: Administers,
    key: Short,
    name: Short,
    customer: Short,
    city: Short = "",
    region_class: Short = "urban",
    time_zone: Short = "UTC",
    engineer: Short = "",
    phone: Short = "",
    disabled: Flag = False,
    version: Version = None,
) -> RedirectResponse:
    facts = SiteFacts(key, name, customer, city, region_class, time_zone, engineer, phone, disabled)
    places.save_site(room.database, room.clock, facts, version=version, actor=visit.actor)
    return _back("sites")


@router.post("/administration/engineers", dependencies=[OurForm])
def save_engineer(
    room: TheRoom,
    visit: Administers,
    key: Short,
    name: Short,
    region: Short = "",
    skills: Annotated[list[str] | None, Form()] = None,
    shift_days: Annotated[list[int] | None, Form()] = None,
    shift_from: Short = "",
    shift_until: Short = "",
    time_zone: Short = "UTC",
    reports_to: Short = "",
    disabled: Flag = False,
    version: Version = None,
) -> RedirectResponse:
    facts = EngineerFacts(
        key,
        name,
        region,
        tuple(skills or ()),
        tuple(shift_days or ()),
        _time("shift_from", shift_from),
        _time("shift_until", shift_until),
        time_zone,
        reports_to,
        disabled,
    )
    places.save_engineer(room.database, room.clock, facts, version=version, actor=visit.actor)
    return _back("engineers")


def _page(request: Request, room: Room, visit: Visit, what: str) -> HTMLResponse:
    with room.database.transaction() as conn:
        rows = places.listed(conn, what)
        customers = places.listed(conn, "customer") if what == "site" else []
        engineers = places.listed(conn, "engineer") if what != "customer" else []
    return answer(
        request,
        room,
        visit,
        f"{what}s.html",
        rows=rows,
        customers=customers,
        engineers=engineers,
        skills=places.SKILLS,
    )


def _time(field: str, text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInputError(f"{field}: {text!r}; allowed: a time such as 08:30") from error


def _back(page: str) -> RedirectResponse:
    return RedirectResponse(f"/administration/{page}", HTTPStatus.SEE_OTHER)
