"""Errors as answers: a page for people, JSON for programs."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.errors import LoginNeededError, NotPermittedError, TooManyAttemptsError
from console.room import Room, Visit, visitor_locale
from domain.errors import (
    BadInputError,
    ChangedMeanwhileError,
    ForecallError,
    NotAllowedError,
    NotFoundError,
    StoreUnavailableError,
)
from domain.text import N_

log = structlog.get_logger()

_STATUS: dict[type[ForecallError], tuple[HTTPStatus, str]] = {
    LoginNeededError: (HTTPStatus.UNAUTHORIZED, N_("Log in first.")),
    NotPermittedError: (HTTPStatus.FORBIDDEN, N_("This account may not do that.")),
    TooManyAttemptsError: (HTTPStatus.TOO_MANY_REQUESTS, N_("Too many attempts.")),
    NotFoundError: (HTTPStatus.NOT_FOUND, N_("There is nothing here.")),
    ChangedMeanwhileError: (
        HTTPStatus.CONFLICT,
        N_("Somebody else has changed this meanwhile. Look at it again, then decide."),
    ),
    NotAllowedError: (HTTPStatus.CONFLICT, N_("That is not possible in the present state.")),
    BadInputError: (HTTPStatus.BAD_REQUEST, N_("The input does not fit.")),
    StoreUnavailableError: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        N_("The database does not answer. Try again in a moment."),
    ),
}


def explain_errors(app: FastAPI) -> None:
    """Gives every error that a request can end in an answer of its own."""

    def explain(request: Request, error: Exception) -> Response:
        status, sentence = _kind(error)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            log.warning("console: no answer", path=request.url.path, reason=str(error))
        answer = _answer(request, status, sentence, _detail(error))
        if isinstance(error, TooManyAttemptsError):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer

    for kind in (ForecallError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, explain)


def _kind(error: Exception) -> tuple[HTTPStatus, str]:
    for kind, answer in _STATUS.items():
        if isinstance(error, kind):
            return answer
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        known = dict(_STATUS.values())
        return status, known.get(status, status.phrase)
    return _STATUS[BadInputError]


def _detail(error: Exception) -> str:
    if isinstance(error, RequestValidationError):
        return "; ".join(
            f"{'.'.join(map(str, issue['loc'][1:]))}: {issue['msg']}" for issue in error.errors()
        )
    return error.detail if isinstance(error, HTTPException) else str(error)


def _answer(request: Request, status: HTTPStatus, sentence: str, detail: str) -> Response:
    path = request.url.path
    if path.startswith(("/api/v1/", "/api/openapi", "/live")):
        return JSONResponse({"error": sentence, "detail": detail}, status)
    if status is HTTPStatus.UNAUTHORIZED:
        return _to_login(request)
    room: Room = request.app.state.room
    stranger = Visit(None, "", visitor_locale(request), ZoneInfo("UTC"))
    visit: Visit = getattr(request.state, "visit", stranger)  # none before the database answered
    page = room.views.render("problem.html", visit, status=status, sentence=sentence, detail=detail)
    return HTMLResponse(page, status)


def _to_login(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if "hx-request" in request.headers:  # a fragment: the whole page must go to the login
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": "/login"})
    return RedirectResponse(f"/login?next={quote(here)}", HTTPStatus.SEE_OTHER)
