"""Pages and fragments of pages. A request by htmx gets the fragment, any other the whole page."""

from __future__ import annotations

from fastapi import APIRouter

from console.pages import (
    alerts,
    attendance,
    audit,
    codes,
    devices,
    found,
    login,
    models,
    overview,
    stream,
    tickets,
    uptime,
)

router = APIRouter(include_in_schema=False)
for part in (
    login,
    overview,
    stream,
    devices,
    found,
    codes,
    alerts,
    tickets,
    attendance,
    uptime,
    models,
    audit,
):
    router.include_router(part.router)
