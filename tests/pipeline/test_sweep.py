"""Deadlines and absent collectors, against the store."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.clock import ManualClock, ScaledClock
from domain.device import Cause
from domain.report import Contact, DeviceReport, Identity
from pipeline.ingest import Ingest
from pipeline.sweep import sweep
from pipeline.watch import CollectorWatch, away_span, break_span, pause_simulation
from storage.database import Database, Row

MINUTE = timedelta(minutes=1)


class Scene:
    """One terminal that promises a word a minute, and its collector."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.watch = CollectorWatch(database, clock)
        self.ingest = Ingest(database, clock, "mqtt")
        self.start = clock.now()
        self.seq = 0

    def hear(self) -> None:
        self.seq += 1
        now, identity = self.clock.now(), Identity("boot", self.seq)
        self.ingest.store([DeviceReport("till-1", now, now, identity, Contact(interval_s=60))])

    def listen(self, span: timedelta) -> None:
        """Lets time pass with the collector beating and the sweep running."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.clock.advance(timedelta(seconds=2))
            self.watch.beat("mqtt")
            sweep(self.database, self.clock)

    def transitions(self) -> list[tuple[str, str, datetime]]:
        with self.database.transaction() as conn:
            found: list[Row] = conn.execute(
                "SELECT to_state, cause, at FROM device_transition ORDER BY version"
            ).fetchall()
        return [(row["to_state"], row["cause"], row["at"]) for row in found]


@pytest.fixture
def scene(database: Database, clock: ManualClock) -> Scene:
    scene = Scene(database, clock)
    scene.watch.beat("mqtt")
    scene.hear()
    return scene


def test_silence_past_three_intervals_is_down_from_the_first_missed_word(scene: Scene) -> None:
    scene.listen(3 * MINUTE - timedelta(seconds=2))
    assert [state for state, _, _ in scene.transitions()] == ["up"]
    scene.listen(timedelta(seconds=2))
    assert scene.transitions()[-1] == ("down", Cause.MISSED_HEARTBEATS, scene.start + MINUTE)
    scene.hear()
    assert scene.transitions()[-1] == ("up", Cause.CONTACT, scene.clock.now())


def test_nobody_is_down_while_no_collector_listens(scene: Scene) -> None:
    scene.clock.advance(timedelta(hours=1))
    sweep(scene.database, scene.clock)
    assert scene.transitions()[-1] == ("unwatched", Cause.COLLECTOR_AWAY, scene.start)
    assert sweep(scene.database, scene.clock) == 0


def test_a_collector_that_returns_marks_its_absence_and_waits_before_it_judges(
    scene: Scene,
) -> None:
    scene.clock.advance(timedelta(hours=1))
    back = scene.clock.now()
    scene.watch.beat("mqtt")
    assert scene.transitions()[-1] == ("unwatched", Cause.COLLECTOR_AWAY, scene.start)
    scene.listen(3 * MINUTE)
    assert scene.transitions()[-1] == ("down", Cause.MISSED_HEARTBEATS, back + MINUTE)


def test_a_short_break_moves_deadlines_but_leaves_states(scene: Scene) -> None:
    scene.listen(2 * MINUTE)
    scene.clock.advance(timedelta(seconds=10))
    scene.watch.beat("mqtt")
    back = scene.clock.now()
    scene.listen(3 * MINUTE - timedelta(seconds=2))
    assert [state for state, _, _ in scene.transitions()] == ["up"]
    scene.listen(timedelta(seconds=2))
    assert scene.transitions()[-1] == ("down", Cause.MISSED_HEARTBEATS, back + MINUTE)


def test_a_down_device_is_unwatched_too_when_its_collector_leaves(scene: Scene) -> None:
    scene.listen(4 * MINUTE)
    left = scene.clock.now()
    scene.clock.advance(timedelta(hours=2))
    sweep(scene.database, scene.clock)
    assert scene.transitions()[-1] == ("unwatched", Cause.COLLECTOR_AWAY, left)


def test_a_paused_simulation_is_nobodys_downtime(scene: Scene) -> None:
    with scene.database.transaction() as conn:
        assert pause_simulation(conn, scene.clock.now()) == 1
    assert scene.transitions()[-1] == ("unwatched", Cause.SIMULATION_PAUSED, scene.start)
    scene.listen(30 * MINUTE)  # the collector is back long before the simulated device is
    assert scene.transitions()[-1][0] == "unwatched"
    scene.hear()
    assert scene.transitions()[-1][0] == "up"
    scene.listen(5 * MINUTE)
    assert scene.transitions()[-1][:2] == ("down", Cause.MISSED_HEARTBEATS)


def test_a_polled_device_has_no_deadline(database: Database, clock: ManualClock) -> None:
    watch = CollectorWatch(database, clock)
    watch.beat("zkteco")
    now = clock.now()
    Ingest(database, clock, "zkteco").store([DeviceReport("clock-1", now, now)])
    for _ in range(100):
        clock.advance(timedelta(seconds=4))
        watch.beat("zkteco")
    assert sweep(database, clock) == 0


def test_spans_are_of_the_walls_time(clock: ManualClock) -> None:
    fast = ScaledClock(clock.now(), clock.now(), speed=300)
    assert break_span(fast) == timedelta(seconds=5 * 300)
    assert away_span(fast) == timedelta(seconds=15 * 300)


def test_a_machine_whose_clock_jumped_ten_years_ahead_and_back_is_watched_again(
    database: Database, clock: ManualClock
) -> None:
    """Else its collector would seem to be there for ten years, whatever became of it."""
    jumped = ManualClock(clock.now() + timedelta(days=3652))
    CollectorWatch(database, jumped).beat("mqtt")
    CollectorWatch(database, clock).beat("mqtt")
    with database.transaction() as conn:
        row = conn.execute("SELECT watching_since, beat_at FROM collector_watch").fetchone()
    assert row == {"watching_since": clock.now(), "beat_at": clock.now()}
