"""Availability: how much of the time in which it was needed a device was up.

Operational availability after EN 13306 (up time over up time plus down time), which is what ISO
14224 calls availability too. Time in which nobody was watching is counted apart: it is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kpi.uptime.fleet import Scope, read_fleet
from kpi.uptime.line import Period
from kpi.uptime.states import read_states
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds in each state, summed over the devices of one device, site, customer, engineer, ...

    Attributes:
        failures: how often a device went down that had been up.
    """

    key: str
    name: str
    up_s: float
    down_s: float
    unwatched_s: float
    failures: int

    @property
    def ratio(self) -> float | None:
        """Availability, 0 to 1; None when nobody was watching at all."""
        watched = self.up_s + self.down_s
        return self.up_s / watched if watched > 0 else None


def uptime(conn: Conn, scope: Scope, start: datetime, end: datetime) -> list[Uptime]:
    """The uptime of every device, site, customer, ... over [start, end), by key.

    Only time in which a device was in the fleet counts. The state at the last known change is taken
    to last, so `end` must not lie in the future. Raises BadInputError when the period is empty or
    has no time zone.
    """
    period = Period(start, end)
    fleet = read_fleet(conn, scope, period)
    states = read_states(conn, period, fleet.devices)
    columns = zip(
        fleet.keys,
        fleet.names,
        fleet.seconds(states.up),
        fleet.seconds(states.down),
        fleet.seconds(states.unwatched),
        fleet.counts(states.failed),
        strict=True,
    )
    return [Uptime(*row) for row in columns]
