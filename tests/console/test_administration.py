"""Accounts, customers, sites and engineers: added, changed, disabled, and every change is audited."""

from __future__ import annotations

import httpx
import pytest

from storage.database import Database, Row
from tests.console.conftest import PASSWORD, LogIn, token
from tests.console.seed import Seed


@pytest.fixture
def boss(log_in: LogIn, seed: Seed) -> httpx.Client:
    seed.fleet(1, 1, 1)
    return log_in("administrator")


def one(database: Database, query: str) -> Row:
    with database.transaction() as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return row


def test_every_page_of_the_administration_shows(boss: httpx.Client) -> None:
    assert boss.get("/administration").headers["location"] == "/administration/accounts"
    for page, name in {
        "accounts": "administrator",
        "customers": "Customer 0",
        "sites": "Shanghai 0",
        "engineers": "Zhang Wei",
        "tokens": "No token was made yet.",
    }.items():
        answer = boss.get(f"/administration/{page}")
        assert answer.status_code == 200, answer.text
        assert name in answer.text


def test_an_account_is_added_changed_and_disabled(
    boss: httpx.Client, visitor: httpx.Client, database: Database
) -> None:
    form = {"name": "sara", "password": PASSWORD, "role": "engineer", "engineer": "eng-1"}
    assert boss.post("/administration/accounts", data=form).status_code == 303
    sara = one(database, "SELECT * FROM account WHERE name = 'sara'")
    assert sara["engineer_id"] == 1
    login = {"csrf": token(visitor.get("/login").text), "name": "sara", "password": PASSWORD}
    assert visitor.post("/login", data=login).status_code == 303
    assert visitor.get("/tickets").status_code == 200
    path = f"/administration/accounts/{sara['id']}"
    change = {"role": "viewer", "version": sara["version"], "disabled": "true"}
    assert boss.post(path, data=change).status_code == 303
    assert visitor.get("/tickets").status_code == 303  # out at once
    stale = boss.post(path, data=change)
    assert stale.status_code == 409
    assert "changed" in stale.text
    assert boss.post(path, data=change | {"version": 2, "role": "king"}).status_code == 400
    actions = [
        (row["action"], row["object"])
        for row in several(database, "SELECT action, object FROM audit_entry ORDER BY id")
    ]
    assert actions == [("add_account", "account/sara"), ("change_account", "account/sara")]


def test_the_last_administrator_stays(boss: httpx.Client, database: Database) -> None:
    me = one(database, "SELECT * FROM account WHERE name = 'administrator'")
    path = f"/administration/accounts/{me['id']}"
    for change in ({"role": "viewer"}, {"role": "administrator", "disabled": "true"}):
        assert boss.post(path, data=change | {"version": "1"}).status_code == 409
    assert boss.get("/administration/accounts").status_code == 200


def test_a_site_changes_hands_and_keeps_its_past(boss: httpx.Client, database: Database) -> None:
    site = {
        "key": "s0",
        "name": "Shanghai, Bund",
        "customer": "c0",
        "time_zone": "Asia/Shanghai",
        "engineer": "eng-2",
        "phone": "+86 21 5555-0100",
        "version": "1",
    }
    assert boss.post("/administration/sites", data=site).status_code == 303
    row = one(database, "SELECT * FROM site WHERE key = 's0'")
    assert (row["name"], row["phone"], row["engineer_id"]) == ("Shanghai, Bund", "862155550100", 2)
    assert one(database, "SELECT * FROM site_care_past")["engineer_id"] == 1
    assert boss.post("/administration/sites", data=site).status_code == 409  # seen before
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"customer": "nobody"},
        {"engineer": "nobody"},
        {"region_class": "moon"},
        {"name": " "},
        {"name": "x" * 201},
    ):
        bad = boss.post("/administration/sites", data=site | {"version": "2"} | wrong)
        assert bad.status_code == 400, wrong


def test_an_engineer_has_a_shift_skills_and_somebody_above(
    boss: httpx.Client, database: Database
) -> None:
    new = {
        "key": "eng-3",
        "name": "Liu Yang",
        "skills": ["clock", "receiptPrinter"],
        "shift_days": ["6", "7"],
        "shift_from": "22:00",
        "shift_until": "06:00",
        "time_zone": "Asia/Tehran",
        "reports_to": "eng-1",
    }
    assert boss.post("/administration/engineers", data=new).status_code == 303
    row = one(database, "SELECT * FROM engineer WHERE key = 'eng-3'")
    assert (row["skills"], row["shift_days"]) == (["clock", "receiptPrinter"], [6, 7])
    assert (f"{row['shift_from']:%H:%M}", row["reports_to"]) == ("22:00", 1)
    assert "Liu Yang" in boss.get("/administration/engineers").text
    assert boss.post("/administration/engineers", data=new).status_code == 400  # taken
    for wrong in (
        {"skills": ["magic"]},
        {"shift_days": ["8"]},
        {"shift_until": ""},
        {"shift_until": "22:00"},
        {"shift_from": "late"},
        {"reports_to": "eng-3"},
    ):
        answer = boss.post("/administration/engineers", data=new | {"version": "1"} | wrong)
        assert answer.status_code == 400, wrong


def test_a_disabled_engineer_gets_no_ticket(
    boss: httpx.Client, seed: Seed, database: Database
) -> None:
    form = {"key": "eng-1", "name": "Zhang Wei", "disabled": "true", "version": "1"}
    assert boss.post("/administration/engineers", data=form).status_code == 303
    seed.down("pos-00-00", "billAcceptor")
    assert one(database, "SELECT * FROM ticket")["assignee_id"] == 2
    assert boss.post("/tickets/1/assign", data={"engineer": "1"}).status_code == 404


def several(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()
