"""The examiner: warnings against the truth, counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from typer.testing import CliRunner

from domain.device import DeviceKind
from domain.errors import BadInputError
from forecall.cli import app
from models.examine.bound import bounds
from models.examine.examiner import (
    JudgedEpisode,
    JudgedFailure,
    examine,
    examine_backtest,
)
from models.examine.observer import came, chance, rising_h
from models.settings import Costs, CostSettings
from simulator.fleet import plan_kinds
from simulator.lives import life_of
from simulator.truth import TRUTH_FILE, Outcome, Truth, outcome_of, write_truth

T = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEAD = HOUR
COSTS = Costs(
    CostSettings(
        visit=10,
        hour_down=0,
        hours_down=0,
        failure_in_service=90,
        planned_saving=5,
        most_false=None,
    )
)


def _truth(
    device: str, at: float, sign: float | None, visible: float | None, story: str = "wear"
) -> Truth:
    """Times in hours since T."""

    def moment(hours: float | None) -> datetime | None:
        return None if hours is None else T + hours * HOUR

    return Truth(
        device, "pos", "cardReader", story, Outcome.FAILED, moment(sign), moment(visible),
        T + at * HOUR, 1.0,
    )  # fmt: skip


TRUTH = [
    _truth("a", 50, 10, 30),  # visible, warned
    _truth("b", 50, 10, 20),  # visible, missed
    _truth("c", 50, None, None, "shock"),  # no sign, warned by luck
    _truth("d", 50, 40, 49.5, "misuse"),  # a sign in time, but visible too late
    _truth("e", 60, 50, 52),  # nobody was asked
    Truth("f", "pos", "cardReader", "wear", Outcome.SUBSIDED, T, T + HOUR, T + 9 * HOUR, 0.5),
]
FAILURES = [
    JudgedFailure("a", "cardReader", T + 50 * HOUR, T + 40 * HOUR),
    JudgedFailure("b", "cardReader", T + 50 * HOUR, None),
    JudgedFailure("c", "cardReader", T + 50 * HOUR, T + 48 * HOUR),
    JudgedFailure("d", "cardReader", T + 50 * HOUR, None),
]
EPISODES = [
    JudgedEpisode("a", "cardReader", T + 40 * HOUR, T + 49 * HOUR, False),
    JudgedEpisode("f", "cardReader", T + 5 * HOUR, T + 12 * HOUR, True),  # it did wear
    JudgedEpisode("b", "cardReader", T + 2 * HOUR, T + 3 * HOUR, True),  # out of nothing
]


def test_what_was_foreseen_of_what_could_be_is_counted_by_story() -> None:
    found = examine(TRUTH, FAILURES, EPISODES, LEAD, COSTS)
    assert (found.failures, found.unasked) == (5, 1)
    assert (found.with_sign, found.visible, found.foreseen, found.warned) == (4, 3, 1, 2)
    assert found.share == pytest.approx(1 / 3)
    assert found.lead_h == 6  # of 10 and 2
    assert found.visible_lead_h == 20  # of 8, 20 and 30
    assert (found.false_episodes, found.excused) == (2, 1)
    stories = {each.story: (each.failures, each.visible, each.foreseen) for each in found.stories}
    assert stories == {"wear": (3, 3, 1), "shock": (1, 0, 0), "misuse": (1, 0, 0)}


def test_money_lies_between_waiting_and_the_best_that_is_possible() -> None:
    found = examine(TRUTH, FAILURES, EPISODES, LEAD, COSTS)
    assert found.cost_waiting == 5 * 100
    assert found.cost_best == 3 * 5 + 2 * 100
    assert found.cost == 2 * 5 + 3 * 100 + 2 * 10


def _figures() -> dict[str, Any]:
    return {
        "protocol": {
            "test_from": T.isoformat(),
            "test_to": (T + 100 * HOUR).isoformat(),
            "horizon_h": 24.0,
            "lead_h": 1.0,
        },
        "components": {"pos/cardReader": {}},
        "skipped": [],
        "failures": [
            {
                "device": each.device,
                "component": "pos/cardReader",
                "at": each.at.isoformat(),
                "warned_at": each.warned_at.isoformat() if each.warned_at else None,
            }
            for each in FAILURES
        ],
        "episodes": [
            {
                "device": each.device,
                "component": "pos/cardReader",
                "from": each.first.isoformat(),
                "to": each.last.isoformat(),
                "false": each.false,
            }
            for each in EPISODES
        ],
    }


def test_a_backtests_json_is_held_against_the_truth_of_its_period() -> None:
    early = _truth("a", 3, 1, 2)
    found = examine_backtest([*TRUTH, early], _figures(), COSTS)
    assert (found.failures, found.unasked, found.foreseen) == (5, 1, 1)


def test_no_model_passes_what_first_signs_allow() -> None:
    """Of each failure the share of its last day that comes after a sign, and chance for the rest:
    where nothing is known of how such rises go on."""
    figures = _figures()
    figures["components"] = {"pos/cardReader": {"decisions": 100, "positives": 20, "pr_auc": 0.4}}
    truth = [replace(row, story="unheard of") for row in TRUTH]
    (bound,) = examine_backtest(truth, figures, COSTS).bounds
    told = (24 / 24 + 24 / 24 + 0 + 10 / 24 + 10 / 24) / 5
    seen = (20 / 24 + 24 / 24 + 0 + 0.5 / 24 + 8 / 24) / 5
    assert (bound.component, bound.model) == ("pos/cardReader", 0.4)
    an_hour = 20 / (5 * 24)  # decisions; of 32 hours it is known that it is too early, or of 6
    by_chance, later = 20 / (100 - 32 * an_hour), 20 / (100 - 6 * an_hour)
    assert bound.oracle == pytest.approx(told + (1 - told) * by_chance, abs=1e-4)
    assert bound.visible == pytest.approx(seen + (1 - seen) * later, abs=1e-4)


def test_the_oracle_of_the_bound_is_an_average_precision() -> None:
    label = np.repeat([True, True, False], [30, 10, 160])
    told = np.repeat([1.0, 0.1, 0.1], [30, 10, 160])
    rows = [_truth(str(n), 50, 50 - 18, None) for n in range(4)]  # 18 of the last 24 hours
    figures = {"cardReader": {"decisions": 200, "positives": 40}}
    (bound,) = bounds(rows, 24 * HOUR, figures)
    assert bound.oracle == pytest.approx(average_precision_score(label, told), abs=1e-4)


def _rises(kind: DeviceKind, component: str) -> list[Truth]:
    """Of some years of many devices; nobody asks here when their signs are visible."""
    start, end = T - timedelta(days=400), T + timedelta(days=400)
    fleet = plan_kinds({kind: 250}, T.date(), seed=5)
    return [
        Truth(
            device.key, kind.value, component, rise.story, outcome_of(rise), rise.onset, None,
            rise.peak, round(rise.height, 3),
        )
        for device in fleet.devices
        for rise in life_of(device, start, end).rises
        if rise.component == component and rise.onset < rise.peak and start < rise.onset < end
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "component", "horizon_h"),
    [
        (DeviceKind.KIOSK, "billAcceptor", 24.0),
        (DeviceKind.POS, "cardReader", 72.0),
        (DeviceKind.CLOCK, "powerSupply", 12.0),
    ],
)
def test_the_observer_of_the_bound_tells_true_chances(
    kind: DeviceKind, component: str, horizon_h: float
) -> None:
    told, outcome = [], []
    for row in _rises(kind, component):
        since = np.arange(0.5, rising_h(row), 1.0)
        told.append(chance(row, horizon_h, since))
        outcome.append(came(row, horizon_h, since))
    answer, truth = np.concatenate(told), np.concatenate(outcome)
    assert 0.1 < truth.mean() < 0.9
    for low, high in ((0.0, 0.05), (0.05, 0.7), (0.7, 0.9), (0.9, 1.01)):
        alike = (answer >= low) & (answer < high)
        if alike.sum() > 500:
            assert answer[alike].mean() == pytest.approx(truth[alike].mean(), abs=0.06)


@pytest.mark.parametrize(
    ("story", "strength", "hours"), [("shock", 0.0, 5), ("wear", 0.0, 5), ("wear", 1.0, 0)]
)
def test_rises_that_show_nothing_are_asked_without_harm(
    story: str, strength: float, hours: int
) -> None:
    """A file of truth may say anything."""
    row = Truth(
        "a", "kiosk", "billAcceptor", story, Outcome.FAILED, T, T, T + hours * HOUR, strength
    )
    (bound,) = bounds([row], 24 * HOUR, {"billAcceptor": {"decisions": 100, "positives": 8}})
    assert bound.oracle is not None
    assert 0 < bound.oracle <= 1


def test_what_looks_like_a_failure_and_is_none_lowers_the_bound() -> None:
    real = [
        Truth(str(n), "kiosk", "billAcceptor", "wear", Outcome.FAILED, T, T, T + 40 * HOUR, 1.0)
        for n in range(3)
    ]
    hours = 40 * 0.35 ** (1 / 1.6)  # a false start that is as steep
    false = Truth(
        "f", "kiosk", "billAcceptor", "wear", Outcome.SUBSIDED, T, None, T + hours * HOUR, 0.35
    )
    figures = {"billAcceptor": {"decisions": 1000, "positives": 24}}
    (alone,) = bounds(real, 24 * HOUR, figures)
    (misled,) = bounds([*real, false], 24 * HOUR, figures)
    assert alone.oracle == 1.0
    assert misled.oracle is not None
    assert 0.8 < misled.oracle < 1.0


@pytest.mark.parametrize("torn", [{}, {"failures": [{}]}, {"episodes": [{"device": "a"}]}])
def test_what_is_no_backtest_is_refused(torn: dict[str, Any]) -> None:
    figures = {**_figures(), **torn} if torn else {}
    with pytest.raises(BadInputError, match="backtest"):
        examine_backtest(TRUTH, figures, COSTS)


def test_the_command_says_it_in_a_line_or_as_json(tmp_path: Path) -> None:
    write_truth(tmp_path / TRUTH_FILE, TRUTH)
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(_figures()))
    words = ["examine", "--history", str(tmp_path), "--backtest", str(figures)]
    runner = CliRunner()
    plain = runner.invoke(app, words)
    assert "Simulated" in plain.output
    found = json.loads(runner.invoke(app, [*words, "--json"]).output)
    assert (found["visible"], found["foreseen"], found["unasked"]) == (3, 1, 1)
    assert isinstance(runner.invoke(app, words[:3]).exception, BadInputError)
