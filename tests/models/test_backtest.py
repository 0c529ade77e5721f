"""A backtest from a folder to its figures, its report and its refusals."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.errors import BadInputError
from forecall.cli import app
from forecall.commands.backtest import duration
from models.backtest.as_json import to_json
from models.backtest.protocol import Asked
from models.backtest.report import report
from models.backtest.result import Backtest
from models.backtest.run import backtest
from models.settings import Costs, CostSettings
from pipeline.history import read_history
from tests.models.folders import PART, START, Fleet, Life, alarms, heat, noise, wearing

HORIZON = timedelta(days=3)
FIGURES = {
    *("positives", "precision", "recall", "f1", "pr_auc", "roc_auc", "brier", "threshold"),
    *("events", "warned", "median_lead_h", "false_episodes_per_device_month"),
    *("top_1pct", "top_3pct"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fleet = Fleet(wearing(), {"heat": heat, "noise": noise})
    return fleet.write(Path(tmp_path_factory.mktemp("history")) / "fleet")


@pytest.fixture(scope="module")
def result(folder: Path) -> Backtest:
    return backtest(read_history(folder), Asked(HORIZON))


@pytest.fixture(scope="module")
def figures(result: Backtest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(to_json(result), allow_nan=False))
    return found


def test_the_keys_are_those_that_were_promised(figures: dict[str, Any]) -> None:
    assert set(figures) >= {"protocol", "components", "macro", "baselines", "money", "seconds"}
    assert set(figures["protocol"]) >= {
        *("horizon_h", "lead_h", "every_h", "train_until", "test_from", "test_to", "gap_h"),
        *("decisions_train", "decisions_test"),
    }
    assert set(figures["baselines"]) == {"rule", "logistic"}
    assert {"features", "train", "score"} == set(figures["seconds"])
    for part in (figures, *figures["baselines"].values()):
        assert set(part["components"]) == {PART}
        assert set(part["components"][PART]) >= FIGURES
        assert set(part["macro"]) >= FIGURES
        for share in ("top_1pct", "top_3pct"):
            assert {"warned", "events", "precision"} == set(part["components"][PART][share])


def test_what_announces_itself_is_foretold(figures: dict[str, Any]) -> None:
    one = figures["components"][PART]
    assert one["events"] >= 20
    assert one["warned"] >= 0.9 * one["events"]
    assert one["roc_auc"] > 0.9
    assert one["false_episodes_per_device_month"] < 0.3
    money = figures["money"]
    assert money["model"] < money["repair_when_it_breaks"]


def test_defaults_come_from_the_data(figures: dict[str, Any]) -> None:
    protocol = figures["protocol"]
    assert (protocol["gap_h"], protocol["horizon_h"]) == (72, 72)
    assert 0 < protocol["lead_h"] < 72
    cut = datetime.fromisoformat(protocol["test_from"])
    learned = datetime.fromisoformat(protocol["train_until"])
    assert cut - learned == timedelta(hours=72)
    assert 0.4 < (cut - START) / timedelta(days=150) < 0.9


def test_lists_say_what_the_figures_say(figures: dict[str, Any]) -> None:
    one = figures["components"][PART]
    assert len(figures["failures"]) == one["events"]
    warned = [row for row in figures["failures"] if row["warned_at"]]
    assert len(warned) == one["warned"]
    for row in warned:
        lead = datetime.fromisoformat(row["at"]) - datetime.fromisoformat(row["warned_at"])
        assert timedelta(hours=figures["protocol"]["lead_h"]) <= lead <= HORIZON
    assert sum(row["false"] for row in figures["episodes"]) == one["false_episodes"]


def test_intervals_hold_their_figures(figures: dict[str, Any]) -> None:
    one = figures["components"][PART]
    for name in ("precision", "recall", "f1", "pr_auc", "roc_auc", "brier"):
        low, high = one["intervals"][name]
        assert low <= one[name] <= high


def test_the_report_stands_alone_and_escapes_what_is_the_users(
    figures: dict[str, Any], result: Backtest
) -> None:
    figures = json.loads(json.dumps(figures).replace("d00", "<script>d00"))
    page = report(figures, "A <b>bold</b> fleet")
    assert "<script" not in page
    assert "A &lt;b&gt;bold" in page
    assert page.count("<svg") >= 4
    assert "http" not in page.replace("http-equiv", "")


def test_the_command_writes_both(folder: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "out.html"
    options = ["--horizon", "3d", "--split", "2026-04-15", "--lead", "1d", "--component", PART]
    told = CliRunner().invoke(
        app,
        ["backtest", "--history", str(folder), *options, "--json", str(out), "--report", str(page)],
    )
    assert told.exit_code == 0, told.output
    figures = json.loads(out.read_text())
    assert figures["protocol"]["test_from"].startswith("2026-04-15")
    assert figures["protocol"]["lead_h"] == 24
    assert PART in page.read_text()
    assert "repairing when it breaks" in " ".join(told.output.split())


def test_devices_held_out_teach_nothing(folder: Path) -> None:
    history = read_history(folder)
    found = backtest(history, Asked(HORIZON, by_device=0.3))
    (one,) = found.judged
    asked = set(one.device.tolist())
    assert len(asked) == 9
    rehearsed = one.contenders["model"].rehearsal
    assert rehearsed.weight is not None
    assert len(rehearsed.weight) == 21
    assert to_json(found)["components"][PART]["warned"] > 0


def test_events_alone_are_enough(tmp_path: Path) -> None:
    lives = wearing(20)
    folder = Fleet(lives, {"heat": heat}).write(tmp_path / "told")
    (folder / "readings.csv").unlink()
    alarms(folder, lives)
    one = to_json(backtest(read_history(folder), Asked(HORIZON)))["components"][PART]
    assert one["warned"] >= 0.8 * one["events"] > 0


def test_kinds_of_devices_are_learned_apart(tmp_path: Path) -> None:
    fleet = Fleet(wearing(), {"heat": heat}, kinds=("press", "lathe"))
    costs = Costs(by_kind={"lathe": CostSettings(failure_in_service=9_000)})
    found = to_json(backtest(read_history(fleet.write(tmp_path / "two")), Asked(HORIZON), costs))
    assert set(found["components"]) == {f"lathe/{PART}", f"press/{PART}"}
    assert found["money"]["costs"]["lathe"]["surprise"] > 9_000
    one = found["components"].values()
    assert sum(each["events"] for each in one) == found["total"]["events"] == len(found["failures"])


def test_a_place_that_can_not_be_written_to_is_refused_at_once(folder: Path) -> None:
    nowhere = str(folder / "no" / "such" / "out.json")
    told = CliRunner().invoke(app, ["backtest", "--history", str(folder), "--json", nowhere])
    assert isinstance(told.exception, BadInputError)
    assert "there is no folder" in str(told.exception)


def test_a_test_period_without_failures_says_so(tmp_path: Path) -> None:
    lives = [Life([day for day in life.failures if day < 90], 150) for life in wearing()]
    folder = Fleet(lives, {"heat": heat}).write(tmp_path / "quiet")
    split = START + timedelta(days=100)
    figures = to_json(backtest(read_history(folder), Asked(HORIZON, split=split)))
    one = figures["components"][PART]
    assert (one["events"], one["recall"], one["pr_auc"]) == (0, None, None)
    assert one["false_episodes_per_device_month"] >= 0
    assert figures["macro"]["f1"] is None
    assert "Nothing failed in the test period" in report(figures, "quiet")


def test_a_component_that_never_failed_before_is_named(tmp_path: Path) -> None:
    fleet = Fleet(wearing(), {"heat": heat}, parts=lambda day: PART if day < 110 else "valve")
    history = read_history(fleet.write(tmp_path / "new"))
    figures = to_json(backtest(history, Asked(HORIZON, split=START + timedelta(days=110))))
    (skipped,) = figures["skipped"]
    assert skipped["component"] == "valve"
    assert skipped["failures"] > 0
    assert "too few failures" in skipped["why"]
    assert set(figures["components"]) == {PART}
    assert "valve" in report(figures, "new")


def test_nothing_that_can_be_learned_is_a_report_too(tmp_path: Path) -> None:
    lives = [Life([20, 120] if place < 2 else [], 150) for place in range(6)]
    history = read_history(Fleet(lives, {"heat": heat}).write(tmp_path / "few"))
    figures = to_json(backtest(history, Asked(HORIZON, split=START + timedelta(days=80))))
    assert figures["components"] == {}
    assert "Not judged" in report(figures, "few")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(HORIZON, gap=timedelta(days=2)), r"gap: 48 h; allowed: the horizon, 72 h, or more"),
        (Asked(HORIZON, lead=HORIZON), r"lead: 72 h; allowed"),
        (Asked(timedelta(days=60)), r"horizon: 1440 h; the history spans .* three horizons"),
        (Asked(HORIZON, components=("fan",)), r"component: 'fan' never failed .*pump"),
        (Asked(HORIZON, split=START), r"split: 2026-01-01 00:00; allowed: after"),
        (Asked(HORIZON, by_device=1.5), r"by-device: 1.5; allowed"),
        (Asked(timedelta(0)), r"horizon: 0 h; allowed: more than 0"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, asked: Asked, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        backtest(read_history(folder), asked)


def test_without_failures_there_is_nothing_to_judge(tmp_path: Path) -> None:
    folder = Fleet([Life([], 60)] * 3, {"heat": heat}).write(tmp_path / "sound")
    with pytest.raises(BadInputError, match="failures has no rows"):
        backtest(read_history(folder), Asked(HORIZON))


@pytest.mark.parametrize(
    ("text", "hours"), [("24h", 24), ("3d", 72), ("1.5 h", 1.5), ("2w", 336), ("90min", 1.5)]
)
def test_durations(text: str, hours: float) -> None:
    assert duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "24", "h", "-3d", "3 months"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInputError, match="such as 24h or 3d"):
        duration(text)
