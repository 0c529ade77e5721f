"""Reports: made on demand, and the archive of all that were made."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.notify.policy import LANGUAGES as CODES
from console.downloads import as_download
from console.gate import MakesReports
from console.i18n.catalogue import LANGUAGES
from console.i18n.speech import reader
from console.pages.answer import answer
from console.room import TheRoom, Visit
from console.security import OurForm
from domain.text import N_
from kpi.reports.archive import entries, read_entry, read_file
from kpi.reports.making import Wanted, make
from kpi.reports.period import Calendar, Length, period_of
from kpi.reports.registry import KINDS
from kpi.reports.render import Format
from storage.queries import load

router = APIRouter()

SHOWN = 50
FORMATS = {Format.PDF: "PDF", Format.HTML: N_("Web page"), Format.XLSX: N_("Excel workbook")}
_LANGUAGES = {code: LANGUAGES[catalogue].name for code, catalogue in CODES.items()}


@router.get("/reports")
def archive(
    request: Request,
    room: TheRoom,
    visit: MakesReports,
    kind: str = "",
    customer: str = "",
    before: int | None = None,
) -> HTMLResponse:
    with room.database.transaction() as conn:
        found = entries(
            conn, kind=kind or None, customer=customer or None, before=before, limit=SHOWN + 1
        )
        customers = conn.execute(load("reports")["customers"]).fetchall()
    return answer(
        request,
        room,
        visit,
        "reports.html",
        entries=found[:SHOWN],
        older=found[SHOWN - 1].id if len(found) > SHOWN else None,
        kinds=KINDS,
        kind=kind,
        customers={row["key"]: row["name"] for row in customers},
        customer=customer,
        written_in=_LANGUAGES,
        own_language=next(code for code, catalogue in CODES.items() if catalogue == visit.locale),
        formats=FORMATS,
        last_month=_last_month(room, visit),
    )


@router.post("/reports", dependencies=[OurForm])
def make_report(
    room: TheRoom,
    visit: MakesReports,
    kind: Annotated[str, Form(max_length=64)],
    period: Annotated[str, Form(max_length=64)],
    language: Annotated[str, Form(max_length=8)],
    form: Annotated[str, Form(max_length=8)],
    customer: Annotated[str, Form(max_length=128)] = "",
) -> RedirectResponse:
    """The period's days are those of the reader's zone."""
    wanted = Wanted(kind, period, customer, language, form, visit.zone.key)
    make(room.database, room.clock, reader, wanted, visit.actor)
    return RedirectResponse("/reports", HTTPStatus.SEE_OTHER)


@router.get("/reports/{report_id}/file")
def report_file(room: TheRoom, visit: MakesReports, report_id: int) -> Response:
    with room.database.transaction() as conn:
        entry = read_entry(conn, report_id)
        return as_download(entry, read_file(conn, entry))


def _last_month(room: TheRoom, visit: Visit) -> str:
    """The month before this one, in the reader's calendar."""
    calendar = Calendar.JALALI if visit.locale == "fa" else Calendar.GREGORIAN
    today = room.clock.now().astimezone(visit.zone).date()
    return period_of(today, Length.MONTH, calendar).before.name
