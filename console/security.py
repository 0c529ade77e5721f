"""Headers that tell the browser what it may do, and the check that a form is ours."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, Form, Header, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.errors import NotPermittedError
from console.room import AVisit, Visit

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds the headers to every answer that does not set its own; caches keep no pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def our_form(
    request: Request,
    visit: AVisit,
    csrf: Annotated[str, Form()] = "",
    x_csrf_token: Annotated[str, Header()] = "",
) -> None:
    """Raises NotPermittedError unless the request carries the visit's token and comes from here."""
    _check(request, visit, csrf or x_csrf_token)


def our_request(
    request: Request, visit: AVisit, x_csrf_token: Annotated[str, Header()] = ""
) -> None:
    """`our_form` for the API, whose bodies are JSON.

    A program's own key is proof enough: no other site can make a browser send it.
    """
    if not visit.by_token:
        _check(request, visit, x_csrf_token)


def _check(request: Request, visit: Visit, given: str) -> None:
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise NotPermittedError("the form came from another site")
    known = visit.csrf_token.encode()
    if not known or not secrets.compare_digest(given.encode(), known):
        raise NotPermittedError("the form has expired; load the page again")


OurRequest = Depends(our_request)
OurForm = Depends(our_form)


def keep_cookie(
    request: Request,
    answer: Response,
    name: str,
    value: str,
    max_age: int | None,
) -> None:
    """Gives the browser a cookie that scripts can't read; `max_age` in seconds, None: till it ends."""
    answer.set_cookie(
        name,
        value,
        max_age=max_age,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
