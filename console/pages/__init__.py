"""Pages and fragments of pages. A request by htmx gets the fragment, any other the whole page."""

from __future__ import annotations

from fastapi import APIRouter

from console.pages import (
    alerts,
    attendance,
    audit,
    calls,
    codes,
    customer,
    devices,
    found,
    login,
    models,
    overview,
    parents,
    people,
    places,
    reports,
    review,
    review_acts,
    stream,
    ticket_acts,
    tickets,
    undelivered,
    uptime,
    windows,
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
    windows,
    parents,
    undelivered,
    calls,
    tickets,
    ticket_acts,
    attendance,
    uptime,
    models,
    reports,
    review,
    review_acts,
    audit,
    people,
    places,
    customer,
):
    router.include_router(part.router)
