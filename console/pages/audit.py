"""Who did what, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.gate import SeesAudit
from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import TheRoom
from storage.queries import load

router = APIRouter()


class AuditFilter(ListFilter):
    action: Annotated[str, Query(max_length=100)] = ""


@router.get("/audit")
def audit(
    request: Request, room: TheRoom, visit: SeesAudit, wanted: Annotated[AuditFilter, Query()]
) -> HTMLResponse:
    queries = load("console")
    with room.database.transaction() as conn:
        page = read_page(conn, queries["audit_entries"], wanted)
        actions = [row["action"] for row in conn.execute(queries["audit_actions"])]
    return answer(
        request,
        room,
        visit,
        "audit.html",
        fragment="audit_rows.html",
        wanted=wanted,
        page=page,
        actions=actions,
    )
