"""Where the threshold lies, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.labels import failed
from models.judge.evaluation import Scored, evaluate, tally
from models.judge.money import cheapest_threshold, cost_curve
from models.settings import Costs, CostSettings
from pipeline.features.frames import marks

COSTS = CostSettings(visit=100, failure_in_service=500)


def _scored(probability: list[float], failures: list[tuple[int, float]]) -> Scored:
    """Two devices with a decision every 12 h."""
    half = len(probability) // 2
    moment = np.tile(np.arange(1.0, half + 1) * 12, 2)
    device = np.repeat([0, 1], half)
    known = marks([("part", d, at, at) for d, at in failures])
    label = failed(known, device, moment, 24)
    return Scored(device, moment, np.array(probability[: 2 * half]), label, known, 24, 1, 12)


scores = st.builds(
    _scored,
    st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), min_size=8, max_size=40),
    st.lists(st.tuples(st.integers(0, 1), st.integers(20, 200).map(float)), max_size=4),
)


@settings(max_examples=30, deadline=None)
@given(scores)
def test_the_curve_is_what_each_threshold_costs(scored: Scored) -> None:
    curve = cost_curve(scored, np.array([0.2, 0.5, 0.8]), COSTS)
    for threshold, cost, rate in zip(
        curve.threshold, curve.cost, curve.false_per_month, strict=True
    ):
        found = evaluate(scored, threshold, COSTS)
        assert cost == pytest.approx(found.cost)
        assert rate == pytest.approx(found.false_per_device_month)


@settings(max_examples=30, deadline=None)
@given(scores)
def test_no_threshold_that_may_be_chosen_is_cheaper(scored: Scored) -> None:
    chosen = evaluate(scored, cheapest_threshold(scored, COSTS), COSTS).cost
    for threshold in (0.2, 0.4, 0.6, 0.8, 0.95):
        assert chosen <= evaluate(scored, threshold, COSTS).cost


@settings(max_examples=30, deadline=None)
@given(scores, st.floats(0, 2))
def test_a_limit_to_false_episodes_is_kept(scored: Scored, most: float) -> None:
    costs = replace(COSTS, most_false=most)
    threshold = cheapest_threshold(scored, costs)
    assert evaluate(scored, threshold, costs).false_per_device_month <= most


def test_where_no_threshold_keeps_the_limit_there_is_silence() -> None:
    scored = _scored([0.99, 0.1] * 10, [])
    assert cheapest_threshold(scored, replace(COSTS, most_false=0.0)) == 1.0


def test_a_device_that_stands_for_others_counts_as_many() -> None:
    scored = _scored([0.9] + [0.1] * 19, [])
    heavy = replace(scored, weight=np.array([5.0, 1.0]))
    assert tally(heavy, 0.5).false_episodes.tolist() == [5, 0]
    curve = cost_curve(heavy, np.array([0.5]), COSTS)
    assert curve.cost.tolist() == [5 * COSTS.visit]


def test_a_foreseen_failure_costs_its_visit_less_what_planning_saves() -> None:
    costs = CostSettings(
        visit=100, hour_down=10, hours_down=5, failure_in_service=200, planned_saving=30
    )
    assert (costs.surprise, costs.foreseen) == (350, 70)
    assert costs.total(3, 2, 4) == 350 + 2 * 70 + 4 * 100
    # Sending somebody pays from here on: p * foreseen + (1 - p) * visit = p * surprise.
    p = costs.break_even
    assert p * costs.foreseen + (1 - p) * costs.visit == pytest.approx(p * costs.surprise)


def test_costs_that_are_not_said_of_a_kind_are_as_for_all() -> None:
    costs = Costs(COSTS, {"kiosk": CostSettings(visit=1)})
    assert (costs.of("kiosk").visit, costs.of("pos").visit) == (1, 100)


def test_where_nothing_costs_anything_nobody_is_sent() -> None:
    assert CostSettings(0, 0, 0, 0, 0).break_even == 1.0
