"""Reports: their kinds, making one, and the archive."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from console.api.paging import Cursor, Limit, Page, by_id
from console.downloads import as_download
from console.gate import MakesReports
from console.i18n.speech import reader
from console.room import TheRoom
from console.security import OurRequest
from kpi.reports.archive import Entry, read_entry, read_file
from kpi.reports.making import Wanted, make
from kpi.reports.registry import KINDS
from storage.queries import load

router = APIRouter(tags=["reports"])

ReportId = Annotated[int, Path(ge=1)]


class Kind(BaseModel):
    name: str
    title: str = Field(description="In English.")
    about: str = Field(description="fleet, customer (one must be named), or either.")
    periods: list[str] = Field(description="month, quarter, year, days.")


class ReportWanted(BaseModel):
    kind: str = Field(max_length=64)
    period: str = Field(
        max_length=64,
        description="2026-11, 2026-Q3, 2026, 2026-11-01..2026-11-15; Jalali: 1405-08, 1405-Q3, 1405.",
    )
    customer: str = Field("", max_length=128, description="A key; empty: the whole fleet.")
    language: str = Field("en", max_length=8, description="en, zh or fa.")
    format: str = Field("pdf", max_length=8, description="pdf, html or xlsx.")
    time_zone: str = Field("UTC", max_length=64, description="Where days begin.")


class Report(BaseModel):
    id: int
    kind: str
    period: str
    time_zone: str
    customer: str | None = Field(description="A key; null: the whole fleet.")
    language: str
    format: str
    made_at: datetime = Field(description="The moment of which the figures are.")
    made_by: str
    figures_sha256: str = Field(description="Of the figures, whatever the language and the format.")
    file_sha256: str
    size: int = Field(description="Of the file, in bytes.")

    @staticmethod
    def of(entry: Entry) -> Report:
        return Report(**{name: getattr(entry, name) for name in Report.model_fields})


@router.get("/report-kinds")
def kinds(_: MakesReports) -> list[Kind]:
    """What can be asked for."""
    return [
        Kind(
            name=kind.name,
            title=kind.title,
            about=kind.about,
            periods=sorted(kind.periods),
        )
        for kind in KINDS.values()
    ]


@router.post("/reports", status_code=HTTPStatus.CREATED, dependencies=[OurRequest])
def make_report(room: TheRoom, visit: MakesReports, wanted: ReportWanted) -> Report:
    """Makes a report and keeps it; its file is at `/api/v1/reports/{id}/file`."""
    asked = Wanted(**wanted.model_dump())
    return Report.of(make(room.database, room.clock, reader, asked, visit.actor).entry)


@router.get("/reports")
def reports(
    room: TheRoom,
    _: MakesReports,
    kind: str | None = None,
    customer: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Report]:
    """The archive, from the newest back."""
    wanted = {"kind": kind, "customer": customer}
    with room.database.transaction() as conn:
        return by_id(conn, load("reports")["entries"], Report, wanted, cursor, limit)


@router.get("/reports/{report_id}")
def report(room: TheRoom, _: MakesReports, report_id: ReportId) -> Report:
    """One report of the archive."""
    with room.database.transaction() as conn:
        return Report.of(read_entry(conn, report_id))


@router.get("/reports/{report_id}/file")
def file(room: TheRoom, _: MakesReports, report_id: ReportId) -> Response:
    """Its file, as it was made."""
    with room.database.transaction() as conn:
        entry = read_entry(conn, report_id)
        return as_download(entry, read_file(conn, entry))
