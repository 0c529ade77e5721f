"""The REST API: bounded pages that together are the whole, each row once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.report import Severity
from tests.console.conftest import LogIn
from tests.console.seed import Seed

LISTS = (
    "devices",
    "sites",
    "engineers",
    "events",
    "transitions",
    "predictions",
    "models",
    "alerts",
    "tickets",
)


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    keys = seed.fleet(2, 2, 3)
    seed.readings(keys[0], 12)
    for key in keys[:7]:  # all in the same moment
        seed.event(key, "receiptPrinter", "paperJam", Severity.ERROR)
    for key in keys[:3]:
        seed.clock.advance(timedelta(seconds=1))
        seed.predict(key, "cardReader")
    seed.down(keys[0])
    seed.clock.advance(timedelta(minutes=1))
    return keys


def test_pages_add_up_to_the_whole(operator: httpx.Client, fleet: list[str]) -> None:
    for path in (*LISTS, f"readings?device={fleet[0]}"):
        whole = _all(operator, path, 1000)
        for limit in (1, 2, 5):
            assert _all(operator, path, limit) == whole, (path, limit)
    assert len(_all(operator, "devices", 1000)) == 12
    assert len(_all(operator, "events", 1000)) == 7
    assert len(_all(operator, f"readings?device={fleet[0]}", 1000)) == 24
    assert len(_all(operator, "transitions", 1000)) == 13


def test_lists_are_narrowed(operator: httpx.Client, fleet: list[str]) -> None:
    for path, count in {
        "devices?state=down": 1,
        "devices?site=s1&kind=pos": 3,
        "devices?customer=c1": 6,
        f"events?device={fleet[1]}&severity=error": 1,
        "events?to=2026-03-01T00:00:00Z": 0,
        f"readings?device={fleet[0]}&metric=PaperCutCount": 12,
        f"readings?device={fleet[0]}&from=2026-03-02T10:00:00Z": 4,
        f"transitions?device={fleet[0]}": 2,
        "predictions?component=cardReader": 3,
        "predictions?component=other": 0,
        f"alerts?open=false&device={fleet[0]}": 0,
        "tickets?origin=prediction": 3,
        f"tickets?device={fleet[0]}&state=new&open=true": 2,
    }.items():
        assert len(_all(operator, path, 1000)) == count, path


def test_rows_carry_what_a_program_needs(operator: httpx.Client, fleet: list[str]) -> None:
    device = operator.get("/api/v1/devices?limit=1").json()["items"][0]
    assert device["key"] == "pos-00-00"
    assert device["state"] == "down"
    assert device["site"] == "s0"
    ticket = operator.get(f"/api/v1/tickets?device={fleet[1]}").json()["items"][0]
    assert ticket["title"]["template"].startswith("Likely to fail")
    assert ticket["predicted_at"] == "2026-03-02T12:00:02Z"
    engineers = operator.get("/api/v1/engineers").json()["items"]
    assert [row["sites"] for row in engineers] == [4, 0]


def test_uptime_by_scope(operator: httpx.Client, fleet: list[str], seed: Seed) -> None:
    seed.clock.advance(timedelta(hours=1))
    period = "from=2026-03-02T12:30:00Z"
    rows = {row["key"]: row for row in operator.get(f"/api/v1/kpi?scope=device&{period}").json()}
    assert rows[fleet[0]]["ratio"] == 0
    assert rows[fleet[5]]["ratio"] == 1
    assert len(operator.get(f"/api/v1/kpi?scope=customer&{period}").json()) == 2


def test_what_does_not_fit_is_refused_and_named(operator: httpx.Client, fleet: list[str]) -> None:
    for path, named in {
        "devices?limit=1001": "limit",
        "devices?limit=0": "limit",
        "devices?cursor=xyz": "cursor",
        "events?cursor=WzFd": "cursor",  # a cursor of another kind of list
        "transitions?cursor=WyJ4Il0": "cursor",
        "readings": "device",
        "kpi?scope=galaxy": "scope",
        "kpi?from=2026-03-02T12:00:00": "from",  # without a zone
        "events?from=2020-01-01T00:00:00Z": "from",
    }.items():
        answer = operator.get(f"/api/v1/{path}")
        assert answer.status_code == 400, path
        assert named in answer.json()["detail"]


def test_the_api_is_for_accounts(visitor: httpx.Client, log_in: LogIn) -> None:
    for name in (*LISTS, "readings", "kpi"):
        answer = visitor.get(f"/api/v1/{name}")
        assert answer.status_code == 401
        assert answer.json()["error"]
    described = log_in("viewer").get("/api/openapi.json").json()
    assert {f"/api/v1/{name}" for name in (*LISTS, "readings", "kpi")} <= set(described["paths"])
    written = {path for path, methods in described["paths"].items() if "post" in methods}
    assert {path.split("/")[3] for path in written} == {"reports", "review", "tickets"}


def _all(client: httpx.Client, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(200):
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        url = httpx.URL(f"/api/v1/{path}").copy_merge_params(params)
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
    raise AssertionError(f"{path} never ends")
