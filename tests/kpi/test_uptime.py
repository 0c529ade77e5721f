"""Uptime against a slow oracle, and what each scope sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from kpi.uptime.figures import Uptime, uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn, Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATES = ("up", "down", "unwatched")

History = list[tuple[int, str]]
"""Changes of one device: the minute after noon, and the state from then on."""


def device(conn: Conn, key: str, site: int | None = None, *, adopted: bool = True) -> int:
    row = conn.execute(
        """INSERT INTO device (key, kind, model, site_id, adopted_at)
           VALUES (%s, 'pos', 'M1', %s, %s)
           RETURNING id""",
        [key, site, NOON - HOUR if adopted else None],
    ).fetchone()
    assert row is not None
    return int(row["id"])


def write_history(conn: Conn, device_id: int, history: History) -> None:
    state = "unwatched"
    for version, (minute, new) in enumerate(history, start=1):
        conn.execute(
            """INSERT INTO device_transition
                   (device_id, from_state, to_state, at, cause, version, recorded_at)
               VALUES (%s, %s, %s, %s, 'contact', %s, %s)""",
            [device_id, state, new, NOON + timedelta(minutes=minute), version, NOON],
        )
        state = new


def oracle(history: History, start: int, end: int) -> dict[str, int]:
    """Looks at every minute."""
    seconds = dict.fromkeys(STATES, 0)
    for minute in range(start, end):
        state = "unwatched"
        for at, new in history:
            if at <= minute:
                state = new
        seconds[state] += 60
    return seconds


def as_seconds(found: Uptime) -> dict[str, int]:
    return {
        "up": round(found.up_s),
        "down": round(found.down_s),
        "unwatched": round(found.unwatched_s),
    }


@st.composite
def histories(draw: st.DrawFn) -> History:
    minutes = sorted(draw(st.lists(st.integers(-60, 180), max_size=8)))
    history: History = []
    state = "unwatched"
    for minute in minutes:
        state = draw(st.sampled_from([other for other in STATES if other != state]))
        history.append((minute, state))
    return history


def test_every_second_of_the_period_is_counted_once(database: Database) -> None:
    with database.transaction() as conn:

        @settings(max_examples=80, deadline=None)
        @given(
            fleet=st.lists(histories(), min_size=1, max_size=3),
            start=st.integers(-30, 60),
            length=st.integers(1, 150),
        )
        def agrees(fleet: list[History], start: int, length: int) -> None:
            first = NOON + timedelta(minutes=start)
            with conn.transaction(force_rollback=True):
                for number, history in enumerate(fleet):
                    write_history(conn, device(conn, f"d{number}"), history)
                found = uptime(conn, Scope.DEVICE, first, first + timedelta(minutes=length))
            assert [as_seconds(one) for one in found] == [
                oracle(history, start, start + length) for history in fleet
            ]

        agrees()


def test_each_scope_sums_its_own_devices(database: Database) -> None:
    with database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('c1', 'One'), ('c2', 'Two')")
        conn.execute("INSERT INTO engineer (key, name) VALUES ('li', 'Li Wei')")
        conn.execute(
            """INSERT INTO site (key, name, customer_id, engineer_id, city)
               VALUES ('s1', 'First', 1, 1, 'Lhasa'), ('s2', 'Second', 1, NULL, 'Lhasa'),
                      ('s3', 'Third', 2, 1, 'Lhasa')"""
        )
        for site in (1, 2, 3):
            write_history(conn, device(conn, f"d{site}", site), [(0, "up"), (10 * site, "down")])
        device(conn, "stranger", 1, adopted=False)
        found = {
            scope: {one.key: one.up_s / 60 for one in uptime(conn, scope, NOON, NOON + HOUR)}
            for scope in Scope
        }
    assert found[Scope.DEVICE] == {"d1": 10, "d2": 20, "d3": 30}
    assert found[Scope.SITE] == {"s1": 10, "s2": 20, "s3": 30}
    assert found[Scope.CUSTOMER] == {"c1": 30, "c2": 30}
    assert found[Scope.ENGINEER] == {"li": 40}
    assert found[Scope.REGION] == {"Lhasa": 60}
    assert found[Scope.MODEL] == {"M1": 60}


def test_time_that_nobody_watched_lowers_nobody_s_uptime(database: Database) -> None:
    with database.transaction() as conn:
        device(conn, "silent")
        write_history(conn, device(conn, "steady"), [(0, "up"), (10, "unwatched")])
        never, steady = uptime(conn, Scope.DEVICE, NOON, NOON + HOUR)
    assert (never.unwatched_s, never.ratio) == (3600, None)
    assert (steady.up_s, steady.unwatched_s, steady.ratio) == (600, 3000, 1.0)


def test_an_empty_period_is_refused(database: Database) -> None:
    with database.transaction() as conn, pytest.raises(BadInputError, match="is empty"):
        uptime(conn, Scope.DEVICE, NOON, NOON)
