"""One line of a device's chart, read from the hourly rollups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.report import MetricKind
from storage.database import Conn, Row
from storage.queries import load

PROBABILITY = "probability:"
"""Before a component's name: its predicted probability of failure, not a metric."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points in time with a value each, and for gauges the hour's lowest and highest.

    A counter's value is what it grew by in the hour. `low` and `high` are empty where there is no
    spread to show.
    """

    at: Sequence[datetime]
    value: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()

    def to_json(self) -> dict[str, Any]:
        """With times in seconds since 1970, as the chart wants them."""
        return {
            "at": [moment.timestamp() for moment in self.at],
            "value": list(self.value),
            "low": list(self.low),
            "high": list(self.high),
        }


def choices(conn: Conn, device_id: int, start: datetime) -> list[Row]:
    """The metrics (name, kind) that the device has spoken of since `start`."""
    return conn.execute(
        load("console")["device_metrics"], {"device_id": device_id, "start": start}
    ).fetchall()


def read_series(conn: Conn, device_id: int, metric: str, start: datetime) -> Series:
    """The series of a metric, or of a probability, since `start`."""
    wanted: dict[str, Any] = {"device_id": device_id, "start": start}
    if metric.startswith(PROBABILITY):
        wanted["component"] = metric.removeprefix(PROBABILITY)
        rows = conn.execute(load("console")["device_probability"], wanted).fetchall()
        return Series([row["at"] for row in rows], [row["probability"] for row in rows])
    rows = conn.execute(load("console")["device_series"], wanted | {"metric": metric}).fetchall()
    if rows and rows[0]["kind"] == MetricKind.COUNTER:
        return Series([row["hour"] for row in rows], [row["growth"] for row in rows])
    return Series(
        [row["hour"] for row in rows],
        [row["mean"] for row in rows],
        [row["low"] for row in rows],
        [row["high"] for row in rows],
    )
