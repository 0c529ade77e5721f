"""Availability: how much of the watched time a device was up.

Operational availability after EN 13306 (up time over up time plus down time), which is what ISO
14224 calls availability too. Time in which nobody was watching is counted apart: it is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.clock import require_aware
from domain.errors import BadInputError
from storage.database import Conn
from storage.queries import load


class Scope(StrEnum):
    """What uptime is summed over. An engineer's devices are those of the sites in his care now."""

    DEVICE = "device"
    SITE = "site"
    CUSTOMER = "customer"
    ENGINEER = "engineer"


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds in each state, summed over the devices of one device, site, customer or engineer."""

    key: str
    name: str
    up_s: float
    down_s: float
    unwatched_s: float

    @property
    def ratio(self) -> float | None:
        """Availability, 0 to 1; None when nobody was watching at all."""
        watched = self.up_s + self.down_s
        return self.up_s / watched if watched > 0 else None


def uptime(conn: Conn, scope: Scope, start: datetime, end: datetime) -> list[Uptime]:
    """The uptime of every device, site, customer or engineer over [start, end), by key.

    Only adopted devices count. The state at the last known change is taken to last, so `end` must
    not lie in the future. Raises BadInputError when the period is empty or has no time zone.
    """
    if require_aware(start, "start") >= require_aware(end, "end"):
        raise BadInputError(f"period: {start} to {end} is empty; the end must lie after the start")
    rows = conn.execute(
        load("kpi")["uptime"], {"scope": scope, "start": start, "end": end}
    ).fetchall()
    return [Uptime(**row) for row in rows]
