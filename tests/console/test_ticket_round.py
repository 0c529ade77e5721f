"""A ticket's life on its page: the call, the plan, the end, and what comes after it."""

from __future__ import annotations

import httpx
import pytest

from desk import actions
from domain.report import Severity
from storage.database import Row
from tests.console.seed import Seed

BROKEN = "mechanicalFailure"


@pytest.fixture
def keys(seed: Seed) -> list[str]:
    keys = seed.fleet(1, 1, 2)
    for key in keys:
        seed.event(key, "receiptPrinter", BROKEN, Severity.CRITICAL)
    return keys


def ended(seed: Seed, ticket_id: int) -> Row:
    """What the last move of a ticket says."""
    query = """SELECT data FROM ticket_event WHERE ticket_id = %s AND kind = 'moved'
               ORDER BY version DESC LIMIT 1"""
    with seed.database.transaction() as conn:
        row = conn.execute(query, (ticket_id,)).fetchone()
    assert row is not None
    data: Row = row["data"]
    return data


def test_the_plan_of_action_is_said_while_it_is_acknowledged(
    operator: httpx.Client, seed: Seed, keys: list[str]
) -> None:
    page = operator.get("/tickets/1").text
    assert 'formaction="/tickets/1/acknowledge"' in page
    assert 'value="plan"' not in page  # to acknowledge it is to plan it
    plan = {"note": "Li asks them to open the cover"}
    assert operator.post("/tickets/1/acknowledge", data=plan).status_code == 303
    assert ended(seed, 1) == {"move": "plan", **plan}


def test_a_duplicate_names_the_ticket_that_goes_on(
    operator: httpx.Client, seed: Seed, keys: list[str]
) -> None:
    cancel = {"name": "cancel", "reason": "duplicate"}
    move = "/tickets/2/move"
    assert operator.post(move, data=cancel | {"duplicate_of": "99"}).status_code == 404
    assert operator.post(move, data=cancel | {"duplicate_of": "2"}).status_code == 409
    assert operator.post(move, data=cancel | {"duplicate_of": "none"}).status_code == 400
    assert operator.post(move, data=cancel | {"duplicate_of": "#۱"}).status_code == 303
    assert ended(seed, 2)["duplicate_of"] == 1
    assert '<a href="/tickets/1">#1</a>' in operator.get("/tickets/2").text


def test_of_no_other_reason_is_a_duplicate_asked(
    operator: httpx.Client, seed: Seed, keys: list[str]
) -> None:
    form = {"name": "cancel", "reason": "false_alarm", "duplicate_of": "1"}  # chosen, then not
    assert operator.post("/tickets/2/move", data=form).status_code == 303
    assert "duplicate_of" not in ended(seed, 2)
    moves = "/api/v1/tickets/1/moves"
    assert operator.post(moves, json=form | {"duplicate_of": 2}).status_code == 409


def test_a_caller_is_told_what_is_promised_next(operator: httpx.Client, keys: list[str]) -> None:
    page = operator.get("/calls", params={"search": keys[0]}).text
    assert "Known already: tell the caller" in page
    assert "data-left=" in page
    assert "plan of action" in page
    assert 'href="/tickets/1"' in operator.get(f"/devices/{keys[0]}").text.partition("/calls")[2]


def test_who_calls_about_an_ended_case_is_looked_up(
    operator: httpx.Client, keys: list[str]
) -> None:
    form = {"name": "cancel", "reason": "false_alarm"}
    assert operator.post("/tickets/1/move", data=form).status_code == 303
    page = operator.get("/tickets/1").text
    assert f'href="/calls?search={keys[0]}"' in page
    assert '<span class="sla-left">cancelled</span>' in page  # and no promise is called kept


def test_after_a_whole_unit_was_replaced_the_page_says_what_comes_next(
    operator: httpx.Client, seed: Seed, keys: list[str]
) -> None:
    for name in ("plan", "dispatch", "arrive", "replace_unit"):
        assert "The whole unit was replaced." not in operator.get("/tickets/1").text
        actions.move(seed.database, seed.clock, 1, name, actor="li")
    assert "An administrator takes the old one" in operator.get("/tickets/1").text
