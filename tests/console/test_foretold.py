"""What a device's page and the interface say of reasons, supplies and what is unusual."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from psycopg.types.json import Jsonb

from domain.reason import Reason
from domain.text import Text
from tests.console.seed import Seed


@pytest.fixture
def key(seed: Seed) -> str:
    """A device whose paper ends in two days, at best in five, and that is unusual."""
    key = seed.fleet()[0]
    now = seed.clock.now()
    with seed.database.transaction() as conn:
        conn.execute(
            """INSERT INTO consumable (device_id, metric, component, at, level, edge, early, likely,
                                       late, visit)
               SELECT id, 'x.PaperRemaining', 'receiptPrinter', %(now)s, 31.5, 0, %(early)s,
                      %(likely)s, %(late)s, %(late)s
               FROM device WHERE key = %(key)s""",
            {
                "key": key,
                "now": now - timedelta(hours=1),
                "early": now + timedelta(days=2),
                "likely": now + timedelta(days=3),
                "late": now + timedelta(days=5),
            },
        )
        conn.execute(
            """INSERT INTO anomaly (at, device_id, component, score, chance, reasons)
               SELECT %(now)s, id, 'billAcceptor', 9.5, 1e-7, %(reasons)s
               FROM device WHERE key = %(key)s""",
            {
                "key": key,
                "now": now - timedelta(hours=1),
                "reasons": Jsonb([Reason(Text("warnings and errors"), 1.0).to_json()]),
            },
        )
    return key


def test_the_page_tells_what_runs_out_and_why_a_failure_is_foretold(
    seed: Seed, operator: httpx.Client, key: str
) -> None:
    seed.predict(key, "receiptPrinter")
    page = operator.get(f"/devices/{key}").text
    assert "What runs out" in page
    assert "paper remaining" in page
    assert "31.5 %" in page
    assert "failed paper cuts is 31, and 2 is usual for this device" in page
    assert "<td>80%</td><td>31</td><td>2</td>" in page.replace("80 %", "80%")
    (ticket,) = operator.get("/api/v1/tickets").json()["items"]
    assert "Why" in operator.get(f"/tickets/{ticket['id']}").text
    for language in ("fa", "zh_Hans_CN"):
        operator.post("/language", data={"language": language})
        page = operator.get(f"/devices/{key}").text
        assert "is usual" not in page
        assert "What runs out" not in page


def test_the_interface_tells_of_supplies_and_of_what_is_unusual(
    operator: httpx.Client, key: str
) -> None:
    (supply,) = operator.get("/api/v1/predictions?kind=consumable").json()["items"]
    assert (supply["kind"], supply["device"], supply["metric"]) == (
        "consumable",
        key,
        "x.PaperRemaining",
    )
    assert supply["early"] < supply["likely"] < supply["late"]
    (unusual,) = operator.get(f"/api/v1/predictions?kind=anomaly&device={key}").json()["items"]
    assert (unusual["kind"], unusual["component"]) == ("anomaly", "billAcceptor")
    assert operator.get("/api/v1/predictions").json()["items"] == []
    assert operator.get("/api/v1/predictions?kind=other").status_code in (400, 422)
