"""The staff's review in the console and over the API: who sees what, and what can be done about it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from console.i18n.catalogue import LANGUAGES
from desk import actions
from storage.database import Database
from tests.console.conftest import LogIn
from tests.console.seed import Seed


@pytest.fixture
def month(seed: Seed) -> str:
    """The month in which engineer 1 closed a case; it is over."""
    (key,) = seed.fleet(1, 1, 1)
    month = f"{seed.clock.now():%Y-%m}"
    seed.down(key, "billAcceptor")
    actions.assign(seed.database, seed.clock, 1, 1, actor="dispatcher")
    for name in ("dispatch", "arrive", "repair", "verify", "close"):
        seed.clock.advance(timedelta(hours=1))
        actions.move(seed.database, seed.clock, 1, name, actor="dispatcher")
    seed.clock.advance(timedelta(days=35))
    return month


def test_a_manager_closes_a_month_and_every_figure_opens_to_its_cases(
    log_in: LogIn, month: str
) -> None:
    manager = log_in("manager")
    assert "not closed" in manager.get(f"/review?month={month}").text
    assert manager.post("/review/close", data={"month": month}).status_code == 303
    again = manager.post("/review/close", data={"month": month})
    assert (again.status_code, "say why again" in again.text) == (400, True)
    for by in ("engineer", "team", "region", "customer", "site"):
        page = manager.get(f"/review?month={month}&by={by}")
        assert page.status_code == 200, page.text[:300]
        assert "same to the last bit" in page.text
    found = manager.get(f"/api/v1/review?month={month}").json()
    assert found["closed_version"] == 1
    [row] = [row for row in found["review"]["rows"] if row["figures"]]
    one = manager.get("/review/of/engineer", params={"key": row["key"], "month": month}).text
    assert 'href="/tickets/1"' in one
    assert "not measured yet" in one
    assert "Nothing differs." in manager.get(f"/review/compare?month={month}&first=1").text
    for language in LANGUAGES:
        manager.post("/language", data={"language": language})
        for path in ("", "/disputes", "/avoided", f"/of/engineer?month={month}&key={row['key']}"):
            answer = manager.get(f"/review{path}")
            assert answer.status_code == 200, answer.text[:300]
            assert f'<html lang="{LANGUAGES[language].tag}"' in answer.text


def test_an_engineer_sees_and_disputes_their_own_and_somebody_else_decides(
    log_in: LogIn, month: str, database: Database
) -> None:
    engineer, manager = log_in("engineer"), log_in("manager")
    with database.transaction() as conn:
        conn.execute("UPDATE account SET engineer_id = 1 WHERE name = 'engineer'")
        own = conn.execute("SELECT key FROM engineer WHERE id = 1").fetchone()
    assert own is not None
    rows = engineer.get(f"/api/v1/review?month={month}").json()["review"]["rows"]
    assert [row["key"] for row in rows] == [own["key"]]
    assert engineer.get(f"/review?month={month}&by=region").status_code == 403
    other = engineer.get("/review/of/engineer", params={"key": "nobody", "month": month})
    assert other.status_code == 404
    assert engineer.get("/review/avoided").status_code == 403
    _dispute(engineer, manager, database)


def _dispute(engineer: httpx.Client, manager: httpx.Client, database: Database) -> None:
    wrong = {"ticket": "9", "reason": "not mine"}
    assert engineer.post("/review/disputes", data=wrong).status_code == 404
    raised = {"ticket": "1", "reason": "the part was wrong"}
    assert engineer.post("/review/disputes", data=raised).status_code == 303
    assert "the part was wrong" in engineer.get("/review/disputes").text
    decided = {"accept": "true", "answer": "so it was"}
    assert engineer.post("/review/disputes/1/decide", data=decided).status_code == 403
    assert manager.post("/review/disputes/1/decide", data=decided).status_code == 303
    [told] = engineer.get("/api/v1/review/disputes").json()
    assert (told["accepted"], told["answer"], told["decided_by"]) == (True, "so it was", "manager")
    with database.transaction() as conn:
        rows = conn.execute("SELECT actor FROM audit_entry WHERE object = 'dispute/1' ORDER BY id")
        assert [row["actor"] for row in rows] == ["engineer", "manager"]


def test_a_share_is_held_out_by_a_manager_and_shown(log_in: LogIn, seed: Seed) -> None:
    manager = log_in("manager")
    assert "can't be known" in manager.get("/review/avoided").text
    asked = {"percent": "10", "below": "60", "spared": "cardReader"}
    assert manager.post("/review/hold-out", data=asked).status_code == 303
    assert "of those below 60" in manager.get("/review/avoided").text
    assert manager.post("/review/hold-out", data=asked | {"percent": "80"}).status_code == 400
    assert manager.get("/api/v1/review/avoided").json()["settings"] == []
