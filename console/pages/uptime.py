"""Uptime of devices, sites, customers, and of what each engineer looks after."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.gate import SeesFleet
from console.history import SPANS
from console.pages.answer import answer
from console.room import TheRoom
from domain.errors import NotFoundError
from domain.text import N_
from kpi.uptime.downtimes import downtimes
from kpi.uptime.exclusions import EXCLUSION_TEXT
from kpi.uptime.figures import Uptime, uptime
from kpi.uptime.fleet import Scope
from kpi.uptime.reliability import reliability

router = APIRouter()

SCOPES: dict[Scope, str] = {
    Scope.CUSTOMER: N_("Customers"),
    Scope.SITE: N_("Sites"),
    Scope.ENGINEER: N_("Engineers"),
    Scope.REGION: N_("Regions"),
    Scope.MODEL: N_("Models of devices"),
    Scope.DEVICE: N_("Devices"),
    Scope.COMPONENT: N_("Components"),
    Scope.TEAM: N_("Teams"),
    Scope.FLEET: N_("Whole fleet"),
}
SHOWN = 500


Span = Literal["24h", "7d", "30d"]


@router.get("/uptime")
def uptime_page(
    request: Request,
    room: TheRoom,
    visit: SeesFleet,
    scope: Scope = Scope.CUSTOMER,
    span: Span = "7d",
) -> HTMLResponse:
    end = room.clock.now()
    with room.database.transaction() as conn:
        rows = uptime(conn, scope, end - SPANS[span], end)
    return answer(
        request,
        room,
        visit,
        "uptime.html",
        fragment="uptime_rows.html",
        rows=sorted(rows, key=_worst_first)[:SHOWN],
        total=len(rows),
        up=sum(row.up_s for row in rows),
        down=sum(row.down_s for row in rows),
        start=end - SPANS[span],
        scope=scope,
        scopes=SCOPES,
        span=span,
        spans=SPANS,
    )


@router.get("/uptime/{scope}")
def downtimes_page(
    request: Request,
    room: TheRoom,
    visit: SeesFleet,
    scope: Scope,
    key: Annotated[str, Query(max_length=200)],
    span: Span = "7d",
) -> HTMLResponse:
    """What the uptime of one device, site, customer, ... is made of."""
    end = room.clock.now()
    start = end - SPANS[span]
    with room.database.transaction() as conn:
        rows = downtimes(conn, scope, key, start, end)
        whole = next((row for row in uptime(conn, scope, start, end) if row.key == key), None)
    if whole is None:
        raise NotFoundError(f"there is no {scope} {key!r} with devices in this time")
    return answer(
        request,
        room,
        visit,
        "downtimes.html",
        rows=rows[::-1][:SHOWN],
        total=len(rows),
        whole=whole,
        means=reliability(whole.failures, whole.up_s, whole.down_s),
        exclusions=EXCLUSION_TEXT,
        start=start,
        scope=scope,
        scopes=SCOPES,
        key=key,
        span=span,
        spans=SPANS,
    )


def _worst_first(row: Uptime) -> tuple[float, str]:
    return (2.0 if row.ratio is None else row.ratio, row.name)
