"""In, out, and in which language."""

from __future__ import annotations

import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from console.accounts import Account, check_password, close_session, open_session, set_locale
from console.errors import TooManyAttemptsError
from console.i18n.catalogue import LANGUAGES
from console.room import (
    FORM_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    AVisit,
    Room,
    TheRoom,
    Visit,
)
from console.security import OurForm, keep_cookie
from domain.errors import BadInputError
from domain.text import N_

router = APIRouter()

_YEAR_S = 365 * 24 * 3600
_WRONG = N_("Name or password is wrong.")
_WAIT = N_("Too many attempts. Wait a few minutes, then try again.")


@router.get("/login")
def login_page(request: Request, room: TheRoom, visit: AVisit, next: str = "/") -> HTMLResponse:
    return _login_page(request, room, visit, next, "", HTTPStatus.OK)


@router.post("/login", dependencies=[OurForm], response_model=None)
def log_in(
    request: Request,
    room: TheRoom,
    visit: AVisit,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    next: Annotated[str, Form()] = "/",
) -> HTMLResponse | RedirectResponse:
    address = request.client.host if request.client else ""
    who = (f"name {name}", f"address {address}")
    try:
        room.limiter.check(*who)
    except TooManyAttemptsError:
        return _login_page(request, room, visit, next, _WAIT, HTTPStatus.TOO_MANY_REQUESTS)
    secret = _try_password(request, room, name, password)
    if secret is None:
        room.limiter.failed(*who)
        return _login_page(request, room, visit, next, _WRONG, HTTPStatus.UNAUTHORIZED)
    room.limiter.succeeded(*who)
    answer = RedirectResponse(_own_path(next), HTTPStatus.SEE_OTHER)
    keep_cookie(request, answer, SESSION_COOKIE, secret, None)
    return answer


@router.post("/logout", dependencies=[OurForm])
def log_out(request: Request, room: TheRoom) -> RedirectResponse:
    with room.database.transaction() as conn:
        close_session(conn, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.post("/language", dependencies=[OurForm])
def choose_language(
    request: Request,
    room: TheRoom,
    visit: AVisit,
    language: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",
) -> RedirectResponse:
    """Keeps the language with the account, and in a cookie for the next login page."""
    if language not in LANGUAGES:
        raise BadInputError(f"language: {language!r} is not one of {', '.join(LANGUAGES)}")
    if visit.account is not None:
        with room.database.transaction() as conn:
            set_locale(conn, visit.account, language)
    answer = RedirectResponse(_own_path(next), HTTPStatus.SEE_OTHER)
    keep_cookie(request, answer, LANGUAGE_COOKIE, language, _YEAR_S)
    return answer


def _login_page(
    request: Request, room: Room, visit: Visit, goal: str, problem: str, status: HTTPStatus
) -> HTMLResponse:
    token = visit.csrf_token or secrets.token_urlsafe(32)
    reader = replace(visit, account=None, csrf_token=token)
    page = room.views.render("login.html", reader, goal=goal, problem=problem)
    answer = HTMLResponse(page, status)
    if not visit.csrf_token:
        keep_cookie(request, answer, FORM_COOKIE, token, None)
    return answer


def _try_password(request: Request, room: Room, name: str, password: str) -> str | None:
    with room.database.transaction() as conn:
        account: Account | None = check_password(conn, name, password)
        if account is None:
            return None
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen in LANGUAGES:  # chosen on the login page: it stays
            set_locale(conn, account, chosen)
        return open_session(conn, account)


def _own_path(goal: str) -> str:
    """`goal` when it is a path of this console, else the overview: no way out to other sites."""
    inside = goal.startswith("/") and not goal.startswith("//") and "\\" not in goal
    return goal if inside and goal.isprintable() else "/"
