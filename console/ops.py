"""For those who run the console: is it alive, is it ready, what does it count."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from console.room import Room, TheRoom
from domain.clock import wall_seconds
from domain.errors import StoreUnavailableError
from storage.database import Conn
from storage.migrate import pending
from storage.queries import load

router = APIRouter(tags=["operation"])


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


@router.get("/metrics")
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
    intake = CounterMetricFamily(
        "forecall_messages", "Messages taken in.", labels=["collector", "result"]
    )
    for row in conn.execute(queries["intake"]):
        for result in ("stored", "duplicate", "rejected"):
            intake.add_metric([row["collector"], result], row[result])
    yield intake
    now = room.clock.now()
    beats = {
        row["collector"]: wall_seconds(room.clock, now - row["beat_at"])
        for row in conn.execute(queries["beats"])
    }
    yield _gauge("forecall_lag_seconds", "Since a collector's last beat.", "collector", beats)


def _gauge(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
