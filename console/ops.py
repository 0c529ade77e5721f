"""For those who run the console: is it alive, is it ready, what does it count."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from ipaddress import ip_address

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from console.errors import NotPermittedError
from console.room import Room, TheRoom
from domain.errors import StoreUnavailableError
from pipeline.flows import clocks_off, read_flows, shards_without_collector
from storage.database import Conn
from storage.migrate import pending
from storage.queries import load

router = APIRouter(tags=["operation"])

_FLOW = (
    ("forecall_lag_seconds", "Since a collector's last beat.", "silent_s"),
    ("forecall_in_flight", "Messages taken and not acknowledged.", "in_flight"),
    ("forecall_oldest_unacknowledged_seconds", "How long the oldest of them waits.", "oldest_s"),
    ("forecall_commit_wait_seconds", "The longest from received to committed.", "wait_s"),
    ("forecall_message_age_seconds", "Median from the device's time to committed.", "age_s"),
)


@router.get("/healthz")
def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(room: TheRoom) -> JSONResponse:
    """The database answers and has every migration; 503 with the reason otherwise."""
    try:
        with room.database.transaction() as conn:
            missing = pending(conn)
    except StoreUnavailableError as error:
        return JSONResponse({"ready": False, "reason": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)
    if missing:
        reason = f"migrations not applied: {', '.join(missing)}"
        return JSONResponse({"ready": False, "reason": reason}, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"ready": True})


def _may_measure(request: Request, room: TheRoom) -> None:
    """Who carries the token may read; where none is set, who asks from this machine.

    Raises NotPermittedError for anybody else.
    """
    if room.metrics_token:
        given = request.headers.get("authorization", "").encode()
        if secrets.compare_digest(given, f"Bearer {room.metrics_token}".encode()):
            return
        raise NotPermittedError("metrics: give the token that metrics_token sets")
    host = request.client.host if request.client else ""
    if not _is_loopback(host):
        raise NotPermittedError("metrics: set metrics_token to read them from another machine")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@router.get("/metrics", dependencies=[Depends(_may_measure)])
def metrics(room: TheRoom) -> Response:
    """Counts in Prometheus' text format, read from the store when asked."""
    registry = CollectorRegistry()
    with room.database.transaction() as conn:
        registry.register(_Families(_families(room, conn)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Families:
    """What was read, in the shape that a registry asks for."""

    def __init__(self, families: Iterator[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> list[Metric]:
        return self._families


def _families(room: Room, conn: Conn) -> Iterator[Metric]:
    queries = load("console")
    devices = conn.execute(queries["fleet_counts"]).fetchone() or {}
    yield _gauge("forecall_devices", "Devices by state.", "state", devices)
    cases = conn.execute(queries["case_counts"]).fetchone() or {}
    yield GaugeMetricFamily("forecall_open_alerts", "Open alerts.", value=cases["alerts"])
    yield GaugeMetricFamily("forecall_open_tickets", "Open tickets.", value=cases["tickets"])
    backlog = conn.execute(queries["backlog"]).fetchone() or {}
    yield _gauge("forecall_backlog", "What waits to be worked on.", "queue", backlog)
    flows = read_flows(conn, room.clock)
    intake = CounterMetricFamily(
        "forecall_messages", "Messages taken in.", labels=["collector", "result"]
    )
    for flow in flows:
        for result in ("stored", "duplicate", "rejected"):
            intake.add_metric([flow.collector, result], getattr(flow, result))
    yield intake
    for name, text, field in _FLOW:
        told = {flow.collector: getattr(flow, field) for flow in flows}
        yield _gauge(name, text, "collector", told)
    yield GaugeMetricFamily(
        "forecall_clocks_off", "Devices with a wrong time.", value=clocks_off(conn, room.clock)
    )
    unheard = len(shards_without_collector(conn))
    yield GaugeMetricFamily("forecall_unleased_shards", "Shards nobody hears.", value=unheard)


def _gauge(
    name: str, text: str, label: str, values: Mapping[str, float | None]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family
