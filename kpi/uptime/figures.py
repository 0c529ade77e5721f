"""Availability: how much of the time in which it was needed a device was up.

Operational availability after EN 13306 (up time over up time plus down time), which is what ISO
14224 calls availability too. Time in which nobody was watching is counted apart: it is neither.

Of a component it is the same, as of a part of its device: up time is the device's (its operating time),
down time what it took the device down for. While its device is down for another reason it idles, which
is neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kpi.uptime.exclusions import Exclusion, excluded, lay_out
from kpi.uptime.fleet import Fleet, Scope, read_fleet
from kpi.uptime.hours import read_hours
from kpi.uptime.line import Period, Stretches
from kpi.uptime.states import Changes, read_changes
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds in each state, summed over the devices of one device, site, customer, engineer, ...

    Attributes:
        down_s: without what is excluded.
        off_hours_s: outside the service hours; the others are within them.
        excluded_s: downtime that does not count, by reason.
        failures: how often a device went down that had been up, if some of that downtime counts: of a
            scope's time, so for an engineer not what fell where no engineer cared.
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


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted: as it was agreed, unless somebody asks "what if".

    Attributes:
        exclusions: the reasons for which downtime does not count.
        service_hours: False: devices are taken to be needed around the clock.
    """

    exclusions: frozenset[Exclusion] = frozenset(Exclusion)
    service_hours: bool = True


AGREED = Counting()


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What is known of a fleet over a period, from which any sums of its time are made.

    Attributes:
        hours: in which its devices were needed.
        apart: where their downtime is excluded; no place is in two of them.
    """

    changes: Changes
    hours: Stretches
    apart: Mapping[Exclusion, Stretches]

    def of(self, fleet: Fleet, component: int | None = None) -> list[Uptime]:
        """The uptime of each group of `fleet`, whose time must be on the line of the one that was
        read, and within its stays."""
        states, hours = self.changes.states(component), self.hours
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


def read_watched(
    conn: Conn, fleet: Fleet, counting: Counting = AGREED, components: Sequence[str] = ()
) -> Watched:
    """Of a fleet's devices. The state at the last known change is taken to last."""
    found = excluded(conn, fleet.period, fleet.devices)
    kept = [one for one in found if one.reason in counting.exclusions]
    return Watched(
        changes=read_changes(conn, fleet.period, fleet.devices, components),
        hours=read_hours(conn, fleet) if counting.service_hours else fleet.stays,
        apart=lay_out(kept, fleet.period, fleet.devices),
    )


def uptime(
    conn: Conn,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    customer: str | None = None,
    counting: Counting = AGREED,
) -> list[Uptime]:
    """The uptime of every device, site, customer, ... over [start, end), by key.

    Only time in which a device was in the fleet counts. The state at the last known change is taken
    to last, so `end` must not lie in the future. Raises BadInputError when the period is empty or
    has no time zone.

    Args:
        customer: the key of one: only time that devices stood at its sites.
    """
    fleet = read_fleet(conn, scope, Period(start, end), customer)
    if scope is Scope.COMPONENT:
        return _of_components(conn, fleet, counting)
    return read_watched(conn, fleet, counting).of(fleet)


def uptime_by_day(
    conn: Conn,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    *,
    customer: str | None = None,
    counting: Counting = AGREED,
) -> list[tuple[date, Uptime]]:
    """The uptime of the fleet, or of one customer, on each day of `zone` in [start, end); as `uptime`."""
    fleet = read_fleet(conn, Scope.FLEET, Period(start, end), customer)
    first, last = (at.astimezone(zone).date() for at in (start, end - timedelta(microseconds=1)))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    edges = [start, *(datetime.combine(day, time(), zone) for day in days[1:]), end]
    by_day = fleet.cut(edges, [day.isoformat() for day in days])
    return list(zip(days, read_watched(conn, fleet, counting).of(by_day), strict=True))


def parts_of_kinds(conn: Conn, period: Period) -> dict[str, set[str]]:
    """The kinds of device that have each component: see the query."""
    asked = {"start": period.start, "end": period.end}
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in conn.execute(load("kpi")["parts_of_kinds"], asked):
        kinds[row["component"]].add(row["kind"])
    return dict(kinds)


def _of_components(conn: Conn, fleet: Fleet, counting: Counting) -> list[Uptime]:
    kinds = parts_of_kinds(conn, fleet.period)
    watched = read_watched(conn, fleet, counting, sorted(kinds))
    found: list[Uptime] = []
    for number, component in enumerate(sorted(kinds), start=1):
        theirs = fleet.of_kinds(kinds[component], component)
        if len(theirs.device):
            found += watched.of(theirs, number)
    return found
