"""The examiner: warnings against the truth, counted by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from typer.testing import CliRunner

from domain.errors import BadInputError
from forecall.cli import app
from models.examine.bound import bounds
from models.examine.examiner import (
    JudgedEpisode,
    JudgedFailure,
    examine,
    examine_backtest,
)
from models.settings import Costs, CostSettings
from simulator.truth import TRUTH_FILE, Outcome, Truth, write_truth

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
    """Of each failure the share of its last day that comes after a sign, and chance for the rest."""
    figures = _figures()
    figures["components"] = {"pos/cardReader": {"decisions": 100, "positives": 20, "pr_auc": 0.4}}
    (bound,) = examine_backtest(TRUTH, figures, COSTS).bounds
    told = (24 / 24 + 24 / 24 + 0 + 10 / 24 + 10 / 24) / 5
    seen = (20 / 24 + 24 / 24 + 0 + 0.5 / 24 + 8 / 24) / 5
    assert (bound.component, bound.model) == ("pos/cardReader", 0.4)
    assert bound.oracle == pytest.approx(told + (1 - told) * 0.2, abs=1e-4)
    assert bound.visible == pytest.approx(seen + (1 - seen) * 0.2, abs=1e-4)


def test_the_oracle_of_the_bound_is_an_average_precision() -> None:
    label = np.repeat([True, True, False], [30, 10, 160])
    told = np.repeat([1.0, 0.1, 0.1], [30, 10, 160])
    rows = [_truth(str(n), 50, 50 - 18, None) for n in range(4)]  # 18 of the last 24 hours
    figures = {"cardReader": {"decisions": 200, "positives": 40}}
    (bound,) = bounds(rows, 24 * HOUR, figures)
    assert bound.oracle == pytest.approx(average_precision_score(label, told), abs=1e-4)


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
