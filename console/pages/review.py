"""The staff's review: figures of a month, what each is made of, versions compared, calls avoided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from alerts.holdout import in_force
from console.gate import Reviews, SeesReview
from console.pages.answer import answer
from console.room import TheRoom
from console.staff import Shown, around, month_of, own_key, shown
from console.words import CAUSED_BY
from desk.sla.plan import CLOCK_TEXT
from domain.errors import NotFoundError
from domain.text import N_
from kpi.avoided.draws import read_report
from kpi.staff import months
from kpi.staff.disputes import disputes
from kpi.staff.later import LATER, NOT_YET
from kpi.staff.rules import rules, rules_text
from kpi.uptime.downtimes import downtimes
from kpi.uptime.exclusions import EXCLUSION_TEXT
from kpi.uptime.fleet import Scope

router = APIRouter()

SCOPES: Mapping[Scope, str] = {
    Scope.ENGINEER: N_("Engineers"),
    Scope.TEAM: N_("Teams"),
    Scope.REGION: N_("Regions"),
    Scope.CUSTOMER: N_("Customers"),
    Scope.SITE: N_("Sites"),
}
SHOWN = 200
LOOK_BACK = timedelta(days=365)
_TIMES = frozenset({"response_h", "travel_h", "repair_h"})
_LISTED = ("response_h", "repair_h", "first_time_fix", "repeats", "second_calls", "prevented")

MonthText = Annotated[str, Query(max_length=7)]
Version = Annotated[int | None, Query(ge=0, le=10_000)]


@router.get("/review")
def review_page(
    request: Request,
    room: TheRoom,
    visit: SeesReview,
    month: MonthText = "",
    by: Scope = Scope.ENGINEER,
    version: Version = None,
) -> HTMLResponse:
    asked = month_of(month, room, visit.zone)
    with room.database.transaction() as conn:
        found = shown(conn, room, visit, asked, by, version)
        versions = [row for row in months.closed_months(conn) if row["month"] == asked]
        alone = own_key(conn, visit) is not None
    return answer(
        request,
        room,
        visit,
        "review.html",
        **_common(found, by),
        versions=versions,
        reproduced=found.closed is not None and months.is_reproduced(found.closed),
        over=months.bounds(asked, visit.zone)[1] <= room.clock.now(),
        alone=alone,
        listed=[pair for pair in found.review.measures if pair[0] in _LISTED],
        figures={row.key: {one.measure: one for one in row.figures} for row in found.review.rows},
        causes=CAUSED_BY,
        few=rules().few,
    )


@router.get("/review/of/{by}")
def one_page(
    request: Request,
    room: TheRoom,
    visit: SeesReview,
    by: Scope,
    key: Annotated[str, Query(max_length=200)],
    month: MonthText = "",
    version: Version = None,
) -> HTMLResponse:
    """One engineer, team, region, customer or site: each figure with the cases it is made of."""
    asked = month_of(month, room, visit.zone)
    with room.database.transaction() as conn:
        found = shown(conn, room, visit, asked, by, version)
        row = next((row for row in found.review.rows if row.key == key), None)
        if row is None:
            raise NotFoundError(f"there is no {by} {key!r} in this month")
        stops = downtimes(conn, by, key, found.review.start, found.until)
    return answer(
        request,
        room,
        visit,
        "review_one.html",
        **_common(found, by),
        row=row,
        stops=stops[::-1][:SHOWN],
        total=len(stops),
        exclusions=EXCLUSION_TEXT,
    )


@router.get("/review/disputes")
def disputes_page(request: Request, room: TheRoom, visit: SeesReview) -> HTMLResponse:
    with room.database.transaction() as conn:
        alone = own_key(conn, visit) is not None
        rows = disputes(conn, by=visit.actor if alone else None)
    return answer(
        request,
        room,
        visit,
        "review_disputes.html",
        rows=rows[:SHOWN],
        total=len(rows),
        alone=alone,
    )


@router.get("/review/compare")
def compare_page(
    request: Request,
    room: TheRoom,
    visit: Reviews,
    month: MonthText = "",
    first: Annotated[int, Query(ge=0, le=10_000)] = 0,
    second: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> HTMLResponse:
    """Two versions of a closed month; `second` 0: the first by the rules of today."""
    asked = month_of(month, room, visit.zone)
    with room.database.transaction() as conn:
        before = months.read_month(conn, asked, first)
        after = months.read_month(conn, asked, second).reviews if second else None
        versions = [row["version"] for row in months.closed_months(conn) if row["month"] == asked]
    found = list(
        months.changes(before.reviews, after or months.make(before.evidence, rules_text()))
    )
    return answer(
        request,
        room,
        visit,
        "review_compare.html",
        month=asked,
        versions=versions,
        before=before,
        second=second,
        rules=rules().version,
        rows=found[:SHOWN],
        total=len(found),
        scopes=SCOPES,
        labels=_labels(dict(before.reviews[Scope.ENGINEER].measures)),
        times=_TIMES,
    )


@router.get("/review/avoided")
def avoided_page(request: Request, room: TheRoom, visit: Reviews) -> HTMLResponse:
    now = room.clock.now()
    with room.database.transaction() as conn:
        report = read_report(conn, now - LOOK_BACK, now, now)
        rule = in_force(conn)
    held = [draw for draw in report.draws if draw.held_out]
    return answer(
        request,
        room,
        visit,
        "review_avoided.html",
        report=report,
        rule=rule,
        held=held[::-1][:SHOWN],
        total=len(held),
    )


def _common(found: Shown, by: Scope) -> dict[str, Any]:
    before, after = around(found.month)
    return {
        "found": found,
        "month": found.month,
        "before": before,
        "after": after,
        "scope": by,
        "scopes": SCOPES,
        "times": _TIMES,
        "labels": _labels(dict(found.review.measures)),
        "later": LATER,
        "not_yet": NOT_YET,
    }


def _labels(measures: Mapping[str, str]) -> Mapping[str, str]:
    """What each measure is called; promised times have no words of their own in the review."""
    return {"uptime": N_("uptime")} | {
        name: CLOCK_TEXT.get(label, label) if name.startswith("sla:") else label
        for name, label in measures.items()
    }
