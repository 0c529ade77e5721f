"""What must not help: the future, chance, and the way in which data end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.backtest.protocol import Asked
from models.backtest.result import Backtest
from models.backtest.run import backtest
from models.data.dataset import Dataset
from models.data.history import Chunk
from pipeline.history import read_history
from tests.models.folders import START, Fleet, Life, heat, noise, wearing

HORIZON = timedelta(days=3)


def _score(result: Backtest, of: str = "model") -> float:
    """ROC-AUC over all components, by decision."""
    scored = [one.contenders[of].scored for one in result.judged]
    label = np.concatenate([each.label for each in scored])
    told = np.concatenate([each.probability for each in scored])
    return float(roc_auc_score(label, told))


def _told_too_late(life: Life, day: int, _draw: np.random.Generator) -> float:
    """Whether the device failed in the three days before: the label, when it is of no use."""
    return float(any(0 <= day - at < 3 for at in life.failures))


def test_a_planted_future_column_does_not_raise_the_score(tmp_path: Path) -> None:
    lives = wearing(seed=3)
    plain = Fleet(lives, {"noise": noise}).write(tmp_path / "plain")
    planted = Fleet(lives, {"noise": noise, "future": _told_too_late}).write(tmp_path / "planted")
    without, with_it = (
        _score(backtest(read_history(folder), Asked(HORIZON))) for folder in (plain, planted)
    )
    assert with_it < without + 0.1


def test_shuffled_labels_give_chance_level(tmp_path: Path) -> None:
    """Heat rises before failures, but those that are recorded are others: on any day as likely."""
    draw = np.random.default_rng(1)
    shown = wearing(40, seed=4)
    recorded = [Life([day for day in range(5, 149) if draw.random() < 1 / 35], 150) for _ in shown]
    hidden = dict(zip(map(id, recorded), shown, strict=True))

    def of_another(life: Life, day: int, random: np.random.Generator) -> float:
        return heat(hidden[id(life)], day, random)

    folder = Fleet(recorded, {"heat": of_another}).write(tmp_path / "shuffled")
    assert _score(backtest(read_history(folder), Asked(HORIZON))) == pytest.approx(0.5, abs=0.12)


def test_the_end_of_a_devices_data_does_not_betray_its_failure(tmp_path: Path) -> None:
    """Half of the devices end with a failure, half are taken away: nothing tells them apart."""
    draw = np.random.default_rng(2)
    lives = []
    for place in range(80):
        days = min(150, 20 + int(draw.exponential(70)))  # at any age as likely
        lives.append(Life([days] if place % 2 and days < 150 else [], days))
    fleet = Fleet(lives, {"noise": noise}, repaired=False)
    folder = fleet.write(tmp_path / "ending")
    result = backtest(read_history(folder), Asked(HORIZON, by_device=0.4))
    assert _score(result) == pytest.approx(0.5, abs=0.2)


class _Spy:
    """Runs here, and keeps what was read for learning."""

    def __init__(self) -> None:
        self.learned: list[tuple[Chunk, Dataset]] = []

    def __call__(self, function: Callable[[Any], Any], values: Iterable[Any], /) -> Iterator[Any]:
        for value in values:
            answer = function(value)
            if isinstance(answer, Dataset):
                self.learned.append((value, answer))
            yield answer


def test_the_gap_is_kept_and_nothing_behind_it_is_read(tmp_path: Path) -> None:
    folder = Fleet(wearing(), {"heat": heat}).write(tmp_path / "fleet")
    spy, split = _Spy(), START + timedelta(days=100)
    asked = Asked(HORIZON, split=split, gap=timedelta(days=5))
    result = backtest(read_history(folder), asked, run=spy)
    assert result.protocol.at(result.protocol.learn_until) == split - timedelta(days=5)
    for chunk, data in spy.learned:
        assert chunk.until == split
        assert (data.start + timedelta(hours=data.moment.max())) <= split - timedelta(days=5)
        assert data.failures.at.max() < (split - data.start) / timedelta(hours=1)
    for one in result.judged:
        asked_at = one.contenders["model"].scored.moment
        assert result.protocol.at(asked_at.min()) >= split


def test_no_decision_lies_between_a_failure_and_its_repair(tmp_path: Path) -> None:
    folder = Fleet(wearing(), {"heat": heat}).write(tmp_path / "fleet")
    for one in backtest(read_history(folder), Asked(HORIZON)).judged:
        scored = one.contenders["model"].scored
        for device, at in zip(scored.failures.device, scored.failures.at, strict=True):
            here = scored.moment[scored.device == device]
            assert not ((here >= at) & (here < at + 24)).any()
