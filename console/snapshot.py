"""The fleet at a glance: what the overview shows and what the live stream tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn, Row
from storage.queries import load

FEED_LENGTH = 12
FORETOLD_LENGTH = 6
RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Site:
    """One site on the board: its devices as rows of key, kind, state and `predicted`."""

    key: str
    name: str
    city: str
    customer: str
    devices: Sequence[Row]

    @property
    def size(self) -> int:
        return len(self.devices)

    @property
    def counts(self) -> dict[str, int]:
        """Devices by state, and those with a predicted failure."""
        counts = {"up": 0, "down": 0, "unwatched": 0, "predicted": 0}
        for device in self.devices:
            counts[device["state"]] += 1
            counts["predicted"] += device["predicted"]
        return counts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at the fleet.

    Attributes:
        counts: devices by state (up, down, unwatched, found), alerts, unacknowledged, tickets,
            predicted.
        uptime: of the last 24 hours, 0 to 1; None when nothing was watched.
        marks: what changes when something is written, by topic.
    """

    at: datetime
    counts: Mapping[str, int]
    uptime: float | None
    sites: Sequence[Site]
    feed: Sequence[Row]
    foretold: Sequence[Row]
    marks: Mapping[str, Any] = field(default_factory=dict)

    def changed_since(self, earlier: Snapshot | None) -> list[str]:
        """The topics (devices, alerts, tickets, predictions) that differ from `earlier`."""
        if earlier is None:
            return list(self.marks)
        return [topic for topic, mark in self.marks.items() if mark != earlier.marks.get(topic)]


def take(conn: Conn, now: datetime, ratio: float | None) -> Snapshot:
    """Looks at the fleet; `ratio` is the uptime, which is counted less often."""
    queries = load("console")
    recent = {"now": now, "recent": now - RECENT}
    devices = conn.execute(queries["fleet_counts"]).fetchone() or {}
    cases = conn.execute(queries["case_counts"]).fetchone() or {}
    marks = conn.execute(queries["marks"], recent).fetchone() or {}
    counts = {**devices, **cases}
    return Snapshot(
        at=now,
        counts=counts,
        uptime=ratio,
        sites=_sites(conn.execute(queries["board"]).fetchall()),
        feed=conn.execute(queries["feed"], recent | {"limit": FEED_LENGTH}).fetchall(),
        foretold=conn.execute(queries["foretold"], recent | {"limit": FORETOLD_LENGTH}).fetchall(),
        marks=_topics(marks, devices),
    )


def fleet_uptime(conn: Conn, now: datetime) -> float | None:
    """Up / (up + down) of all devices over the last 24 hours; None when nothing was watched."""
    rows = uptime(conn, Scope.DEVICE, now - RECENT, now)
    up = sum(row.up_s for row in rows)
    down = sum(row.down_s for row in rows)
    return up / (up + down) if up + down else None


def _sites(board: Sequence[Row]) -> list[Site]:
    return [
        Site(key, name, city, customer, list(devices))
        for (customer, name, city, key), devices in groupby(
            board, lambda row: (row["customer"], row["site_name"], row["city"], row["site_key"])
        )
    ]


def _topics(marks: Row, devices: Row) -> dict[str, Any]:
    return {
        "devices": (marks["transition"], tuple(devices.values())),
        "alerts": (marks["alert"], marks["alert_transition"], marks["sign"]),
        "tickets": marks["ticket_event"],
        "predictions": marks["prediction"],
    }
