"""Availability of random fleets against an oracle that looks at every minute of every device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.contracts.book import read_text
from desk.contracts.writing import publish
from domain.clock import ManualClock
from kpi.uptime.downtimes import downtimes
from kpi.uptime.exclusions import Exclusion
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn, Database

NIGHT = datetime(2026, 3, 28, 18, tzinfo=UTC)
"""In the night after, Berlin's clocks are put forward; by the wall the office there opens at 23:00,
closes at 4:00 and opens again at 9:00."""
BERLIN = ZoneInfo("Europe/Berlin")
MINUTES = st.integers(-120, 1500)
PARTS = ("acceptor", "printer")
STATES = ("up", "down", "unwatched")
OFFICE = ((0, 4), (9, 18), (23, 24))
PLANS = """
[calendars.night]
daily = ["00:00-04:00", "09:00-18:00", "23:00-24:00"]
"""

SCOPES = (
    Scope.DEVICE,
    Scope.COMPONENT,
    Scope.SITE,
    Scope.CUSTOMER,
    Scope.ENGINEER,
    Scope.TEAM,
    Scope.FLEET,
)

Spans = list[tuple[int, int]]


@dataclass
class Told:
    """What is known of one device, in minutes since NIGHT; sites are s1 (Berlin, by contract open in
    the hours of OFFICE) and s2 (always); engineers e1, e2."""

    changes: list[tuple[int, str, str]]  # when, to what, and the part that took it down
    adopted: int
    past_stay: tuple[int, int] | None
    places: list[int]  # it moved from s1 to s2 and back ...: when
    windows: Spans
    batches: Spans
    cases: Spans


@dataclass
class World:
    devices: list[Told]
    hand_overs: list[int] = field(default_factory=list)  # s1 goes from e1 to e2 and back ...: when
    site_windows: Spans = field(default_factory=list)  # at s1
    start: int = 0
    length: int = 60


def spans(most: int = 2) -> st.SearchStrategy[Spans]:
    pair = st.tuples(MINUTES, st.integers(1, 400)).map(lambda pair: (pair[0], sum(pair)))
    return st.lists(pair, max_size=most)


@st.composite
def devices(draw: st.DrawFn) -> Told:
    moments = sorted(draw(st.lists(MINUTES, max_size=8)))
    state, changes = "unwatched", []
    for moment in moments:
        state = draw(st.sampled_from([other for other in STATES if other != state]))
        part = draw(st.sampled_from(["", *PARTS])) if state == "down" else ""
        changes.append((moment, state, part))
    first, left, again = sorted(draw(st.lists(MINUTES, min_size=3, max_size=3, unique=True)))
    stayed = draw(st.booleans())
    return Told(
        changes=changes,
        adopted=again if stayed else first,
        past_stay=(first, left) if stayed else None,
        places=sorted(draw(st.lists(MINUTES, max_size=3, unique=True))),
        windows=draw(spans()),
        batches=draw(spans(1)),
        cases=draw(spans()),
    )


WORLDS = st.builds(
    World,
    devices=st.lists(devices(), min_size=1, max_size=3),
    hand_overs=st.lists(MINUTES, max_size=2, unique=True).map(sorted),
    site_windows=spans(1),
    start=st.integers(-60, 900),
    length=st.integers(1, 900),
)


def at(minute: int) -> datetime:
    return NIGHT + timedelta(minutes=minute)


def within(spans: Spans, minute: int) -> bool:
    return any(begin <= minute < end for begin, end in spans)


def turns(moments: list[int], minute: int) -> int:
    return sum(moment <= minute for moment in moments)


class Oracle:
    """Seconds, and failures, by scope, key and class; each minute of each device looked at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for number, device in enumerate(world.devices):
            minutes = range(world.start, world.start + world.length)
            for minute in minutes:
                self._look(f"d{number}", device, minute)
            self._fail(f"d{number}", device, minutes)

    def _look(self, key: str, device: Told, minute: int) -> None:
        kind = self._kind(device, minute)
        for scope, group in self._groups(key, device, minute).items():
            self.seconds[scope, group][kind] += 60
            for part in PARTS if scope == Scope.FLEET else ():
                now, cause = state(device, minute)
                if kind == "off_hours" or now != "down" or cause == part:
                    self.seconds[Scope.COMPONENT, part][kind] += 60

    def _fail(self, key: str, device: Told, minutes: range) -> None:
        """A failure begins where the device was up when last watched, lasts until it is up again,
        and counts if some of its downtime does."""
        watched, failed = "", -1
        for minute, now in (*states_of(device, minutes), (minutes.stop, "up")):
            if failed >= 0 and now == "up":
                self._count(key, device, failed, minute)
                failed = -1
            if now == "down" and watched == "up":
                failed = minute
            watched = watched if now == "unwatched" else now

    def _count(self, key: str, device: Told, failed: int, until: int) -> None:
        lost = [minute for minute in range(failed, until) if self._kind(device, minute) == "down"]
        for scope, group in self._groups(key, device, failed).items():
            counts = [one for one in lost if scope in self._groups(key, device, one)]
            if counts:
                self.seconds[scope, group]["failures"] += 1
            part = state(device, failed)[1]
            if scope == Scope.FLEET and part in (state(device, one)[1] for one in counts) and part:
                self.seconds[Scope.COMPONENT, part]["failures"] += 1

    def _groups(self, key: str, device: Told, minute: int) -> dict[str, str]:
        stay = [device.past_stay] if device.past_stay else []
        if not (minute >= device.adopted or within(stay, minute)):
            return {}
        site = site_of(device, minute)
        groups: dict[str, str] = {
            Scope.DEVICE: key,
            Scope.SITE: site,
            Scope.CUSTOMER: "c",
            Scope.FLEET: "fleet",
        }
        if site == "s1":  # e1 reports to e2: both are of e2's team
            groups[Scope.ENGINEER] = ("e1", "e2")[turns(self.world.hand_overs, minute) % 2]
            groups[Scope.TEAM] = "e2"
        return groups

    def _kind(self, device: Told, minute: int) -> str:
        hour = at(minute).astimezone(BERLIN).hour
        office = site_of(device, minute) == "s1"
        if office and not any(first <= hour < last for first, last in OFFICE):
            return "off_hours"
        now, _ = state(device, minute)
        if now != "down":
            return now
        windows = [*device.windows, *(self.world.site_windows if office else ())]
        for reason, spans in (
            (Exclusion.MAINTENANCE, windows),
            (Exclusion.OUTSIDE, device.batches),
            (Exclusion.CUSTOMER, device.cases),
        ):
            if within(spans, minute):
                return reason
        return "down"


def site_of(device: Told, minute: int) -> str:
    return ("s1", "s2")[turns(device.places, minute) % 2]


def state(device: Told, minute: int) -> tuple[str, str]:
    """And the part that took it down."""
    found = "unwatched", ""
    for moment, new, part in device.changes:
        if moment <= minute:
            found = new, part
    return found


def states_of(device: Told, minutes: range) -> Iterator[tuple[int, str]]:
    """The state in each minute, with those before it that began in the same one and lasted no time."""
    for minute in minutes:
        began = [new for moment, new, _ in device.changes if moment == minute > minutes.start]
        yield from ((minute, new) for new in began or [state(device, minute)[0]])


def write(conn: Conn, world: World) -> None:
    for number, device in enumerate(world.devices):
        _write_device(conn, f"d{number}", device)
    engineers = [1, 2]
    for count, moment in enumerate(world.hand_overs):
        conn.execute(
            "UPDATE site SET engineer_id = %s, engineer_since = %s WHERE key = 's1'",
            [engineers[(count + 1) % 2], at(moment)],
        )
    for begin, end in world.site_windows:
        conn.execute(
            """INSERT INTO suppression (kind, site_id, starts_at, ends_at, reason, actor, made_at)
               VALUES ('window', 1, %s, %s, 'works', 'li', %s)""",
            [at(begin), at(end), NIGHT],
        )
    for part in PARTS:  # so that it is known to be a part of such devices
        conn.execute(
            """INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)
               SELECT min(id), %s, 'cleaned', %s, %s, 'history' FROM device""",
            [part, NIGHT, NIGHT],
        )


def _write_device(conn: Conn, key: str, device: Told) -> None:
    row = conn.execute(
        """INSERT INTO device (key, kind, site_id, adopted_at) VALUES (%s, 'pos', 1, %s)
           RETURNING id""",
        [key, at(device.adopted)],
    ).fetchone()
    assert row is not None
    number = row["id"]
    if device.past_stay:
        conn.execute(
            "INSERT INTO device_stay_past VALUES (%s, %s, %s)",
            [number, *map(at, device.past_stay)],
        )
    for count, moment in enumerate(device.places):
        conn.execute(
            "UPDATE device SET site_id = %s, placed_at = %s WHERE id = %s",
            [2 - count % 2, at(moment), number],
        )
    state = "unwatched"
    for version, (moment, new, part) in enumerate(device.changes, start=1):
        conn.execute(
            """INSERT INTO device_transition
                   (device_id, from_state, to_state, at, cause, component, version, recorded_at)
               VALUES (%s, %s, %s, %s, 'contact', %s, %s, %s)""",
            [number, state, new, at(moment), part, version, NIGHT],
        )
        state = new
    _write_exclusions(conn, number, device)


def _write_exclusions(conn: Conn, number: int, device: Told) -> None:
    for begin, end in device.windows:
        conn.execute(
            """INSERT INTO suppression
                   (kind, device_id, starts_at, ends_at, reason, actor, made_at)
               VALUES ('window', %s, %s, %s, 'works', 'li', %s)""",
            [number, at(begin), at(end), NIGHT],
        )
    for begin, end in device.batches:
        alert = _alert(conn, None, begin, end)
        conn.execute(
            """INSERT INTO batch (id, kind, key, name, signature, first_at, recognised_at, grown_at,
                                  ended_at, evidence)
               VALUES (%s, 'power', 'feed', 'Feed', 'down', %s, %s, %s, %s, '{}')""",
            [alert, at(begin), at(begin), at(begin), at(end)],
        )
        conn.execute(
            "UPDATE alert SET batch_id = %s, batch_since = %s, batch_until = %s WHERE id = %s",
            [alert, at(begin), at(end), _alert(conn, number, begin, end)],
        )
    for begin, end in device.cases:
        conn.execute(
            """INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title,
                                   opened_at, failed_at, closed_at, caused_by)
               VALUES (%s, 'device', 'breakdown', 'device', 'closed', 'error', '{}', %s, %s, %s,
                       'user')""",
            [number, at(begin + 5), at(begin), at(end)],
        )


def _alert(conn: Conn, device: int | None, begin: int, end: int) -> int:
    row = conn.execute(
        """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                              message, opened_at, last_sign_at, closed_at)
           VALUES (%s, 'device', 'unreachable', 'normal', 'error', 'transition', 'down', '{}',
                   %s, %s, %s)
           RETURNING id""",
        [device, at(begin), at(begin), at(end)],
    ).fetchone()
    assert row is not None
    return int(row["id"])


def _prepare(conn: Conn) -> None:
    conn.execute("INSERT INTO customer (key, name) VALUES ('c', 'C')")
    conn.execute("INSERT INTO engineer (key, name) VALUES ('e1', 'E1'), ('e2', 'E2')")
    conn.execute("UPDATE engineer SET reports_to = 2 WHERE id = 1")
    conn.execute(
        """INSERT INTO site (key, name, customer_id, engineer_id, time_zone)
           VALUES ('s1', 'S1', 1, 1, 'Europe/Berlin'), ('s2', 'S2', 1, NULL, 'UTC')"""
    )
    conn.execute(
        """INSERT INTO contract (key, customer_id, site_id, plan, calendar, valid_from, recorded_at)
           VALUES ('k', 1, 1, 'kiosk', 'night', '2026-01-01', %s)""",
        [NIGHT],
    )


def found(conn: Conn, scope: Scope, world: World) -> dict[tuple[str, str], dict[str, int]]:
    rows = uptime(conn, scope, at(world.start), at(world.start + world.length))
    result: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        seconds: dict[Any, float] = {
            "up": row.up_s,
            "down": row.down_s,
            "unwatched": row.unwatched_s,
            "off_hours": row.off_hours_s,
            "failures": row.failures,
            **row.excluded_s,
        }
        if any(seconds.values()):  # a part may idle all the time
            result[scope, row.key] = {
                kind: round(spent) for kind, spent in seconds.items() if spent
            }
    return result


def listed(conn: Conn, world: World) -> dict[tuple[str, str], int]:
    """The seconds that the downtimes of every device, site, ... sum to."""
    period = at(world.start), at(world.start + world.length)
    sums: dict[tuple[str, str], int] = {}
    for scope in SCOPES:
        for row in uptime(conn, scope, *period):
            counts = sum(one.counts_s for one in downtimes(conn, scope, row.key, *period))
            if counts:
                sums[scope, row.key] = round(counts)
    return sums


def test_every_minute_counts_once_and_goes_to_whom_it_belongs(database: Database) -> None:
    publish(database, ManualClock(NIGHT), read_text(PLANS))
    with database.transaction() as conn:
        _prepare(conn)

        @settings(max_examples=30, deadline=None)
        @given(world=WORLDS)
        def agrees(world: World) -> None:
            expected = Oracle(world).seconds
            with conn.transaction(force_rollback=True):
                write(conn, world)
                for scope in SCOPES:
                    wanted = {key: dict(row) for key, row in expected.items() if key[0] == scope}
                    assert found(conn, scope, world) == wanted
                assert listed(conn, world) == {
                    key: row["down"] for key, row in expected.items() if row["down"]
                }

        agrees()
