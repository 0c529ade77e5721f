"""Accounts and keys of programs, for administrators."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console import people, tokens
from console.gate import Administers
from console.pages.answer import answer
from console.roles import ROLE_HELP, Role, Scope
from console.room import Room, TheRoom, Visit
from console.security import OurForm
from storage.queries import load

router = APIRouter()

Name = Annotated[str, Form(max_length=64)]
Password = Annotated[str, Form(max_length=256)]
Key = Annotated[str, Form(max_length=128)]


@router.get("/administration")
def administration(visit: Administers) -> RedirectResponse:
    return RedirectResponse("/administration/accounts", HTTPStatus.SEE_OTHER)


@router.get("/administration/accounts")
def accounts(request: Request, room: TheRoom, visit: Administers) -> HTMLResponse:
    with room.database.transaction() as conn:
        rows = people.accounts(conn)
        engineers = conn.execute(load("console")["engineers"]).fetchall()
    return answer(
        request,
        room,
        visit,
        "accounts.html",
        rows=rows,
        engineers=engineers,
        roles=Role,
        help=ROLE_HELP,
    )


@router.post("/administration/accounts", dependencies=[OurForm])
def add_account(
    room: TheRoom,
    visit: Administers,
    name: Name,
    password: Password,
    role: Name,
    engineer: Key = "",
) -> RedirectResponse:
    with room.database.transaction() as conn:
        people.add_account(conn, name, password, role, engineer, actor=visit.actor)
    return _back("accounts")


@router.post("/administration/accounts/{account_id}", dependencies=[OurForm])
def change_account(
    room: TheRoom,
    visit: Administers,
    account_id: int,
    role: Name,
    version: Annotated[int, Form()],
    engineer: Key = "",
    disabled: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    with room.database.transaction() as conn:
        people.change_account(
            conn,
            account_id,
            role,
            engineer,
            disabled=disabled,
            version=version,
            actor=visit.actor,
        )
    return _back("accounts")


@router.post("/administration/accounts/{account_id}/password", dependencies=[OurForm])
def give_password(
    room: TheRoom, visit: Administers, account_id: int, password: Password
) -> RedirectResponse:
    with room.database.transaction() as conn:
        people.give_password(conn, account_id, password, actor=visit.actor)
    return _back("accounts")


@router.get("/administration/tokens")
def token_list(request: Request, room: TheRoom, visit: Administers) -> HTMLResponse:
    return _tokens_page(request, room, visit, made="")


@router.post("/administration/tokens", dependencies=[OurForm])
def make_token(
    request: Request,
    room: TheRoom,
    visit: Administers,
    name: Name,
    days: Annotated[int, Form()],
    scope: Annotated[list[str] | None, Form()] = None,
) -> HTMLResponse:
    """The answer shows the key, once; so it is no redirection."""
    with room.database.transaction() as conn:
        key = tokens.make_token(conn, name, scope or [], days, actor=visit.actor)
    return _tokens_page(request, room, visit, made=key)


@router.post("/administration/tokens/{name}/revoke", dependencies=[OurForm])
def revoke_token(room: TheRoom, visit: Administers, name: str) -> RedirectResponse:
    with room.database.transaction() as conn:
        tokens.revoke_token(conn, name, actor=visit.actor)
    return _back("tokens")


def _tokens_page(request: Request, room: Room, visit: Visit, made: str) -> HTMLResponse:
    with room.database.transaction() as conn:
        rows = tokens.tokens(conn)
    visit = replace(visit, here="/administration/tokens")  # also of the form's answer
    return answer(request, room, visit, "tokens.html", rows=rows, scopes=Scope, made=made)


def _back(page: str) -> RedirectResponse:
    return RedirectResponse(f"/administration/{page}", HTTPStatus.SEE_OTHER)
