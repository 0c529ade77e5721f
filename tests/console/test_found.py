"""Found devices are seen and taken in, unknown codes are listed; administrators see who did what."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from domain.device import ReportedState
from domain.report import Contact
from tests.console.conftest import LogIn
from tests.console.seed import Seed

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def strangers(seed: Seed) -> list[str]:
    """Three devices that nobody adopted; two of them say where they stand, one of those is down."""
    seed.fleet(1, 2, 2)
    keys = ["K<1>", "K-2", "K-3"]
    seed.contact(keys)
    seed.clock.advance(timedelta(minutes=1))
    seed.contact(["K-2"], Contact(reported=ReportedState.HARDWARE_ERROR, detail="jam"))
    seed.judge()
    with seed.database.transaction() as conn:
        conn.execute(
            "UPDATE device SET found_via = 'v1/acme/s' || (right(key, 1)::integer - 1) || '/' || key "
            "WHERE key LIKE 'K-_'"
        )
    return keys


def test_found_devices_are_listed_with_where_they_were_heard(
    operator: httpx.Client, strangers: list[str]
) -> None:
    page = operator.get("/found").text
    assert "3 devices were found" in operator.get("/").text
    assert 'href="/found"' in operator.get("/devices").text
    assert "<bdi>K&lt;1&gt;</bdi>" in page
    assert "<bdi>v1/acme/s1/K-2</bdi>" in page
    assert "Tehran 1" in page
    assert "no site s2 yet" in page
    rows = operator.get("/found?search=acme/s1", headers=FRAGMENT).text
    assert "<html" not in rows
    assert "K-2" in rows
    assert "K-3" not in rows


def test_several_are_adopted_at_once(
    operator: httpx.Client, strangers: list[str], seed: Seed
) -> None:
    answer = operator.post(
        "/found/adopt",
        data={"key": ["K-3", "K<1>"], "site": "s0", "kind": "kiosk", "model": " X1 "},
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/found"
    device = operator.get("/devices/K-3").text
    assert all(word in device for word in ("Shanghai 0", "kiosk", "X1"))
    assert operator.post("/found/adopt", data={"key": ["K-2", "K-3"]}).status_code == 409
    assert "K-2" in operator.get("/found").text  # all or none


def test_one_that_is_down_is_placed_by_its_topic_and_gets_its_ticket(
    operator: httpx.Client, strangers: list[str], seed: Seed
) -> None:
    before = operator.get("/tickets", headers=FRAGMENT).text
    assert "K-2" not in before
    assert operator.post("/found/adopt", data={"key": "K-2"}).status_code == 303
    seed.judge()
    assert "K-2" in operator.get("/tickets", headers=FRAGMENT).text
    assert "Tehran 1" in operator.get("/devices/K-2").text


def test_who_may_not_act_may_look(
    log_in: LogIn, strangers: list[str], visitor: httpx.Client
) -> None:
    viewer = log_in("viewer")
    page = viewer.get("/found").text
    assert "K-2" in page
    assert "Adopt those chosen" not in page
    assert viewer.post("/found/adopt", data={"key": "K-2"}).status_code == 403
    assert visitor.get("/found").status_code == 303


@pytest.mark.parametrize(
    "data", [{}, {"key": "K-2", "kind": "tank"}, {"key": "K-2", "site": "x" * 300}]
)
def test_a_form_that_does_not_fit_is_refused(
    operator: httpx.Client, strangers: list[str], data: dict[str, str]
) -> None:
    assert operator.post("/found/adopt", data=data).status_code == 400
    assert operator.post("/found/adopt", data={"key": "K-2", "site": "s9"}).status_code == 404
    del operator.headers["X-CSRF-Token"]
    assert operator.post("/found/adopt", data={"key": "K-2"}).status_code == 403


def test_administrators_see_who_did_what(
    operator: httpx.Client, log_in: LogIn, strangers: list[str], seed: Seed
) -> None:
    operator.post("/found/adopt", data={"key": "K-2", "site": "s0"})
    assert operator.get("/audit").status_code == 403
    assert 'href="/audit"' not in operator.get("/").text
    boss = log_in("administrator")
    assert 'href="/audit"' in boss.get("/").text
    rows = boss.get("/audit?action=adopt&search=k-2", headers=FRAGMENT).text
    assert all(word in rows for word in ("operator", "Adopt", "/devices/K-2", "site: s0"))
    assert "Nothing fits." in boss.get("/audit?search=nobody", headers=FRAGMENT).text


def test_codes_that_no_table_knows_are_listed(operator: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet(1, 1, 1)
    assert "Every code that was heard is known." in operator.get("/codes").text
    with seed.database.transaction() as conn:
        conn.execute(
            "INSERT INTO unknown_code SELECT dialect, '<7F>', 'billAcceptor', %(at)s, %(at)s, 1234, "
            "%(at)s, id FROM device, (VALUES ('id003'), ('ccnet')) AS said (dialect)",
            {"at": seed.clock.now()},
        )
    page = operator.get("/codes").text
    assert all(word in page for word in ("&lt;7F&gt;", "bill acceptor", keys[0], "1,234", "ccnet"))
    rows = operator.get("/codes?dialect=id003&search=7f", headers=FRAGMENT).text
    assert "id003" in rows
    assert "ccnet" not in rows
    assert 'href="/codes"' in operator.get("/devices").text
