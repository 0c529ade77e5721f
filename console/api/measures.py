"""What devices said, what became of their state, what is foretold, and how much they were up."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from console.api.paging import Cursor, Limit, Page, by_id, by_time
from console.api.shapes import (
    Anomaly,
    Downtime,
    DowntimeEvidence,
    Event,
    Model,
    Prediction,
    Reading,
    Supply,
    Transition,
    Uptime,
)
from console.gate import SeesDevices, SeesFleet
from console.room import Room, TheRoom
from domain.errors import BadInputError
from kpi.uptime.downtimes import downtimes
from kpi.uptime.figures import Uptime as Figures
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from kpi.uptime.reliability import reliability
from storage.queries import load

router = APIRouter(tags=["measures"])

_LONGEST = timedelta(days=366)
_USUAL = timedelta(days=1)

From = Annotated[
    AwareDatetime | None, Query(alias="from", description="Not before; a day ago if left out.")
]
To = Annotated[AwareDatetime | None, Query(alias="to", description="Before; now if left out.")]


@router.get("/readings")
def readings(
    room: TheRoom,
    _: SeesDevices,
    device: str,
    metric: str | None = None,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Reading]:
    """Raw readings of one device, from the newest back."""
    wanted: dict[str, Any] = {**_period(room, start, end), "device": device, "metric": metric}
    with room.database.transaction() as conn:
        return by_time(conn, load("console")["api_readings"], Reading, wanted, cursor, limit)


@router.get("/events")
def events(
    room: TheRoom,
    _: SeesDevices,
    device: str | None = None,
    severity: str | None = None,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Event]:
    """What devices reported, from the newest back."""
    wanted: dict[str, Any] = {**_period(room, start, end), "device": device, "severity": severity}
    with room.database.transaction() as conn:
        return by_time(conn, load("console")["api_events"], Event, wanted, cursor, limit)


@router.get("/transitions")
def transitions(
    room: TheRoom,
    _: SeesDevices,
    device: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Transition]:
    """Every change of a device's state, from the newest back."""
    wanted = {"device": device}
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_transitions"], Transition, wanted, cursor, limit)


class Foretold(StrEnum):
    """What is foretold."""

    FAILURE = "failure"
    CONSUMABLE = "consumable"
    ANOMALY = "anomaly"


@router.get("/predictions")
def predictions(
    room: TheRoom,
    _: SeesDevices,
    kind: Foretold = Foretold.FAILURE,
    device: str | None = None,
    component: str | None = None,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Prediction] | Page[Supply] | Page[Anomaly]:
    """What is foretold, from the newest back: failures, ends of supplies, or what is unusual."""
    wanted: dict[str, Any] = {**_period(room, start, end), "device": device, "component": component}
    queries = load("console")
    with room.database.transaction() as conn:
        if kind is Foretold.CONSUMABLE:
            return by_time(conn, queries["api_supplies"], Supply, wanted, cursor, limit)
        if kind is Foretold.ANOMALY:
            return by_time(conn, queries["api_anomalies"], Anomaly, wanted, cursor, limit)
        return by_time(conn, queries["api_predictions"], Prediction, wanted, cursor, limit)


@router.get("/models")
def models(room: TheRoom, _: SeesFleet, cursor: Cursor = None, limit: Limit = 100) -> Page[Model]:
    """The registry, from the newest back, without the artifacts."""
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_models"], Model, {}, cursor, limit)


@router.get("/kpi")
def kpi(
    room: TheRoom,
    _: SeesFleet,
    scope: Scope = Scope.CUSTOMER,
    start: From = None,
    end: To = None,
) -> list[Uptime]:
    """Uptime of each device, site, customer, engineer, region or model over the period."""
    period = _period(room, start, end)
    with room.database.transaction() as conn:
        rows = uptime(conn, scope, period["start"], period["end"])
    return [_uptime(row) for row in rows]


@router.get("/kpi/downtimes")
def kpi_downtimes(
    room: TheRoom,
    _: SeesFleet,
    scope: Scope,
    key: Annotated[str, Query(max_length=200)],
    start: From = None,
    end: To = None,
) -> list[Downtime]:
    """The downtimes that an uptime is made of, each with what of it counts and why the rest does not."""
    period = _period(room, start, end)
    with room.database.transaction() as conn:
        rows = downtimes(conn, scope, key, period["start"], period["end"])
    return [
        Downtime(
            device=row.device,
            start=row.start,
            end=row.end,
            counts_s=row.counts_s,
            excluded_s={reason.value: spent for reason, spent in row.excluded_s.items()},
            evidence=[DowntimeEvidence(reason=one.reason, id=one.evidence) for one in row.evidence],
            cause=row.cause,
            detail=row.detail,
            component=row.component,
        )
        for row in rows
    ]


def _uptime(row: Figures) -> Uptime:
    means = reliability(row.failures, row.up_s, row.down_s)
    return Uptime(
        **asdict(row),
        ratio=row.ratio,
        mtbf_h=means.mtbf_h,
        mttr_h=means.mttr_h,
        failure_rate=means.rate,
        failure_rate_low=means.rate_low,
        failure_rate_high=means.rate_high,
    )


def _period(
    room: Room, start: AwareDatetime | None, end: AwareDatetime | None
) -> dict[str, datetime]:
    """[start, end), at most a year long and never past the present."""
    until = min(end or room.clock.now(), room.clock.now())
    since = start or until - _USUAL
    if not timedelta(0) < until - since <= _LONGEST:
        raise BadInputError(
            f"from: {since} to {until} must be more than nothing and at most a year"
        )
    return {"start": since, "end": until}
