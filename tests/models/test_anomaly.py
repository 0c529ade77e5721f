"""Unusual devices without a failure on record: how many false alarms, and which faults are found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.clock import ManualClock
from domain.report import MetricKind
from domain.text import Text
from models.unusual import anomaly
from models.unusual.anomaly import BUDGET, WINDOWS_A_MONTH
from models.unusual.watch import watch
from storage.database import Database, Row
from tests.models.watched_fleet import START, healthy, store_devices, store_metric, watched


def test_healthy_fleets_raise_no_more_than_their_budget_over_seeds() -> None:
    episodes, months = 0, 0.0
    for seed in range(4):
        level = healthy(seed, windows=90, devices=120, heavy=seed % 2 == 1)
        episodes += watched(level).episodes
        months += 90 * 120 / WINDOWS_A_MONTH
    assert episodes <= BUDGET * months + 2 * np.sqrt(BUDGET * months)


def test_planted_faults_are_found_within_a_day_and_others_stay_quiet() -> None:
    level = healthy(5, windows=80, devices=120)
    level[70:, 7, 0] += 12  # jams
    level[70:, 11, 2] -= 1.5  # voltage
    level[70:, 13, 1] *= 0.02  # hardly used any more
    found = watched(level).alarm
    planted = {(0, 7), (1, 11), (0, 13)}
    for component, device in planted:
        assert found[70:75, component, device].any()
        assert not found[:70, component, device].any()
    others = {(int(c), int(d)) for _, c, d in np.argwhere(found[70:])} - planted
    assert len(others) <= 1


def test_a_new_fleets_first_day_is_judged_by_peers_alone() -> None:
    level = healthy(6, windows=5, devices=1000)
    level[:, 17, 2] += 9.0
    found = watched(level).alarm
    assert found[:, 1, 17].any()
    assert found.sum() - found[:, 1, 17].sum() <= 1


@pytest.mark.parametrize("seed", range(3))
def test_five_devices_are_silent_whatever_one_of_them_does(seed: int) -> None:
    level = healthy(seed, windows=60, devices=5)
    level[50:, 2] *= 30
    assert not watched(level).alarm.any()


def test_a_single_window_is_no_alarm() -> None:
    level = healthy(8, windows=60, devices=120)
    level[55, 7, 2] += 50
    assert not watched(level).alarm[:, 1, 7].any()


def test_what_all_do_at_once_is_not_unusual() -> None:
    level = healthy(9, windows=60, devices=120)
    level[56:, :, 1] *= 0.2  # a holiday
    level[56:, :, 3] += 15  # a heat wave
    assert watched(level).alarm[56:].sum() <= 1


def test_what_was_always_so_is_not_unusual_once_it_is_known() -> None:
    level = healthy(10, windows=60, devices=120)
    level[:, 7, 3] += 60
    assert not watched(level).alarm[20:, 1, 7].any()


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_peers_are_those_of_the_narrowest_circle_with_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = rng.normal(size=(40, 2)).astype(np.float32)
    value[rng.random(value.shape) < 0.2] = np.nan
    near = rng.integers(0, 4, 40)
    found = anomaly.against_peers(value, np.array([False, False]), [near, np.zeros(40, np.int64)])
    for device in range(40):
        for subject in range(2):
            column = value[:, subject]
            circle = np.sort(column[(near == near[device]) & np.isfinite(column)])
            if len(circle) < 8:
                circle = np.sort(column[np.isfinite(column)])
            expected = circle[(len(circle) - 1) // 2]
            assert found.middle[device, subject] == expected


def test_the_same_hours_of_the_week_are_what_is_usual() -> None:
    past = np.tile(np.arange(28, dtype=np.float32), 4)[:, None, None]
    past = past + np.random.default_rng(0).normal(0, 0.1, past.shape).astype(np.float32)
    gauge = np.array([False])
    as_ever = anomaly.against_past(np.full((1, 1), 0.0, np.float32), past, gauge)
    other = anomaly.against_past(np.full((1, 1), 20.0, np.float32), past, gauge)
    assert abs(as_ever[0, 0]) < 1 < other[0, 0]


def test_chances_fit_their_meaning_and_few_scores_say_nothing() -> None:
    rng = np.random.default_rng(0)
    past = np.abs(rng.standard_t(3, 20_000)).astype(np.float32)
    edge = np.quantile(np.abs(rng.standard_t(3, 4_000_000)), 1 - 1e-4)
    found = anomaly.chance(np.array([edge, 0.1], np.float32), past)
    assert 1e-4 / 3 < found[0] < 1e-4 * 3
    assert found[1] == 1
    assert (anomaly.chance(np.array([1e9], np.float32), past[:900]) == 1).all()
    alike = np.full(5_000, 0.5, np.float32)
    assert (anomaly.chance(np.array([9.0], np.float32), alike) == 1).all()


def test_alarms_keep_the_share_of_false_ones() -> None:
    chances = np.full((1, 10_000), 0.5)
    chances[0, :3] = 1e-5  # three of ten thousand: 0.1 are expected by chance
    assert anomaly.alarms(chances).sum() == 3
    chances[0, :3] = 8e-5  # within the budget, but as many are expected by chance
    assert anomaly.alarms(chances).sum() == 0


# On the store


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()


def _store(database: Database) -> tuple[list[int], ManualClock]:
    """Sixty kiosks for nine days; from the eighth on the third one's acceptor jams all the time."""
    rng = np.random.default_rng(0)
    ids, hours = store_devices(database, 60), 9 * 24
    jams = rng.poisson(0.05, (hours, 60)).astype(float)
    jams[7 * 24 :, 2] += rng.poisson(3, 48)
    volts = rng.normal(12, 0.2, 60) + rng.normal(0, 0.05, (hours, 60))
    store_metric(database, ids, "x.BillJamCount", MetricKind.COUNTER, jams)
    store_metric(database, ids, "x.SupplyVoltage", MetricKind.GAUGE, volts)
    return ids, ManualClock(START + timedelta(hours=hours, minutes=35))


def _catch_up(database: Database, clock: ManualClock) -> int:
    found = 0
    for _ in range(5):  # eight windows a turn
        found += watch(database, clock)
    return found


@pytest.fixture
def books(tmp_path: Path) -> RuleBooks:
    """The shipped rules without the one that sees jams by itself."""
    file = tmp_path / "rules.toml"
    file.write_text('disable = ["rate:x.BillJamCount"]')
    return RuleBooks(file)


def test_an_anomaly_opens_an_alert_and_no_ticket(database: Database, books: RuleBooks) -> None:
    ids, clock = _store(database)
    assert _catch_up(database, clock) == 1
    assert watch(database, clock) == 0
    evaluate(database, clock, Cases(clock), books)
    (alert,) = _rows(database, "SELECT * FROM alert")
    assert (alert["device_id"], alert["component"]) == (ids[2], "billAcceptor")
    assert (alert["fault_class"], alert["origin"]) == ("degraded", "anomaly")
    message = str(Text.from_json(alert["message"]))
    assert message.startswith("Unusual: bill jams rose ")
    assert message.endswith("times its peers")
    assert _rows(database, "SELECT FROM ticket") == []
    clock.advance(timedelta(hours=14))
    evaluate(database, clock, Cases(clock), books)
    assert _rows(database, "SELECT FROM alert WHERE active") == []


def test_it_stands_down_where_a_model_judges(database: Database) -> None:
    _, clock = _store(database)
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO model (task, stage, trained_at, train_from, train_until, horizon_h,
                                  feature_schema, threshold, metrics, settings, artifact,
                                  artifact_sha256)
               VALUES ('kiosk/billAcceptor', 'champion', %(at)s, %(at)s, %(at)s, 24, '', 0.5,
                       '{}', '{}', '', '')""",
            {"at": START},
        )
    assert _catch_up(database, clock) == 0


def test_nothing_is_said_of_a_component_that_is_known_to_be_broken(
    database: Database, books: RuleBooks
) -> None:
    ids, clock = _store(database)
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                  message, opened_at, last_sign_at)
               VALUES (%(id)s, 'billAcceptor', 'breakdown', 'unacknowledged', 'critical', 'event',
                       'event:critical', '{"template": ""}', %(at)s, %(at)s)""",
            {"id": ids[2], "at": clock.now()},
        )
    assert _catch_up(database, clock) == 1
    evaluate(database, clock, Cases(clock), books)
    assert len(_rows(database, "SELECT FROM alert")) == 1


def test_windows_are_looked_at_once_and_old_ones_forgotten(database: Database) -> None:
    _, clock = _store(database)
    _catch_up(database, clock)
    (count,) = _rows(database, "SELECT count(*), count(DISTINCT until) AS apart FROM fleet_level")
    assert count["count"] == count["apart"] == 37  # nine days, and the moment at which they begin
    clock.advance(timedelta(days=40))
    for _ in range(15):
        watch(database, clock)
    (left,) = _rows(database, "SELECT min(until) AS first FROM fleet_level")
    assert left["first"] > clock.now() - timedelta(days=29)
