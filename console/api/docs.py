"""The API's description: as OpenAPI for programs, as a page for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from console.room import AReader, TheRoom

router = APIRouter(include_in_schema=False)


@router.get("/api/openapi.json")
def openapi(request: Request, _: AReader) -> JSONResponse:
    return JSONResponse(_description(request))


@router.get("/api/docs")
def docs(request: Request, room: TheRoom, visit: AReader) -> HTMLResponse:
    described = _description(request)
    page = room.views.render("api.html", visit, paths=described["paths"], info=described["info"])
    return HTMLResponse(page)


def _description(request: Request) -> dict[str, Any]:
    return get_openapi(
        title="Forecall",
        version="1",
        description="Reads only. Log in at /login first; the session's cookie is the key.",
        routes=request.app.routes,
    )
