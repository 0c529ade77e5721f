"""The API's description: as OpenAPI for programs, as a page for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from console.gate import SomebodyIn
from console.room import TheRoom

router = APIRouter(include_in_schema=False)


@router.get("/api/openapi.json")
def openapi(request: Request, _: SomebodyIn) -> JSONResponse:
    return JSONResponse(_description(request))


@router.get("/api/docs")
def docs(request: Request, room: TheRoom, visit: SomebodyIn) -> HTMLResponse:
    described = _description(request)
    page = room.views.render("api.html", visit, paths=described["paths"], info=described["info"])
    return HTMLResponse(page)


def _description(request: Request) -> dict[str, Any]:
    return get_openapi(
        title="Forecall",
        version="1",
        description="Send `Authorization: Bearer` and a token, which an administrator makes; a browser "
        "that is logged in sends its cookie, and X-CSRF-Token with what changes something.",
        routes=request.app.routes,
    )
