"""Codes of parts that no table knows: the operator asks the maker, or has a row added."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.gate import SeesFleet
from console.pages.answer import answer
from console.pages.paging import ListFilter, read_page
from console.room import TheRoom
from storage.queries import load

router = APIRouter()


class CodeFilter(ListFilter):
    dialect: Annotated[str, Query(max_length=64)] = ""


@router.get("/codes")
def codes(
    request: Request, room: TheRoom, visit: SeesFleet, wanted: Annotated[CodeFilter, Query()]
) -> HTMLResponse:
    queries = load("console")
    with room.database.transaction() as conn:
        page = read_page(conn, queries["unknown_codes"], wanted)
        dialects = [row["dialect"] for row in conn.execute(queries["unknown_dialects"])]
    return answer(
        request,
        room,
        visit,
        "codes.html",
        fragment="codes_rows.html",
        wanted=wanted,
        page=page,
        dialects=dialects,
    )
