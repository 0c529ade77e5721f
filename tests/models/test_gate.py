"""What lets a candidate pass, and what holds it back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.judge.evaluation import Scored
from models.registry.catalogue import Stage
from models.settings import CostSettings
from models.training.gate import Contender, Verdict, contender, judge
from pipeline.features.frames import Marks

COSTS = CostSettings()
_DEVICES, _DECISIONS, _EVERY_H = 12, 40, 6.0
PLACES = np.arange(_DEVICES) % 4


def _scored(probability: NDArray[np.float64], fails: NDArray[np.bool_]) -> Scored:
    """(devices, decisions): device `d` fails half a day after the last decision where `fails[d]`."""
    end = _DECISIONS * _EVERY_H
    moment = np.tile(np.arange(_DECISIONS) * _EVERY_H, _DEVICES)
    device = np.repeat(np.arange(_DEVICES), _DECISIONS)
    failing = np.flatnonzero(fails)
    at = np.full(len(failing), end + 6.0)
    marks = Marks(("p",), np.zeros(len(failing), np.int64), failing, at, at)
    label = fails[device] & (moment >= end + 6.0 - 24)
    return Scored(device, moment, probability.ravel(), label, marks, 24.0, every_h=_EVERY_H)


FAILS = np.arange(_DEVICES) < 8


def _says(warns: NDArray[np.bool_], cries: int = 0) -> Contender:
    """Warns of the failures of devices marked; `cries` devices raise one false alarm."""
    probability = np.full((_DEVICES, _DECISIONS), 0.01)
    probability[warns, -3:] = 0.9
    probability[:cries, 0] = 0.9
    return contender(_scored(probability, FAILS), 0.5, COSTS)


def _wanting(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.wanting]


NONE = np.zeros(_DEVICES, bool)


def test_who_foresees_what_others_miss_passes() -> None:
    verdict = judge(_says(FAILS), _says(NONE), None, COSTS, PLACES)
    assert _wanting(verdict) == []
    assert verdict.stage is Stage.CHAMPION
    assert verdict.to_json()["passed"] is True


def test_who_is_dearer_than_the_rule_stays_behind() -> None:
    few = FAILS & (np.arange(_DEVICES) < 3)
    verdict = judge(_says(few), _says(FAILS), None, COSTS, PLACES)
    assert "cheaper_than_rule" in _wanting(verdict)
    assert verdict.stage is Stage.CANDIDATE


def test_false_alarms_may_cost_more_than_waiting() -> None:
    verdict = judge(_says(NONE, cries=6), _says(NONE, cries=12), None, COSTS, PLACES)
    assert "cheaper_than_nothing" in _wanting(verdict)
    assert "cheaper_than_rule" not in _wanting(verdict)


def test_a_champion_must_be_beaten_where_it_has_not_learned_from() -> None:
    better, same = _says(FAILS), _says(FAILS)
    rule = _says(NONE)
    assert judge(better, rule, (better, rule), COSTS, PLACES).stage is Stage.CHAMPION
    refused = judge(better, rule, (better, same), COSTS, PLACES)
    assert _wanting(refused) == ["cheaper_than_champion"]
    assert refused.stage is Stage.CHALLENGER  # one thing only is wanting


def test_as_cheap_as_the_champion_must_be_closer_to_what_came() -> None:
    sure, unsure = _says(FAILS), np.full((_DEVICES, _DECISIONS), 0.2)
    unsure[FAILS, -3:] = 0.6
    rule = contender(_scored(unsure, FAILS), 0.5, COSTS)
    assert sure.total == rule.total
    assert _wanting(judge(sure, rule, (sure, rule), COSTS, PLACES)) == []
    assert "cheaper_than_champion" in _wanting(judge(rule, sure, (rule, sure), COSTS, PLACES))
    assert "cheaper_than_rule" not in _wanting(judge(sure, sure, None, COSTS, PLACES))


def test_no_single_device_carries_the_gain() -> None:
    rest = FAILS & (np.arange(_DEVICES) > 0)
    ours, other = _says(FAILS), _says(rest)
    assert _wanting(judge(ours, _says(NONE), (ours, other), COSTS, PLACES)) == ["spread"]
    # Without that device it would be as good as the rule, which nobody is served by yet.
    assert _wanting(judge(ours, other, None, COSTS, PLACES)) == []
    dearer = _says(FAILS, cries=3)
    assert "spread" in _wanting(judge(dearer, other, None, COSTS, PLACES))


def test_no_single_site_carries_the_gain() -> None:
    here = PLACES == 0
    ours, other, rule = _says(FAILS), _says(FAILS & ~here), _says(NONE)
    assert _wanting(judge(ours, rule, (ours, other), COSTS, PLACES)) == ["spread"]
    nowhere = np.full(_DEVICES, -1)
    assert _wanting(judge(ours, rule, (ours, other), COSTS, nowhere)) == []


def test_few_failures_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.gate.FEWEST_FAILURES", 9)
    assert "enough" in _wanting(judge(_says(FAILS), _says(NONE), None, COSTS, PLACES))


def test_who_exaggerates_is_not_calibrated() -> None:
    probability = np.full((_DEVICES, _DECISIONS), 0.45)
    probability[FAILS, -3:] = 0.9
    loud = contender(_scored(probability, FAILS), 0.5, COSTS)
    assert _wanting(judge(loud, _says(NONE), None, COSTS, PLACES)) == ["calibrated"]
