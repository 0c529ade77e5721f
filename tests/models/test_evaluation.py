"""Figures on hand-made alarms, whose right answers can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.labels import broken, failed, hours_since_last, hours_to_next, replaced_in_time
from models.judge.evaluation import Scored, evaluate
from models.judge.money import cheapest_threshold
from models.settings import CostSettings
from pipeline.features.frames import marks

COSTS = CostSettings(visit=100, failure_in_service=500)


def _scored(alarms: dict[int, list[float]], failures: list[tuple[int, float]]) -> Scored:
    """Two devices, a decision every 3 h for 300 h; probability 0.9 at `alarms`, else 0.1."""
    hours = np.arange(3.0, 301, 3)
    device = np.repeat([0, 1], len(hours))
    moment = np.tile(hours, 2)
    alarm = [hour in alarms.get(int(d), []) for d, hour in zip(device, moment, strict=True)]
    known = marks([("part", d, at, at) for d, at in failures])
    label = failed(known, device, moment, 24)
    return Scored(device, moment, np.where(alarm, 0.9, 0.1), label, known, 24)


def test_an_alarm_a_day_before_the_failure_warns_of_it() -> None:
    metrics = evaluate(_scored({0: [90.0]}, [(0, 110.0)]), 0.5, COSTS)
    assert (metrics.failures, metrics.warned) == (1, 1)
    assert (metrics.episodes, metrics.false_episodes, metrics.cost) == (1, 0, 0)


@pytest.mark.parametrize("hour", [81.0, 111.0, 114.0])
def test_too_early_and_too_late_warn_of_nothing(hour: float) -> None:
    metrics = evaluate(_scored({0: [hour]}, [(0, 111.5)]), 0.5, COSTS)
    assert metrics.warned == 0
    assert metrics.cost >= COSTS.failure_in_service


def test_another_devices_failure_is_not_warned_of() -> None:
    metrics = evaluate(_scored({1: [90.0]}, [(0, 110.0)]), 0.5, COSTS)
    assert (metrics.warned, metrics.false_episodes) == (0, 1)


def test_alarms_a_day_apart_are_one_episode() -> None:
    apart = evaluate(_scored({0: [30.0, 54.0, 78.0], 1: [30.0, 57.0]}, []), 0.5, COSTS)
    assert (apart.episodes, apart.false_episodes) == (3, 3)
    assert apart.cost == 3 * COSTS.visit


def test_an_episode_comes_true_until_a_horizon_after_its_last_alarm() -> None:
    scored = _scored({0: [30.0, 54.0], 1: [30.0, 54.0]}, [(0, 78.0), (1, 78.1)])
    metrics = evaluate(scored, 0.5, COSTS)
    assert (metrics.episodes, metrics.false_episodes) == (2, 1)


def test_decisions_are_counted_as_in_a_table() -> None:
    metrics = evaluate(_scored({0: [90.0, 105.0, 200.0 + 1]}, [(0, 110.0)]), 0.5, COSTS)
    assert metrics.positives == 8  # 87, 90, ..., 108
    assert metrics.precision == pytest.approx(2 / 3)
    assert metrics.recall == pytest.approx(2 / 8)


def test_the_threshold_lies_in_the_middle_of_what_is_as_cheap() -> None:
    threshold = cheapest_threshold(_scored({0: [90.0]}, [(0, 110.0)]), COSTS)
    assert threshold == pytest.approx(0.5, abs=0.05)


def test_where_nothing_can_be_foretold_the_threshold_keeps_silent() -> None:
    scored = _scored({0: [30.0], 1: [201.0]}, [])
    assert evaluate(scored, cheapest_threshold(scored, COSTS), COSTS).false_episodes == 0


def test_the_label_begins_after_the_moment_and_ends_with_the_horizon() -> None:
    failures = marks([("part", 0, 100.0, 100.0)])
    device, moment = np.zeros(4, np.int64), np.array([75.9, 76.0, 99.9, 100.0])
    assert failed(failures, device, moment, 24).tolist() == [False, True, True, False]


def test_hours_to_and_since_stay_with_their_device() -> None:
    known = marks([("part", 0, 10.0, 10.0), ("part", 1, 20.0, 20.0)])
    device, moment = np.array([0, 0, 1, 1, 2]), np.array([5.0, 15.0, 15.0, 25.0, 15.0])
    assert hours_to_next(known, device, moment).tolist() == [5, np.inf, 5, np.inf, np.inf]
    assert hours_since_last(known, device, moment).tolist() == [np.inf, 5, np.inf, 5, np.inf]


def test_a_broken_component_is_asked_nothing_until_it_is_repaired() -> None:
    failures = marks([("part", 0, 100.0, 100.0), ("part", 1, 100.0, 100.0)])
    repairs = marks([("part", 0, 110.0, 110.0)])
    device = np.array([0, 0, 0, 1, 1])
    moment = np.array([99.0, 105.0, 110.0, 150.0, 172.0])
    result = broken(failures, repairs, device, moment)
    assert result.tolist() == [False, True, False, True, False]
    now = broken(failures, marks([("part", 0, 100.0, 100.0)]), np.array([0]), np.array([100.0]))
    assert now.tolist() == [True]  # though its repair carries the same time


def test_what_was_replaced_in_time_teaches_nothing() -> None:
    failures = marks([("part", 0, 100.0, 100.0)])
    repairs = marks([("part", 0, 50.0, 50.0), ("part", 0, 100.0, 100.0)])
    device, moment = np.zeros(3, np.int64), np.array([20.0, 40.0, 90.0])
    result = replaced_in_time(failures, repairs, device, moment, 24)
    assert result.tolist() == [False, True, False]
