"""Announcements are planned once each, whoever is killed and whatever can't be planned."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from alerts.outbox import Announcement, Topic, announce, announce_many
from alerts.outbox.delivery import Delivery
from alerts.outbox.letters import counts, dead_letters, retry
from alerts.outbox.relay import Again, Heard, relay
from alerts.outbox.sending import SIDE_BY_SIDE, Sender
from domain.clock import ManualClock
from storage.database import Conn, Database
from tests.outbox.worker import EachTwice
from tests.waiting import wait_for

CASES, CHANGES = 30, 8


class Picky(EachTwice):
    """Cannot plan what is told of alert/3, until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        if not self.mended and any(one.announcement.subject == "alert/3" for one in heard):
            raise ValueError("alert/3 is odd")
        return super().plan(conn, heard)


def _announce(database: Database, clock: ManualClock, count: int) -> None:
    with database.transaction() as conn:
        announce_many(
            conn,
            [
                Announcement(Topic.ALERT_RAISED, f"alert/{i}", clock.now(), {"i": i})
                for i in range(count)
            ],
        )


def test_what_cant_be_planned_holds_up_nothing_and_can_be_tried_again(
    database: Database, clock: ManualClock
) -> None:
    _announce(database, clock, 6)
    planner = Picky()
    assert relay(database, clock, clock, [planner]) == 6
    with database.transaction() as conn:
        state = counts(conn, clock)
        assert (state.announced, state.waiting, state.dead) == (0, 10, 1)
        [dead] = dead_letters(conn)
        assert (dead.subject, dead.last_error) == ("alert/3", "ValueError: alert/3 is odd")
        retry(conn, clock, [dead.id])
    planner.mended = True
    again = Again(database)
    assert Sender(database, clock, lambda _: again, wall=clock).send_due("announcement") == 1
    assert relay(database, clock, clock, [planner]) == 1
    with database.transaction() as conn:
        assert counts(conn, clock).waiting == 12


def test_planners_take_turns(database: Database, clock: ManualClock) -> None:
    _announce(database, clock, 1)
    with database.transaction() as conn:
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('forecall.outbox'))")
        assert relay(database, clock, clock, [EachTwice()]) == 0
    assert relay(database, clock, clock, [EachTwice()]) == 1


@contextmanager
def _worker(dsn: str, dies_after: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.worker", dsn, str(dies_after)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def arrival(database: Database) -> None:
    with database.transaction() as conn:
        conn.execute(
            """CREATE TABLE arrival (id bigint GENERATED ALWAYS AS IDENTITY, key text,
                                     channel text, subject text)"""
        )


def _arrivals(database: Database) -> list[tuple[str, str, str]]:
    with database.transaction() as conn:
        rows = conn.execute("SELECT key, channel, subject FROM arrival ORDER BY id").fetchall()
    return [(row["key"], row["channel"], row["subject"]) for row in rows]


@pytest.mark.usefixtures("arrival")
def test_killed_workers_lose_nothing_and_repeat_only_what_was_under_way(
    database: Database, dsn: str, clock: ManualClock
) -> None:
    deaths = (5, 17, 40)
    with _worker(dsn, deaths[0]) as one, _worker(dsn, deaths[1]) as two, _worker(dsn, deaths[2]):
        for _ in range(CHANGES):
            for case in range(CASES):
                with database.transaction() as conn:
                    told = Announcement(Topic.TICKET_NOTED, f"ticket/{case}", clock.now())
                    announce(conn, told)
        wait_for("two of them are dead", lambda: one.poll() and two.poll())
        with _worker(dsn):
            wait_for(
                "all arrived",
                lambda: len({key for key, *_ in _arrivals(database)}) == 2 * CASES * CHANGES,
            )
            wait_for("all is noted", lambda: _waiting(database) == 0)
    seen = Counter(key for key, *_ in _arrivals(database))
    assert sum(seen.values()) - len(seen) <= SIDE_BY_SIDE * len(deaths)
    _check_order(_arrivals(database))


def _waiting(database: Database) -> int:
    with database.transaction() as conn:
        row = conn.execute("SELECT count(*) AS n FROM delivery WHERE state = 'waiting'").fetchone()
    return int(row["n"]) if row else 0


def _check_order(arrivals: list[tuple[str, str, str]]) -> None:
    """Of each receiver and subject the first arrivals stand in the order of the announcements."""
    first: dict[str, tuple[str, str]] = {}
    for key, channel, subject in arrivals:
        first.setdefault(key, (channel, subject))
    by_lane: dict[tuple[str, str], list[int]] = {}
    for key, lane in first.items():
        by_lane.setdefault(lane, []).append(int(key.partition("/")[2]))
    assert len(by_lane) == 2 * CASES
    assert all(numbers == sorted(numbers) for numbers in by_lane.values())
