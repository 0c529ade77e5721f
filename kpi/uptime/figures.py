"""Availability: how much of the time in which it was needed a device was up.

Operational availability after EN 13306 (up time over up time plus down time), which is what ISO
14224 calls availability too. Time in which nobody was watching is counted apart: it is neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from kpi.uptime.exclusions import Exclusion, excluded, lay_out
from kpi.uptime.fleet import Fleet, Scope, read_fleet
from kpi.uptime.hours import read_hours
from kpi.uptime.line import Period, Stretches
from kpi.uptime.states import States, read_states
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds in each state, summed over the devices of one device, site, customer, engineer, ...

    Attributes:
        down_s: without what is excluded.
        off_hours_s: outside the service hours; the others are within them.
        excluded_s: downtime that does not count, by reason.
        failures: how often a device went down that had been up, and for some of it counts.
    """

    key: str
    name: str
    up_s: float
    down_s: float
    unwatched_s: float
    off_hours_s: float
    excluded_s: Mapping[Exclusion, float]
    failures: int

    @property
    def ratio(self) -> float | None:
        """Availability, 0 to 1; None when nobody was watching at all."""
        watched = self.up_s + self.down_s
        return self.up_s / watched if watched > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What is known of some devices over a period, from which any sums of their time are made.

    Attributes:
        hours: in which they were needed.
        apart: where their downtime is excluded; no place is in two of them.
    """

    states: States
    hours: Stretches
    apart: Mapping[Exclusion, Stretches]

    def of(self, fleet: Fleet) -> list[Uptime]:
        """The uptime of each group of `fleet`, whose devices must be those that were read."""
        states, hours = self.states, self.hours
        down = states.down.meet(hours)
        taken = {reason: down.meet(stretches) for reason, stretches in self.apart.items()}
        for stretches in taken.values():
            down = down.without(stretches)
        counts = down.covered(states.failed, states.restored) > 0
        seconds = {reason: fleet.seconds(stretches) for reason, stretches in taken.items()}
        columns = zip(
            fleet.keys,
            fleet.names,
            fleet.seconds(states.up.meet(hours)),
            fleet.seconds(down),
            fleet.seconds(states.unwatched.meet(hours)),
            fleet.seconds(fleet.stays.without(hours)),
            [dict(zip(seconds, row, strict=True)) for row in zip(*seconds.values(), strict=True)],
            fleet.counts(states.failed[counts]),
            strict=True,
        )
        return [Uptime(*row) for row in columns]


def read_watched(conn: Conn, period: Period, devices: NDArray[np.int32]) -> Watched:
    """Of `devices` (ids, ascending). The state at the last known change is taken to last."""
    found = excluded(conn, period, devices)
    return Watched(
        states=read_states(conn, period, devices),
        hours=read_hours(conn, period, devices),
        apart=lay_out(found, period, devices),
    )


def uptime(conn: Conn, scope: Scope, start: datetime, end: datetime) -> list[Uptime]:
    """The uptime of every device, site, customer, ... over [start, end), by key.

    Only time in which a device was in the fleet counts. The state at the last known change is taken
    to last, so `end` must not lie in the future. Raises BadInputError when the period is empty or
    has no time zone.
    """
    period = Period(start, end)
    fleet = read_fleet(conn, scope, period)
    return read_watched(conn, period, fleet.devices).of(fleet)
