"""From a stored past to models, and from models to predictions with reasons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.clock import ManualClock
from domain.errors import BadInputError
from domain.text import Text
from models.live.score import score
from models.training.train import Trained, train
from storage.database import Database, Row
from tests.history.helpers import PRINTER, START, Told
from tests.models.conftest import SETTINGS


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query).fetchall()


def test_a_model_of_the_past_foretells_and_says_why(
    taught: Database, past: Told, made: Trained
) -> None:
    database, told = taught, past
    assert str(made.task) == f"kiosk/{PRINTER}"
    assert made.stage == "champion"
    assert made.test.failures >= 5
    assert made.test.warned >= 0.8 * made.test.failures
    assert made.test.false_episodes <= 0.25 * made.test.episodes

    # A moment shortly before a failure: that device must stand out, and the words must fit.
    key, failures = next((key, at) for key, at in told.failures.items() if at)
    clock = ManualClock(START + timedelta(hours=failures[-1] - 3))
    assert score(database, clock) > 0
    (foretold,) = _rows(
        database,
        "SELECT prediction.*, device.key FROM prediction JOIN device ON device.id = device_id "
        f"WHERE device.key = '{key}'",
    )
    assert foretold["component"] == PRINTER
    assert foretold["probability"] >= foretold["threshold"]
    assert foretold["at"] == clock.now()
    reasons = [str(Text.from_json(reason)) for reason in foretold["reasons"]]
    assert reasons
    assert any("print head temperature" in reason or "paperJam" in reason for reason in reasons)


def test_scoring_reads_nothing_later_than_its_clock(taught: Database, past: Told) -> None:
    database = taught
    clock = ManualClock(START + timedelta(days=30, minutes=20))
    score(database, clock)
    with database.transaction() as conn:
        whole = conn.execute("DELETE FROM prediction RETURNING device_id, probability").fetchall()
        for table, column in (
            ("rollup_hourly", "hour"),
            ("device_event", "at"),
            ("failure", "at"),
            ("maintenance", "at"),
        ):
            conn.execute(
                f"DELETE FROM {table} WHERE {column} > %s",
                [clock.now()],
            )
    score(database, clock)
    assert _rows(database, "SELECT device_id, probability FROM prediction") == whole


def test_of_a_device_that_is_silent_or_broken_nothing_is_foretold(
    taught: Database, past: Told
) -> None:
    database, told = taught, past
    score(database, ManualClock(told.end + timedelta(days=2)))
    assert _rows(database, "SELECT FROM prediction") == []
    key, failures = next((key, at) for key, at in told.failures.items() if at)
    score(database, ManualClock(START + timedelta(hours=failures[0] + 1)))
    device = f"(SELECT id FROM device WHERE key = '{key}')"
    assert _rows(database, f"SELECT FROM prediction WHERE device_id = {device}") == []
    assert _rows(database, "SELECT FROM prediction") != []


def test_a_champion_of_other_features_is_not_used_and_is_displaced(
    taught: Database, past: Told
) -> None:
    with taught.transaction() as conn:
        conn.execute("UPDATE model SET feature_schema = 'older'")
    with pytest.raises(BadInputError, match="made for features older"):
        score(taught, ManualClock(past.end))
    (again,) = train(taught, ManualClock(past.end), settings=SETTINGS)
    assert again.stage == "champion"
    assert [row["stage"] for row in _rows(taught, "SELECT stage FROM model ORDER BY id")] == [
        "retired",
        "champion",
    ]


def test_the_figures_of_the_baselines_stand_beside_the_models(
    taught: Database, past: Told, made: Trained
) -> None:
    (row,) = _rows(taught, "SELECT metrics, gate, settings FROM model")
    figures = row["metrics"]
    assert {figures[name]["failures"] for name in ("test", "rule", "logistic")} == {
        made.test.failures
    }
    assert row["gate"]["passed"]
    assert figures["rule"]["text"]
    warned = [each for each in figures["failures"] if each["warned_at"]]
    assert len(figures["failures"]) == made.test.failures
    assert len(warned) == made.test.warned
    assert {each["device"] for each in figures["failures"]} <= set(past.failures)
    assert len(figures["episodes"]) == made.test.episodes
    assert sum(each["decisions"] for each in figures["reliability"]) == made.test.decisions


def test_too_few_failures_make_no_model(database: Database, told: Told) -> None:
    with database.transaction() as conn:
        conn.execute("DELETE FROM failure WHERE id > (SELECT min(id) + 10 FROM failure)")
    assert train(database, ManualClock(told.end), settings=SETTINGS) == []
    assert score(database, ManualClock(told.end)) == 0
