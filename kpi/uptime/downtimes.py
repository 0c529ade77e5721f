"""The downtimes that a figure is made of, each with its cause, what of it counts, and why the rest
does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kpi.uptime.exclusions import Excluded, Exclusion, excluded, lay_out
from kpi.uptime.figures import parts_of_kinds
from kpi.uptime.fleet import Fleet, Scope, read_fleet
from kpi.uptime.hours import read_hours
from kpi.uptime.line import Period, Stretches
from kpi.uptime.states import read_changes
from pipeline.history import moments
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Downtime:
    """One stretch in which a device was down, within the period asked for.

    Attributes:
        counts_s: seconds that count as down; the rest is outside the service hours or excluded.
        excluded_s: seconds that do not count, by reason.
        evidence: the windows, batches and tickets that exclude some of it.
        cause, detail, component: as its state change says (`domain.device.Transition`).
    """

    device_id: int
    device: str
    start: datetime
    end: datetime
    counts_s: float
    excluded_s: dict[Exclusion, float]
    evidence: Sequence[Excluded]
    cause: str
    detail: str
    component: str


def downtimes(conn: Conn, scope: Scope, key: str, start: datetime, end: datetime) -> list[Downtime]:
    """What `uptime` calls down, or excluded, of one device, site, customer, ... over [start, end): by
    start. Their `counts_s` sum to its `down_s`."""
    period = Period(start, end)
    fleet = read_fleet(conn, scope, period)
    down = _down(conn, scope, key, fleet)
    needed = down.meet(read_hours(conn, fleet))
    found = excluded(conn, period, fleet.devices)
    seconds = {
        reason: needed.meet(stretches).covered(down.begin, down.end) / 1e6
        for reason, stretches in lay_out(found, period, fleet.devices).items()
    }
    counts = needed.covered(down.begin, down.end) / 1e6 - sum(seconds.values())
    device = down.begin // period.length
    ids = fleet.devices[device].tolist()
    since, until = (moments(period.moments(places, device)) for places in (down.begin, down.end))
    told = _told(conn, ids, since)
    listed = [
        Downtime(
            device_id=ids[row],
            start=since[row],
            end=until[row],
            counts_s=float(counts[row]),
            excluded_s={reason: float(part[row]) for reason, part in seconds.items() if part[row]},
            evidence=_of(found, ids[row], since[row], until[row]),
            **told[row],
        )
        for row in range(len(down))
    ]
    return sorted(listed, key=lambda one: (one.start, one.device))


def _down(conn: Conn, scope: Scope, key: str, fleet: Fleet) -> Stretches:
    if scope is not Scope.COMPONENT:
        return (
            read_changes(conn, fleet.period, fleet.devices).states().down.meet(fleet.time_of(key))
        )
    theirs = fleet.of_kinds(parts_of_kinds(conn, fleet.period).get(key, set()), key)
    changes = read_changes(conn, fleet.period, fleet.devices, [key])
    return changes.states(1).down.meet(theirs.stays)


def _of(
    found: Sequence[Excluded], device_id: int, since: datetime, until: datetime
) -> tuple[Excluded, ...]:
    return tuple(
        one
        for one in found
        if one.device_id == device_id and one.since < until and one.until > since
    )


def _told(conn: Conn, ids: list[int], since: list[datetime]) -> list[dict[str, str]]:
    """What the state changes say that took the devices down: device, cause, detail, component."""
    asked = {"device_ids": ids, "moments": since}
    rows = conn.execute(load("kpi")["why_down"], asked).fetchall()
    return [
        {name: row[name] for name in ("device", "cause", "detail", "component")} for row in rows
    ]
