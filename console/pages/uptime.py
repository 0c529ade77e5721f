"""Uptime of devices, sites, customers, and of what each engineer looks after."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from console.gate import SeesFleet
from console.history import SPANS
from console.pages.answer import answer
from console.room import TheRoom
from domain.text import N_
from kpi.uptime.figures import Uptime, uptime
from kpi.uptime.fleet import Scope

router = APIRouter()

SCOPES: dict[Scope, str] = {
    Scope.CUSTOMER: N_("Customers"),
    Scope.SITE: N_("Sites"),
    Scope.ENGINEER: N_("Engineers"),
    Scope.DEVICE: N_("Devices"),
}
SHOWN = 500


@router.get("/uptime")
def uptime_page(
    request: Request,
    room: TheRoom,
    visit: SeesFleet,
    scope: Scope = Scope.CUSTOMER,
    span: Literal["24h", "7d", "30d"] = "7d",
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


def _worst_first(row: Uptime) -> tuple[float, str]:
    return (2.0 if row.ratio is None else row.ratio, row.name)
