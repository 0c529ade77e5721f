"""Who gets a ticket: by care, region, skill, shift and load, in that order, and in words.

The engineer who looks after the site comes first. Who has too much to do, lacks the skill or is off
shift is passed over for the least loaded one of the same region, then of any. A rule that fits on a
page can be explained to those whom it sends out at night.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from domain.text import N_, Text
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_ids

FULL = 15
"""With so many open tickets the engineer who looks after a site is passed over."""


@dataclass(frozen=True, slots=True)
class Want:
    """Somebody is wanted for a device, or for a site while the device isn't known."""

    device_id: int | None
    site_id: int | None
    component: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Who it is, and why; None: there is nobody."""

    engineer_id: int | None
    why: Text


@dataclass(slots=True)
class Engineer:
    """Somebody who may be sent. `load` is how many open tickets they have, counted on."""

    id: int
    name: str
    region: str
    skills: frozenset[str]
    shift: Shift
    load: int

    def can(self, place: Place, component: str) -> bool:
        """Whether their skills fit; who has none listed can do everything."""
        return not self.skills or bool(self.skills & {component, place.kind})


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody works, by the clocks of `zone`.

    Attributes:
        days: ISO weekdays on which a shift begins; none: every day.
        begin: None: all day.
        end: before `begin`: on the next day.
    """

    days: frozenset[int]
    begin: time | None
    end: time | None
    zone: str

    def covers(self, now: datetime) -> bool:
        """Whether `now` is within the shift."""
        local = now.astimezone(ZoneInfo(self.zone))
        today = local.isoweekday()
        if self.begin is None or self.end is None:
            return self._works(today)
        moment = local.time()
        if self.begin < self.end:
            return self._works(today) and self.begin <= moment < self.end
        yesterday = (today - 2) % 7 + 1
        late = self._works(today) and moment >= self.begin
        return late or (self._works(yesterday) and moment < self.end)

    def _works(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is wanted. `keeper` looks after it; `regions`: the keeper's, and the city."""

    keeper: int | None
    regions: frozenset[str]
    kind: str


_NOWHERE = Place(None, frozenset(), "")


def choose(conn: Conn, wants: Sequence[Want], now: datetime) -> list[Choice]:
    """A choice for each of `wants`, in their order; two queries, however many they are."""
    if not wants:
        return []
    engineers = [_engineer(row) for row in conn.execute(load("desk")["engineers"]).fetchall()]
    on_shift = {one.id for one in engineers if one.shift.covers(now)}
    places = _places(conn, wants)
    return [_choose(engineers, on_shift, places.get(_key(want), _NOWHERE), want) for want in wants]


def _choose(
    engineers: Sequence[Engineer], on_shift: Container[int], place: Place, want: Want
) -> Choice:
    """One choice; counts it to the load of who is chosen, for the choices after it."""
    able = [one for one in engineers if one.can(place, want.component)]
    ready = [one for one in able if one.id in on_shift]
    keeper = next((one for one in ready if one.id == place.keeper and one.load < FULL), None)
    if keeper is not None:
        return _taken(keeper, N_("{name} looks after this site and is on shift"))
    near = [one for one in ready if one.region and one.region in place.regions]
    for found, why in (
        (near, N_("{name} is on shift in the region and has the fewest open tickets ({load})")),
        (ready, N_("{name} is on shift elsewhere and has the fewest open tickets ({load})")),
        (_kept(able, place), N_("nobody who can is on shift; {name} looks after this site")),
        (able, N_("nobody who can is on shift; {name} has the fewest open tickets ({load})")),
    ):
        if found:
            return _taken(min(found, key=_least_loaded), why)
    return Choice(None, Text(N_("there is no engineer with the skill for it")))


def _kept(engineers: Iterable[Engineer], place: Place) -> list[Engineer]:
    return [one for one in engineers if one.id == place.keeper]


def _least_loaded(engineer: Engineer) -> tuple[int, int]:
    return engineer.load, engineer.id


def _taken(engineer: Engineer, why: str) -> Choice:
    told = Text(why, {"name": engineer.name, "load": engineer.load})
    engineer.load += 1
    return Choice(engineer.id, told)


def _places(conn: Conn, wants: Sequence[Want]) -> dict[tuple[str, int], Place]:
    devices = sorted({want.device_id for want in wants if want.device_id is not None})
    sites = sorted({want.site_id for want in wants if want.site_id is not None})
    asked = {"devices": as_ids(devices), "sites": as_ids(sites)}
    rows = conn.execute(load("desk")["places"], asked).fetchall()
    return {(row["what"], row["id"]): _place(row) for row in rows}


def _key(want: Want) -> tuple[str, int]:
    return ("site", want.site_id or 0) if want.device_id is None else ("device", want.device_id)


def _place(row: Row) -> Place:
    regions = frozenset({row["region"], row["city"]} - {None, ""})
    return Place(row["engineer_id"], regions, row["kind"])


def _engineer(row: Row) -> Engineer:
    shift = Shift(
        frozenset(row["shift_days"]), row["shift_from"], row["shift_until"], row["time_zone"]
    )
    skills = frozenset(row["skills"])
    return Engineer(row["id"], row["name"], row["region"], skills, shift, row["load"])
