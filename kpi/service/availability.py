"""A period's availability, whole and cut in every way that a report shows, from one reading of the states.

What up, down, excluded and not watched mean: docs/uptime.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kpi.service.scope import Whose
from kpi.uptime.figures import Uptime, read_watched
from kpi.uptime.fleet import Scope, read_fleet
from kpi.uptime.line import Period
from storage.database import Conn

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Availability:
    """What the devices' time was, in the words of `kpi.uptime`.

    Attributes:
        whole: the sum; None: no device was in the fleet.
        days: each day of the period, of the zone that was asked for.
    """

    whole: Uptime | None
    days: tuple[tuple[date, Uptime], ...]
    devices: tuple[Uptime, ...]
    sites: tuple[Uptime, ...]


def read_availability(
    conn: Conn, of: Whose, start: datetime, end: datetime, zone: ZoneInfo
) -> Availability:
    """Over [start, end). Of a customer: only the time in which devices stood at its sites."""
    period = Period(start, end)
    fleet = read_fleet(conn, Scope.DEVICE, period, of.key)
    if not len(fleet.devices):
        return Availability(None, (), (), ())
    watched = read_watched(conn, fleet)
    sites = read_fleet(conn, Scope.SITE, period, of.key).on(fleet)
    days, edges = _days(start, end, zone)
    by_day = fleet.cut(edges, [day.isoformat() for day in days])
    return Availability(
        whole=watched.of(fleet.cut([start, end], [""]))[0],
        days=tuple(zip(days, watched.of(by_day), strict=True)),
        devices=tuple(watched.of(fleet)),
        sites=tuple(watched.of(sites)),
    )


def read_whole(conn: Conn, of: Whose, start: datetime, end: datetime) -> Uptime | None:
    """The sum alone, to compare with."""
    fleet = read_fleet(conn, Scope.FLEET, Period(start, end), of.key)
    return read_watched(conn, fleet).of(fleet)[0] if len(fleet.devices) else None


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[list[date], list[datetime]]:
    """The days of a zone in [start, end), and where each begins and the last ends."""
    first, last = (at.astimezone(zone).date() for at in (start, end - timedelta(microseconds=1)))
    days = [first + count * _DAY for count in range((last - first).days + 1)]
    return days, [start, *(datetime.combine(day, time(), zone) for day in days[1:]), end]
