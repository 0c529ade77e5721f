"""A page or its fragment, as asked for."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from console.room import Room, Visit


def answer(
    request: Request,
    room: Room,
    visit: Visit,
    template: str,
    /,
    *,
    fragment: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """Renders `fragment` for htmx, where there is one, and `template` for everybody else."""
    if fragment is not None and "hx-request" in request.headers:
        template = fragment
    content = room.views.render(template, visit, **values)
    return HTMLResponse(content, headers={"Vary": "HX-Request, Cookie"})
