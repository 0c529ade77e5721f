"""Keys of programs and links of customers: shown once, kept as a hash, ended when they should be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from console import links, tokens
from console.app import REPORTS
from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Database
from tests.console.conftest import LogIn, token
from tests.console.seed import Seed

Program = Callable[..., httpx.Client]


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    keys = seed.fleet(1, 1, 2)
    seed.down(keys[0], "billAcceptor")
    return keys


@pytest.fixture
def program(address: str, database: Database) -> Iterator[Program]:
    """A program that carries a key of its own: `program("read")`."""
    clients: list[httpx.Client] = []

    def by(*scopes: str) -> httpx.Client:
        with database.transaction() as conn:
            key = tokens.make_token(conn, "-".join(scopes), scopes, 30, actor="boss")
        headers = {"Authorization": f"Bearer {key}"}
        clients.append(httpx.Client(base_url=address, headers=headers, timeout=120))
        return clients[-1]

    yield by
    for client in clients:
        client.close()


@pytest.fixture
def only_five(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of one token in a minute, in a console that is made afterwards."""
    monkeypatch.setattr("console.app.REQUESTS", 5)


def test_a_program_that_asks_too_much_is_told_how_long_to_wait_and_holds_up_no_other(
    only_five: None, program: Program, fleet: list[str]
) -> None:
    greedy, modest = program("read"), program("read", "report")
    answers = [greedy.get("/api/v1/tickets") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["detail"].startswith("wait ")
    assert modest.get("/api/v1/tickets").status_code == 200


def test_a_program_does_what_its_scopes_allow(program: Program, fleet: list[str]) -> None:
    reader, reporter, worker = program("read"), program("report"), program("work")
    report = {"words": "it is dark", "device": fleet[1], "reference": "hr-7"}
    assert [each["id"] for each in reader.get("/api/v1/tickets").json()["items"]] == [1]
    assert reader.post("/api/v1/tickets", json=report).status_code == 403
    assert reporter.get("/api/v1/devices").status_code == 403
    made = reporter.post("/api/v1/tickets", json=report)
    assert made.status_code == 201, made.text
    ticket = made.json()
    assert (ticket["origin"], ticket["device"], ticket["calls"]) == ("api", fleet[1], 1)
    assert reporter.post("/api/v1/tickets", json=report).json()["calls"] == 1  # the same again
    path = f"/api/v1/tickets/{ticket['id']}"
    moved = worker.post(f"{path}/moves", json={"name": "plan", "version": ticket["version"]})
    assert moved.json()["state"] == "planned"
    late = worker.post(f"{path}/moves", json={"name": "dispatch", "version": ticket["version"]})
    assert late.status_code == 409
    assert (
        worker.post(f"{path}/assignment", json={"engineer": "eng-2"}).json()["assignee"] == "eng-2"
    )
    assert worker.post(f"{path}/notes", json={"text": "on our way"}).status_code == 200
    said = worker.post(f"{path}/found", json={"caused_by": "outside"}).json()
    assert (said["caused_by"], said["finding"]) == ("outside", None)
    assert worker.post("/api/v1/tickets/99/notes", json={"text": "?"}).status_code == 404


def test_what_a_program_sends_is_held_to_its_contract(program: Program, fleet: list[str]) -> None:
    reporter = program("report")
    for body in (
        {},
        {"words": "x"},
        {"words": "", "device": fleet[0]},
        {"words": "x" * 2001, "device": fleet[0]},
        {"words": "x", "device": "nothing"},
        {"words": "x", "site": "nowhere"},
        {"words": "x", "device": fleet[0], "reference": "r" * 129},
    ):
        assert reporter.post("/api/v1/tickets", json=body).status_code == 400, body


def test_a_key_ends_by_revocation_and_by_time(
    program: Program, database: Database, fleet: list[str]
) -> None:
    client = program("read")
    assert client.get("/api/v1/devices").status_code == 200
    assert client.get("/devices").status_code == 303  # the console is for people
    with database.transaction() as conn:
        rows = conn.execute("SELECT * FROM api_token").fetchall()
        assert client.headers["Authorization"].split()[1] not in str(rows)
        conn.execute("UPDATE api_token SET expires_at = %s", [SystemClock().now()])
    assert client.get("/api/v1/devices").status_code == 401
    other = program("read", "attendance")
    assert other.get("/api/v1/attendance").status_code == 200
    with database.transaction() as conn:
        tokens.revoke_token(conn, "read-attendance", actor="boss")
        with pytest.raises(NotFoundError, match="no token 'read-attendance' in force"):
            tokens.revoke_token(conn, "read-attendance", actor="boss")
    assert other.get("/api/v1/attendance").status_code == 401
    unknown = {"Authorization": "Bearer fct_guess"}
    assert client.get("/api/v1/devices", headers=unknown).status_code == 401


@pytest.mark.parametrize(
    ("name", "scopes", "days", "named"),
    [
        ("", ["read"], 30, "name"),
        ("x" * 65, ["read"], 30, "name"),
        ("hr", [], 30, "scopes"),
        ("hr", ["read", "rule"], 30, "scopes"),
        ("hr", ["read"], 0, "days"),
        ("hr", ["read"], 731, "days"),
    ],
)
def test_a_key_that_does_not_fit_is_not_made(
    database: Database, name: str, scopes: list[str], days: int, named: str
) -> None:
    with database.transaction() as conn, pytest.raises(BadInputError, match=named):
        tokens.make_token(conn, name, scopes, days, actor="boss")


def test_an_administrator_makes_and_ends_a_key(log_in: LogIn, address: str, seed: Seed) -> None:
    boss = log_in("administrator")
    form = {"name": "payroll", "days": "30", "scope": ["read", "attendance"]}
    page = boss.post("/administration/tokens", data=form)
    found = re.search(r"fct_[\w-]+", page.text)
    assert found is not None
    key = {"Authorization": f"Bearer {found.group()}"}
    assert httpx.get(f"{address}/api/v1/devices", headers=key).status_code == 200
    assert found.group() not in boss.get("/administration/tokens").text
    assert boss.post("/administration/tokens/payroll/revoke").status_code == 303
    assert httpx.get(f"{address}/api/v1/devices", headers=key).status_code == 401
    audit = boss.get("/audit").text
    assert "Make a token" in audit
    assert "Revoke a token" in audit


def link_of(operator: httpx.Client, device: str) -> str:
    page = operator.post(f"/devices/{device}/links", data={"name": "the shop", "days": "30"})
    found = re.search(r"/c/[\w-]+", page.text)
    assert found is not None, page.text
    return found.group()


def test_a_customers_link_shows_one_device_and_takes_a_report(
    operator: httpx.Client, visitor: httpx.Client, fleet: list[str]
) -> None:
    path = link_of(operator, fleet[0])
    page = visitor.get(path)
    assert "It is out of order." in page.text
    assert "We know of it: case #1" in page.text
    assert fleet[1] not in page.text
    assert "Zhang Wei" not in page.text  # nobody's name
    assert page.headers["referrer-policy"] == "no-referrer"
    assert '<html lang="fa-IR"' in visitor.get(path, headers={"Accept-Language": "fa"}).text
    form = {"csrf": token(page.text), "words": "still dark", "caller": "Reza"}
    answer = visitor.post(f"{path}/report", data=form)
    assert answer.headers["location"] == f"{path}?reported=true"
    assert "Thank you" in visitor.get(f"{path}?reported=true").text
    assert "still dark" in operator.get("/tickets/1").text  # it joined the open case
    assert visitor.post(f"{path}/report", data={"words": "x"}).status_code == 403


def test_a_link_opens_a_case_of_its_own_where_none_is_open(
    operator: httpx.Client, visitor: httpx.Client, fleet: list[str]
) -> None:
    path = link_of(operator, fleet[1])
    form = {"csrf": token(visitor.get(path).text), "words": "it beeps"}
    visitor.post(f"{path}/report", data=form)
    shown = operator.get("/api/v1/tickets/2").json()
    assert (shown["origin"], shown["device"]) == ("portal", fleet[1])


def test_reports_by_a_link_are_limited(
    operator: httpx.Client, visitor: httpx.Client, fleet: list[str]
) -> None:
    path = link_of(operator, fleet[0])
    form = {"csrf": token(visitor.get(path).text), "words": "again"}
    codes = [visitor.post(f"{path}/report", data=form).status_code for _ in range(REPORTS + 2)]
    assert codes == [303] * REPORTS + [429] * 2


def test_a_link_ends_by_revocation_and_by_time(
    operator: httpx.Client, visitor: httpx.Client, fleet: list[str], database: Database
) -> None:
    path = link_of(operator, fleet[0])
    other = link_of(operator, fleet[0])
    assert operator.post(f"/devices/{fleet[1]}/links/1/revoke").status_code == 404
    assert operator.post(f"/devices/{fleet[0]}/links/1/revoke").status_code == 303
    assert visitor.get(path).status_code == 404
    assert visitor.get(other).status_code == 200
    past = SystemClock().now() - timedelta(seconds=1)
    with database.transaction() as conn:
        conn.execute("UPDATE customer_link SET expires_at = %s", [past])
        assert links.links(conn, 1) == []
    assert visitor.get(other).status_code == 404


def test_guessing_links_gets_slow(visitor: httpx.Client, seed: Seed) -> None:
    codes = {visitor.get(f"/c/guess-{number}").status_code for number in range(25)}
    assert codes == {404, 429}
