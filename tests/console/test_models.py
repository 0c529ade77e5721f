"""The models' page: what it shows, who may decide, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from domain.clock import ManualClock
from storage.database import Database
from tests.console.conftest import LogIn
from tests.console.seed import Seed

_FIGURES = {
    "failures": 12,
    "warned": 10,
    "median_lead_h": 14.5,
    "episodes": 15,
    "false_episodes": 5,
    "false_per_device_month": 0.25,
    "precision": 0.75,
    "recall": 0.7,
    "pr_auc": 0.8,
    "roc_auc": 0.9,
    "brier": 0.01,
    "cost": 2540.0,
}
_GATE = {
    "passed": False,
    "checks": [
        {
            "name": "cheaper_than_rule",
            "passed": False,
            "said": {
                "template": "it costs {cost}, the best simple rule {other}",
                "values": {"cost": 2540, "other": 1999},
            },
        }
    ],
}


def _add(database: Database, clock: ManualClock, stage: str, gate: Mapping[str, Any]) -> int:
    metrics = {"test": _FIGURES, "rule": {**_FIGURES, "cost": 1999.0, "text": "x > 1"}}
    failure = {"device": "pos-00", "component": "cardReader", "at": "2026-02-20T10:00:00+00:00"}
    failure["warned_at"] = "2026-02-19T20:00:00+00:00"
    reliability = [{"from": 0.8, "to": 0.9, "decisions": 14, "foretold": 0.849, "came": 0.785}]
    now = clock.now()
    with database.transaction() as conn:
        row = conn.execute(
            """INSERT INTO model (task, stage, trained_at, promoted_at, train_from, train_until,
                   test_from, test_until, horizon_h, feature_schema, threshold, metrics, settings,
                   gate, artifact, artifact_sha256)
               VALUES ('pos/cardReader', %s, %s, %s, %s, %s, %s, %s, 24, 'other', 0.4, %s, %s, %s,
                       '', '') RETURNING id""",
            [
                *(stage, now, now if stage == "champion" else None, now - timedelta(days=60), now),
                *(now - timedelta(days=15), now),
                Jsonb(
                    {**metrics, "reliability": reliability, "failures": [failure], "episodes": []}
                ),
                Jsonb({"kind": "pos", "component": "cardReader", "costs": {"visit": 120.0}}),
                Jsonb(gate),
            ],
        ).fetchone()
        assert row is not None
        return int(row["id"])


def _alarm(database: Database, clock: ManualClock, model: int, *, alarmed: bool) -> None:
    said = {"template": "{right} of its last {all} tickets were right"}
    values = {"right": 2, "all": 31}
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO model_check (model_id, kind, at, value, bound, alarmed, detail)"
            " VALUES (%s, 'tickets', %s, 0.06, 0.2, %s, %s)",
            [model, clock.now(), alarmed, Jsonb({"said": {**said, "values": values}})],
        )


@pytest.fixture
def manager(log_in: LogIn) -> httpx.Client:
    return log_in("manager")


def test_the_page_says_who_is_in_charge_and_why_not(seed: Seed, operator: httpx.Client) -> None:
    seed.fleet(customers=1, sites=1, devices=1)
    refused = _add(seed.database, seed.clock, "candidate", _GATE)
    page = operator.get("/models").text
    assert "nobody" in page
    assert "it costs 2,540, the best simple rule 1,999" in page
    _add(seed.database, seed.clock, "champion", {})
    page = operator.get("/models").text
    assert "nobody" not in page
    assert "10 of 12" in page
    shown = operator.get(f"/models/{refused}").text
    for words in ("not passed", "84.9%", "78.5%", "Best rule", "x &gt; 1", "2,540", "7,440"):
        assert words in shown, words
    assert "Put in charge" not in shown  # an operator looks
    assert operator.get("/models/999").status_code == 404


def test_a_model_that_fits_no_more_is_seen_on_the_overview(
    seed: Seed, operator: httpx.Client
) -> None:
    model = _add(seed.database, seed.clock, "champion", {})
    _alarm(seed.database, seed.clock, model, alarmed=True)
    seed.clock.advance(timedelta(minutes=1))
    assert "1 model does not fit its fleet any more" in operator.get("/").text
    assert "2 of its last 31 tickets were right" in operator.get("/models").text
    _alarm(seed.database, seed.clock, model, alarmed=False)
    assert "2 of its last 31 tickets were right" not in operator.get("/models").text


def test_managers_decide_and_the_audit_says_why(
    seed: Seed, manager: httpx.Client, operator: httpx.Client
) -> None:
    model = _add(seed.database, seed.clock, "champion", {})
    other = _add(seed.database, seed.clock, "candidate", {})
    said = {"stage": "retired", "reason": "its part is not built any more"}
    assert operator.post(f"/models/{model}/stage", data=said).status_code == 403
    assert manager.post(f"/models/{model}/stage", data={"stage": "retired"}).status_code == 400
    assert manager.post(f"/models/{model}/stage", data=said).status_code == 303
    # What can't score is not put in charge, and a page says so.
    refused = manager.post(f"/models/{other}/stage", data={**said, "stage": "champion"})
    assert refused.status_code == 400
    assert "made for features other" in refused.text
    refused = manager.post("/models/rollback", data={"task": "pos/none", "reason": "a trial"})
    assert refused.status_code == 404
    with seed.database.transaction() as conn:
        stages = {row["id"]: row["stage"] for row in conn.execute("SELECT id, stage FROM model")}
        entries = conn.execute("SELECT actor, action, object, detail FROM audit_entry").fetchall()
    assert stages == {model: "retired", other: "candidate"}
    (entry,) = [each for each in entries if each["action"] == "retire_model"]
    assert (entry["actor"], entry["object"]) == ("manager", f"model/{model}")
    assert entry["detail"]["reason"] == said["reason"]


def test_the_interface_tells_the_same(seed: Seed, operator: httpx.Client) -> None:
    (key,) = seed.fleet(customers=1, sites=1, devices=1)
    model = _add(seed.database, seed.clock, "champion", _GATE)
    _alarm(seed.database, seed.clock, model, alarmed=True)
    seed.predict(key, "cardReader")
    with seed.database.transaction() as conn:
        conn.execute("UPDATE prediction SET curve = '{0.87,0.95,0.99,1}'")
    (told,) = operator.get("/api/v1/models").json()["items"]
    assert told["gate"]["checks"][0]["name"] == "cheaper_than_rule"
    assert told["checks"][0]["alarmed"] is True
    assert "failures" not in told["metrics"]
    seed.clock.advance(timedelta(minutes=1))
    (foretold,) = operator.get("/api/v1/predictions").json()["items"]
    assert [each["days"] for each in foretold["within"]] == [1, 3, 7, 30]
    assert foretold["within"][1]["probability"] == pytest.approx(0.95)
    assert "95%" in operator.get(f"/devices/{key}").text
    (ticket,) = operator.get("/api/v1/tickets").json()["items"]
    assert "95%" in operator.get(f"/tickets/{ticket['id']}").text
    seed.clock.advance(timedelta(hours=25))  # its horizon is over: it says nothing any more
    assert "95%" not in operator.get(f"/devices/{key}").text
