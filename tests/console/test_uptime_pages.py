"""What the figures of the uptime page are made of."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from console.i18n.catalogue import LANGUAGES
from tests.console.seed import Seed


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    """Twelve devices, of which one went down; its site had a maintenance window for the last hour."""
    keys = seed.fleet()
    seed.down(keys[0], "billAcceptor")
    seed.clock.advance(timedelta(hours=3))
    now = seed.clock.now()
    with seed.database.transaction() as conn:
        conn.execute(
            """INSERT INTO suppression (kind, site_id, starts_at, ends_at, reason, actor, made_at)
               SELECT 'window', site_id, %(from)s, %(until)s, 'works', 'li', %(from)s
               FROM device WHERE key = %(key)s""",
            {"from": now - timedelta(hours=1), "until": now, "key": keys[0]},
        )
    return keys


def test_a_figure_opens_to_its_downtimes_and_their_evidence(
    operator: httpx.Client, fleet: list[str]
) -> None:
    """OneUptime/oneuptime#3431: a figure that was rolled up, and nobody can say from what."""
    listed = operator.get("/uptime?scope=device&span=24h").text
    assert f"/uptime/device?key={fleet[0]}&amp;span=24h" in listed
    page = operator.get("/uptime/device", params={"key": fleet[0], "span": "24h"}).text
    assert len(re.findall(r"<tr>\s*<td class=\"lead\">", page)) == 1
    assert "maintenance window" in page
    assert 'href="/windows"' in page
    for language in LANGUAGES:
        operator.post("/language", data={"language": language})
        answer = operator.get("/uptime/device", params={"key": fleet[0]})
        assert f'<html lang="{LANGUAGES[language].tag}"' in answer.text


def test_of_an_unknown_key_it_says_so(operator: httpx.Client, fleet: list[str]) -> None:
    assert operator.get("/uptime/site?key=nowhere").status_code == 404
    assert operator.get("/uptime/galaxy?key=x").status_code == 400


def test_the_api_tells_the_same(operator: httpx.Client, fleet: list[str]) -> None:
    """louislam/uptime-kuma#5590: planned maintenance counts as downtime all the same."""
    rows = operator.get("/api/v1/kpi?scope=device").json()
    [figure] = [row for row in rows if row["key"] == fleet[0]]
    [found] = operator.get(
        "/api/v1/kpi/downtimes", params={"scope": "device", "key": fleet[0]}
    ).json()
    assert found["counts_s"] == pytest.approx(figure["down_s"])
    assert found["excluded_s"] == {"maintenance": pytest.approx(3600)}
    assert figure["excluded_s"]["maintenance"] == pytest.approx(3600)
    assert found["component"] == "billAcceptor"
