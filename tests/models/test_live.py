"""Models at work: who is asked, what is written, and what became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.actions import move, say_found
from desk.cases import Cases
from desk.lifecycle import CancelReason
from desk.upkeep import tick
from domain.clock import ManualClock
from domain.errors import BadInputError
from domain.fault import Finding, Found
from models.live.outcomes import Outcome, outcomes, precision, with_prevented
from models.live.score import CURVE_DAYS, score
from models.registry.artifacts import champions
from models.training.train import Trained
from storage.database import Database, Row
from tests.alerts.conftest import World
from tests.history.helpers import PRINTER, START, Told
from tests.models.dataset import tiny_dataset
from tests.models.test_registry import _copy


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()


def test_a_prediction_says_how_likely_a_failure_is_over_a_month(
    taught: Database, past: Told, made: Trained
) -> None:
    assert score(taught, ManualClock(past.end)) > 0
    for row in _rows(taught, "SELECT * FROM prediction"):
        assert row["model_id"] == made.model_id
        assert len(row["curve"]) == len(CURVE_DAYS)
        assert row["curve"] == sorted(row["curve"])
        assert row["curve"][0] == pytest.approx(row["probability"], abs=1e-4)  # one day: the task's


def test_only_devices_with_news_are_asked_again(taught: Database, past: Told) -> None:
    clock = ManualClock(past.end)
    everyone = score(taught, clock)
    clock.advance(timedelta(minutes=30))
    with taught.transaction() as conn:
        # Since they have a status all have been heard live; one of them just now.
        conn.execute(
            "INSERT INTO device_status (device_id, collector, state, since, last_seen_at, version)"
            " SELECT id, 'mqtt', 'up', %(then)s, CASE WHEN key = 'k03' THEN %(now)s ELSE %(then)s END,"
            " 1 FROM device",
            {"then": past.end - timedelta(minutes=5), "now": clock.now()},
        )
    assert everyone > 1
    assert score(taught, clock) == 1
    clock.advance(timedelta(minutes=30))
    assert score(taught, clock) == 1  # heard in the very moment of the last scoring
    clock.advance(timedelta(minutes=30))
    assert score(taught, clock) == 0
    with taught.transaction() as conn:
        conn.execute(
            "INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)"
            " SELECT id, 'other', 'cleaned', %(now)s, %(now)s, 'ticket' FROM device WHERE key = 'k04'",
            {"now": clock.now()},
        )
    clock.advance(timedelta(minutes=30))
    assert score(taught, clock) == 1


def test_a_challenger_speaks_in_shadow_and_nobody_acts_on_it(
    taught: Database, past: Told, made: Trained
) -> None:
    at = next(each for each in past.failures.values() if each)[-1]
    clock = ManualClock(START + timedelta(hours=at - 3))
    with taught.transaction() as conn:
        shadow = _copy(conn, made.model_id, "challenger")
        conn.execute("UPDATE model SET stage = 'retired' WHERE id = %s", [made.model_id])
    assert score(taught, clock) == 0
    told = _rows(taught, "SELECT * FROM shadow_prediction")
    assert {row["model_id"] for row in told} == {shadow}
    assert any(row["probability"] >= row["threshold"] for row in told)
    evaluate(taught, clock, Cases(clock), RuleBooks())
    assert _rows(taught, "SELECT FROM alert") == []


def test_a_model_that_cannot_be_used_stops_no_other(
    taught: Database, past: Told, made: Trained
) -> None:
    with taught.transaction() as conn:
        broken = _copy(conn, made.model_id, "challenger")
        conn.execute("UPDATE model SET artifact_sha256 = 'other' WHERE id = %s", [broken])
    with pytest.raises(BadInputError, match=f"model {broken}: its artifact does not fit"):
        score(taught, ManualClock(past.end))
    assert {row["model_id"] for row in _rows(taught, "SELECT model_id FROM prediction")} == {
        made.model_id
    }


def _outcomes(world: World) -> dict[Outcome, int]:
    with world.database.transaction() as conn:
        settled = outcomes(conn, world.clock.now() - timedelta(days=9), world.clock.now())
    return {kind: sum(each.outcome is kind for each in settled) for kind in Outcome}


def _foretold(world: World) -> int:
    world.predict(world.kiosk, PRINTER, 0.9)
    world.evaluate()
    return world.ticket().id


def _repair(world: World, ticket: int, finding: Finding | None) -> None:
    for name in ("plan", "dispatch", "arrive"):
        world.pass_time(hours=1)
        move(world.database, world.clock, ticket, name, actor="li")
    world.pass_time(hours=1)
    move(world.database, world.clock, ticket, "replace", actor="li", found=Found(finding))


def test_a_failure_after_a_prediction_came_true(world: World) -> None:
    _foretold(world)
    assert _outcomes(world)[Outcome.UNKNOWN] == 1
    world.pass_time(hours=5)
    world.event(world.kiosk, PRINTER, "broken", "critical")
    world.evaluate()
    assert _outcomes(world)[Outcome.CAME_TRUE] == 1


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [
        (Finding.WORN, Outcome.PREVENTED),
        (Finding.FAILED, Outcome.CAME_TRUE),
        (Finding.NO_FAULT_FOUND, Outcome.NOTHING_WRONG),
        (Finding.CANNOT_TELL, Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),  # that a part was replaced does not say that it was worn
    ],
)
def test_what_was_found_decides_whether_the_prediction_was_right(
    world: World, finding: Finding | None, outcome: Outcome
) -> None:
    _repair(world, _foretold(world), finding)
    assert _outcomes(world)[outcome] == 1


def test_a_finding_may_be_told_and_mended_after_the_repair(world: World) -> None:
    ticket = _foretold(world)
    _repair(world, ticket, None)
    for finding in (Finding.NO_FAULT_FOUND, Finding.WORN):
        say_found(world.database, world.clock, ticket, Found(finding), actor="li")
    assert _outcomes(world)[Outcome.PREVENTED] == 1


def test_nothing_wrong_on_site_is_a_false_alarm(world: World) -> None:
    ticket = _foretold(world)
    for name in ("plan", "dispatch", "arrive"):
        move(world.database, world.clock, ticket, name, actor="li")
    reason = CancelReason.FALSE_ALARM
    move(world.database, world.clock, ticket, "cancel", actor="li", reason=reason)
    assert _outcomes(world)[Outcome.NOTHING_WRONG] == 1
    # It fails after all, within the time foretold: then it was none.
    world.pass_time(hours=8)
    world.event(world.kiosk, PRINTER, "broken", "critical")
    world.evaluate()
    assert _outcomes(world)[Outcome.NOTHING_WRONG] == 0
    assert _outcomes(world)[Outcome.CAME_TRUE] == 1


def test_what_did_not_come_within_its_time_is_a_false_alarm(world: World) -> None:
    _foretold(world)
    world.pass_time(hours=25)
    world.evaluate()
    tick(world.database, world.clock)
    assert _outcomes(world)[Outcome.NOTHING_WRONG] == 1


def test_a_prevented_failure_is_learned_from_as_a_failure(world: World) -> None:
    _repair(world, _foretold(world), Finding.WORN)
    now = world.clock.now()
    data = tiny_dataset(now - timedelta(days=5), [world.clock_device, world.kiosk], now)
    with world.database.transaction() as conn:
        learned = with_prevented(conn, data, now)
        settled = outcomes(conn, now - timedelta(days=9), now)
    assert len(data.failures.at) == 0
    assert learned.failures.names == (PRINTER,)
    assert learned.failures.device.tolist() == [1]
    assert learned.failures.at.tolist() == [5 * 24]
    assert precision(settled).share == 1.0


def test_what_champions_there_are_is_read_with_their_forecasts(
    taught: Database, made: Trained
) -> None:
    with taught.transaction() as conn:
        (champion,) = champions(conn)
    assert champion.id == made.model_id
    assert champion.threshold == pytest.approx(made.threshold)
    assert champion.horizon_h == 24
