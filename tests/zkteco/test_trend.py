"""How a clock's time runs and its log fills, and what is said when it changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.zkteco.fleet import Answer, Outcome
from collectors.zkteco.known import Known
from collectors.zkteco.reporting import answered
from collectors.zkteco.session import poll
from collectors.zkteco.trend import (
    DAY_S,
    History,
    Sample,
    days_to_full,
    drift_rate,
    failed_share,
    jumped,
    lengthened,
    zone_offset_s,
)
from domain.clock import ManualClock
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from simulator.zkteco.clock import EmulatedClock, Make
from storage.database import Database
from tests.zkteco.conftest import Register, Serve

NEVER_FELL = Sample(0.0, 0.0, 0, 0, 0)


def grown(days: float, rate: float, a_day: int = 0, every_s: float = 3600.0) -> History:
    """The history of a clock that gains `rate` seconds and gets `a_day` records a day."""
    history: History = ()
    for n in range(int(days * DAY_S / every_s) + 1):
        at = n * every_s
        drift = round(rate * at / DAY_S + 0.3)  # whole seconds
        history = lengthened(history, Sample(at, drift, int(a_day * at / DAY_S), 0, 0))
    return history


@given(st.floats(-60, 60), st.floats(2, 30))
def test_a_steady_slope_is_found(rate: float, days: float) -> None:
    found = drift_rate(grown(days, rate))
    assert found == pytest.approx(rate, abs=1.5)  # whole seconds over two days or more


def test_one_wrong_time_moves_no_slope() -> None:
    history = grown(6, 4.0)
    wrong = (*history[:9], history[9]._replace(drift_s=3600.0), *history[10:])
    assert drift_rate(wrong) == pytest.approx(4.0, abs=0.5)


def test_a_history_is_a_week_long_and_told_after_a_day() -> None:
    history = grown(30, 4.0)
    assert history[-1].at_s - history[0].at_s == 7 * DAY_S
    assert drift_rate(grown(0.9, 4.0)) is None


def test_days_to_full_follow_the_pace() -> None:
    history = grown(7, 0.0, a_day=100)
    now = Sample(7 * DAY_S, 0.0, 700, 0, 0)
    assert days_to_full(history, now, capacity=1000) == pytest.approx(3.0)
    assert days_to_full(history, now, capacity=0) is None
    assert days_to_full(grown(7, 0.0), now._replace(records=0), 1000) is None


def test_an_emptied_log_begins_a_new_history() -> None:
    history = grown(7, 0.0, a_day=100)
    assert lengthened(history, Sample(8 * DAY_S, 0.0, 5, 0, 0)) == (
        Sample(8 * DAY_S, 0.0, 5, 0, 0),
    )


def test_the_share_of_failed_fingers_is_that_of_the_last_day() -> None:
    history = (Sample(0, 0, 0, 0, 0), Sample(DAY_S, 0, 0, 100, 100))
    now = Sample(2 * DAY_S, 0, 0, 160, 120)
    assert failed_share(history, now) == 25.0
    assert failed_share(history, now._replace(verified=110, failed=105)) is None  # too few
    assert failed_share((), now) is None


@pytest.mark.parametrize(
    ("drift", "offset"),
    [
        (0, 0),
        (119, 0),
        (3600, 3600),
        (-3650, -3600),
        (1750, 1800),
        (1500, 0),
        (90_000, 0),
        (None, 0),
    ],
)
def test_whole_half_hours_are_a_time_zone(drift: float | None, offset: float) -> None:
    assert zone_offset_s(drift) == offset


def test_a_jump_is_more_than_a_crystal_runs_wrong() -> None:
    assert jumped(NEVER_FELL, Sample(300, 31.0, 0, 0, 0))
    assert not jumped(NEVER_FELL, Sample(300, 29.0, 0, 0, 0))
    assert not jumped(NEVER_FELL, Sample(10 * DAY_S, 500.0, 0, 0, 0))
    assert not jumped(NEVER_FELL, Sample(300, None, 0, 0, 0))


def test_what_is_known_comes_back_from_json() -> None:
    known = Known(records=3, sha256="ab", last=NEVER_FELL, history=(NEVER_FELL, NEVER_FELL))
    assert Known.from_json(known.as_json()) == known
    assert Known.from_json({"records": 2}) == Known(records=2)


class Polled:
    """One clock and what is stored of it."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self._database, self._clock = database, clock
        self._fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))

    def poll(self, after: timedelta = timedelta(minutes=10)) -> Answer:
        self._clock.advance(after)
        (target,) = self._fleet.claim(1, 1)
        sighting = poll(target, timeout_s=60)
        outcome: Outcome = answered(target, sighting, self._clock.now(), self._clock.now())
        assert self._fleet.settle([outcome]) == 1
        assert isinstance(outcome.result, Answer)
        return outcome.result

    def events(self) -> list[tuple[Any, ...]]:
        with self._database.transaction() as conn:
            rows = conn.execute("SELECT code, raw_code FROM device_event ORDER BY at, code")
            return [tuple(row.values()) for row in rows]


@pytest.fixture
def polled(database: Database, clock: ManualClock) -> Polled:
    return Polled(database, clock)


def test_a_new_firmware_and_another_card_are_told(
    polled: Polled, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))
    polled.poll()
    device.make = Make(firmware="Ver 6.70", mac="00:17:61:00:00:01")
    polled.poll()
    assert polled.events() == []  # the clock is asked for its make once a day
    polled.poll(after=timedelta(days=1))
    polled.poll()
    assert polled.events() == [
        ("x.FirmwareChanged", "Ver 6.70"),
        ("x.MacChanged", "00:17:61:00:00:01"),
    ]


def test_a_time_zone_is_told_from_a_battery_and_from_a_hand(
    polled: Polled, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))
    polled.poll()
    device.drift = timedelta(hours=-1)  # somebody forgot the change of time
    polled.poll()
    polled.poll()
    device.set_local_time(clock.now().replace(tzinfo=None) + timedelta(seconds=400))  # by hand
    polled.poll()
    device.operate(0)
    device.drift -= timedelta(minutes=55)  # without power, and with an empty battery
    answer = polled.poll()
    told = [event for event in polled.events() if event[0] not in ("x.TimeSet", "x.PowerOn")]
    assert told == [("x.TimeZoneWrong", "-1 h"), ("x.ClockJumped", "")]
    assert len(answer.known.history) == 1  # a jump begins a new line


def test_a_week_of_polls_gives_rates(
    polled: Polled, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock, make=Make(record_capacity=1000))
    register("door-1", serve(device))
    polled.poll()
    for n in range(1, 29):
        device.drift += timedelta(seconds=5)
        for user in range(10):
            device.punch(str(user))
        for _ in range(5):
            device.fail_verification()
        answer = polled.poll(after=timedelta(hours=6))
        assert ("x.ClockDriftRate" in answer.report.gauges) == (n >= 4)
    gauges = answer.report.gauges
    assert gauges["x.ClockDriftRate"] == pytest.approx(20, abs=1)
    assert gauges["x.DaysToFull"] == pytest.approx((1000 - 280) / 40, rel=0.05)
    assert gauges["x.VerifyFailedShare"] == pytest.approx(100 / 3)
