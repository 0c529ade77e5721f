"""Who is in charge, who says so, and what is refused."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import timedelta
from hashlib import sha256

import pytest
from typer.testing import CliRunner

from domain.clock import ManualClock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from forecall.cli import app
from models.live.score import score
from models.registry import stages
from models.registry.artifacts import champions
from models.registry.catalogue import Stage, entry, listing
from models.training.train import Trained
from storage.database import Conn, Database, Row
from tests.history.helpers import Told

WHO = {"actor": "li", "reason": "it does better on the north's kiosks"}
TASK = "kiosk/receiptPrinter"


def _copy(conn: Conn, model_id: int, stage: str = "candidate") -> int:
    row = conn.execute(
        "INSERT INTO model (task, stage, trained_at, train_from, train_until, test_from, test_until,"
        " horizon_h, feature_schema, threshold, metrics, settings, artifact, artifact_sha256)"
        " SELECT task, %s, trained_at, train_from, train_until, test_from, test_until, horizon_h,"
        " feature_schema, threshold, metrics, settings, artifact, artifact_sha256"
        " FROM model WHERE id = %s RETURNING id",
        [stage, model_id],
    ).fetchone()
    assert row is not None
    return int(row["id"])


def _stages(conn: Conn) -> dict[int, str]:
    return {row["id"]: row["stage"] for row in listing(conn)}


def _audit(conn: Conn) -> list[Row]:
    query = "SELECT actor, action, object, detail FROM audit_entry ORDER BY id"
    return conn.execute(query).fetchall()


def test_a_person_promotes_and_takes_back_and_the_audit_says_why(
    taught: Database, past: Told, made: Trained
) -> None:
    clock = ManualClock(past.end)
    with taught.transaction() as conn:
        new = _copy(conn, made.model_id)
        stages.promote(conn, clock, new, **WHO)
        assert _stages(conn) == {made.model_id: "retired", new: "champion"}
        assert [model.id for model in champions(conn)] == [new]
        assert stages.rollback(conn, clock, TASK, **WHO) == made.model_id
        assert _stages(conn) == {made.model_id: "champion", new: "retired"}
        entries = _audit(conn)
    assert [each["action"] for each in entries] == ["promote_model", "rollback_model"]
    assert all(each["actor"] == "li" for each in entries)
    assert all(each["detail"]["reason"] == WHO["reason"] for each in entries)


def test_what_is_not_possible_changes_nothing(taught: Database, past: Told, made: Trained) -> None:
    clock = ManualClock(past.end)
    with taught.transaction() as conn:
        new = _copy(conn, made.model_id)
        before = _stages(conn)
        with pytest.raises(BadInputError, match="reason: ' '"):
            stages.promote(conn, clock, new, actor="li", reason=" ")
        with pytest.raises(NotFoundError, match="no model 999"):
            stages.retire(conn, clock, 999, **WHO)
        with pytest.raises(NotAllowedError, match="is champion already"):
            stages.promote(conn, clock, made.model_id, **WHO)
        with pytest.raises(NotAllowedError, match="in charge"):
            stages.challenge(conn, clock, made.model_id, **WHO)
        with pytest.raises(NotFoundError, match="no champion before"):
            stages.rollback(conn, clock, TASK, **WHO)
        with pytest.raises(NotFoundError, match=f"there are: {TASK}"):
            stages.rollback(conn, clock, "kiosk/other", **WHO)
        assert _stages(conn) == before
        assert _audit(conn) == []


def test_what_could_not_score_is_not_promoted(taught: Database, past: Told, made: Trained) -> None:
    clock = ManualClock(past.end)
    with taught.transaction() as conn:
        new = _copy(conn, made.model_id)
        conn.execute("UPDATE model SET feature_schema = 'older' WHERE id = %s", [new])
        with pytest.raises(BadInputError, match="made for features older"):
            stages.promote(conn, clock, new, **WHO)
        other = _copy(conn, made.model_id)
        conn.execute("UPDATE model SET artifact_sha256 = 'other' WHERE id = %s", [other])
        with pytest.raises(BadInputError, match="does not fit its SHA-256"):
            stages.challenge(conn, clock, other, **WHO)
        assert set(_stages(conn).values()) == {"champion", "candidate"}


def test_a_task_has_one_challenger(taught: Database, past: Told, made: Trained) -> None:
    clock = ManualClock(past.end)
    with taught.transaction() as conn:
        first, second = _copy(conn, made.model_id), _copy(conn, made.model_id)
        stages.challenge(conn, clock, first, **WHO)
        stages.challenge(conn, clock, second, **WHO)
        assert _stages(conn) == {
            made.model_id: "champion",
            first: "candidate",
            second: "challenger",
        }


@pytest.mark.parametrize("seed", range(4))
def test_taking_back_undoes_promotions_one_by_one(
    taught: Database, past: Told, made: Trained, seed: int
) -> None:
    """Against a stack: a promotion is put on it, taking back takes the uppermost away."""
    rng, clock = random.Random(seed), ManualClock(past.end)
    with taught.transaction() as conn:
        models = [made.model_id, *(_copy(conn, made.model_id) for _ in range(3))]
        stack = [made.model_id]
        for _ in range(12):
            clock.advance(timedelta(hours=1))
            if rng.random() < 0.5 and len(stack) > 1:
                stack.pop()
                assert stages.rollback(conn, clock, TASK, **WHO) == stack[-1]
            else:
                chosen = rng.choice([each for each in models if each != stack[-1]])
                stages.promote(conn, clock, chosen, **WHO)
                # Who is promoted again takes charge anew: earlier promotions of it are forgotten.
                stack = [*(each for each in stack if each != chosen), chosen]
            assert entry(conn, stack[-1])["stage"] == Stage.CHAMPION


def test_a_retired_champion_leaves_its_task_to_nobody_until_it_is_taken_back(
    taught: Database, past: Told, made: Trained
) -> None:
    clock = ManualClock(past.end)
    with taught.transaction() as conn:
        stages.retire(conn, clock, made.model_id, **WHO)
        assert champions(conn) == []
        assert stages.rollback(conn, clock, TASK, **WHO) == made.model_id


def test_an_artifact_of_foreign_types_is_refused(
    taught: Database, past: Told, made: Trained
) -> None:
    with taught.transaction() as conn:
        row = conn.execute("SELECT artifact FROM model").fetchone()
        assert row is not None
        artifact = _with_foreign_type(bytes(row["artifact"]))
        values = [artifact, sha256(artifact).hexdigest()]
        conn.execute("UPDATE model SET artifact = %s, artifact_sha256 = %s", values)
    with pytest.raises(BadInputError, match=r"holds \['os.system'\]; not allowed"):
        score(taught, ManualClock(past.end))


def test_the_commands(
    taught: Database,
    taught_dsn: str,
    made: Trained,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", taught_dsn)
    with taught.transaction() as conn:
        new = _copy(conn, made.model_id)
        conn.execute("UPDATE model SET metrics = metrics - 'logistic' WHERE id = %s", [new])

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["models", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert run() == run("list")
    assert TASK in run()
    shown = run("show", str(made.model_id))
    assert all(word in shown for word in ("champion", "best rule", "straight line", "ok"))
    assert f"model {new}" in run("compare", str(made.model_id), str(new))
    assert "in charge" in run("promote", str(new), "--reason", "a trial")
    assert f"Model {made.model_id}" in run("rollback", TASK, "--reason", "it was worse")
    run("challenge", str(new), "--reason", "look at it for longer")
    run("retire", str(new), "--reason", "enough")
    with taught.transaction() as conn:
        assert _stages(conn) == {made.model_id: "champion", new: "retired"}
        assert [each["detail"]["reason"] for each in _audit(conn)][:2] == [
            "a trial",
            "it was worse",
        ]


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
