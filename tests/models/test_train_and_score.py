"""From a stored past to models, and from models to predictions with reasons."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from hashlib import sha256

import pytest

from domain.clock import ManualClock
from domain.errors import BadInputError
from domain.text import Text
from models import registry
from models.score import score
from models.train import Trained, train
from storage.database import Database, Row
from tests.history.helpers import PRINTER, START, Told
from tests.models.conftest import SETTINGS


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query).fetchall()


def _train(database: Database, told: Told) -> Trained:
    (made,) = train(database, ManualClock(told.end), settings=SETTINGS)
    return made


def test_a_model_of_the_past_foretells_and_says_why(database: Database, told: Told) -> None:
    made = _train(database, told)
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
    assert 1 <= len(reasons) <= 3
    assert any("print head temperature" in reason or "paperJam" in reason for reason in reasons)


def test_scoring_reads_nothing_later_than_its_clock(database: Database, told: Told) -> None:
    _train(database, told)
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
    database: Database, told: Told
) -> None:
    _train(database, told)
    score(database, ManualClock(told.end + timedelta(days=2)))
    assert _rows(database, "SELECT FROM prediction") == []
    key, failures = next((key, at) for key, at in told.failures.items() if at)
    score(database, ManualClock(START + timedelta(hours=failures[0] + 1)))
    device = f"(SELECT id FROM device WHERE key = '{key}')"
    assert _rows(database, f"SELECT FROM prediction WHERE device_id = {device}") == []
    assert _rows(database, "SELECT FROM prediction") != []


def test_a_second_training_on_the_same_past_displaces_nobody(
    database: Database, told: Told
) -> None:
    first = _train(database, told)
    second = _train(database, told)
    assert (first.stage, second.stage) == ("champion", "candidate")
    with database.transaction() as conn:
        assert [model.id for model in registry.champions(conn)] == [first.model_id]
        assert len(registry.listing(conn)) == 2


def test_a_champion_of_other_features_is_not_used_and_is_displaced(
    database: Database, told: Told
) -> None:
    _train(database, told)
    with database.transaction() as conn:
        conn.execute("UPDATE model SET feature_schema = 'older'")
    with pytest.raises(BadInputError, match="made for features older"):
        score(database, ManualClock(told.end))
    assert _train(database, told).stage == "champion"
    assert [row["stage"] for row in _rows(database, "SELECT stage FROM model ORDER BY id")] == [
        "retired",
        "champion",
    ]


def test_an_artifact_that_was_changed_is_refused(database: Database, told: Told) -> None:
    _train(database, told)
    with database.transaction() as conn:
        conn.execute("UPDATE model SET artifact = artifact || 'x', artifact_sha256 = 'other'")
    with pytest.raises(BadInputError, match="does not fit its SHA-256"):
        score(database, ManualClock(told.end))


def test_an_artifact_of_foreign_types_is_refused(database: Database, told: Told) -> None:
    _train(database, told)
    (row,) = _rows(database, "SELECT artifact FROM model")
    artifact = _with_foreign_type(bytes(row["artifact"]))
    with database.transaction() as conn:
        conn.execute(
            "UPDATE model SET artifact = %s, artifact_sha256 = %s",
            [artifact, sha256(artifact).hexdigest()],
        )
    with pytest.raises(BadInputError, match=r"holds \['os.system'\]; not allowed"):
        score(database, ManualClock(told.end))


def test_too_few_failures_make_no_model(database: Database, told: Told) -> None:
    with database.transaction() as conn:
        conn.execute("DELETE FROM failure WHERE id > (SELECT min(id) + 10 FROM failure)")
    assert train(database, ManualClock(told.end), settings=SETTINGS) == []
    assert score(database, ManualClock(told.end)) == 0


def _with_foreign_type(artifact: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(artifact)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "schema.json":
                body = body.replace(
                    b'"__class__": "TreePredictor"', b'"__class__": "system"', 1
                ).replace(
                    b'"__module__": "sklearn.ensemble._hist_gradient_boosting.predictor"',
                    b'"__module__": "os"',
                    1,
                )
            new.writestr(name, body)
    return out.getvalue()
