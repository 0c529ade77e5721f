"""The attendance page and its API: who may read, what they get, and that it is noted."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from console.i18n.catalogue import LANGUAGES
from domain.attendance import AttendanceRecord, Punch
from pipeline.attendance import store_records
from tests.console.conftest import LogIn
from tests.console.seed import Seed

PERIOD = "from=2026-02-01&to=2026-02-28"


@pytest.fixture
def punches(seed: Seed) -> int:
    """120 punches on one clock of a site, two of them equal; how many."""
    seed.fleet()
    with seed.database.transaction() as conn:
        site = conn.execute("SELECT id FROM site ORDER BY id").fetchone()
        assert site is not None
        row = conn.execute(
            "INSERT INTO device (key, kind, site_id, adopted_at)"
            " VALUES ('gate-1', 'clock', %s, %s) RETURNING id",
            [site["id"], seed.clock.now()],
        ).fetchone()
        assert row is not None
        records = [
            AttendanceRecord(Punch("=1+1", datetime(2026, 2, day, 8, minute), 16, 0), nth)  # noqa: DTZ001
            for day in range(1, 21)
            for minute in (0, 1, 2)
            for nth in (1, 2)
        ]
        store_records(conn, row["id"], "SN1", ZoneInfo("UTC"), records, seed.clock.now())
    return len(records)


def audits(seed: Seed) -> list[tuple[str, str]]:
    with seed.database.transaction() as conn:
        rows = conn.execute(
            "SELECT actor, detail ->> 'as' AS how FROM audit_entry"
            " WHERE action = 'read_attendance' ORDER BY id"
        ).fetchall()
    return [(row["actor"], row["how"]) for row in rows]


def test_pages_of_json_hold_every_punch_once(
    operator: httpx.Client, punches: int, seed: Seed
) -> None:
    found, cursor = [], ""
    while True:
        answer = operator.get(f"/api/v1/attendance?{PERIOD}&limit=50{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == punches
    assert len({(item["local_time"], item["nth"]) for item in found}) == punches
    assert found[0]["local_time"] == "2026-02-01T08:00:00"
    assert audits(seed) == [("operator", "json")]


def test_the_same_as_csv(operator: httpx.Client, punches: int, seed: Seed) -> None:
    answer = operator.get(f"/api/v1/attendance?{PERIOD}", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == punches
    assert rows[0]["user"] == "'=1+1"
    assert audits(seed) == [("operator", "csv")]


def test_a_viewer_reads_nobodys_punches(log_in: LogIn, punches: int) -> None:
    viewer = log_in("viewer")
    for path in ("/attendance", "/api/v1/attendance", "/api/v1/attendance/gaps"):
        assert viewer.get(path).status_code == 403
    assert 'href="/attendance"' not in viewer.get("/").text


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-02&to=2026-02-01",
        "from=2020-01-01&to=2026-01-01",
        "cursor=abc",
        "cursor=WyJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4IiwxXQ",
    ],
)
def test_what_cant_be_answered_is_refused(operator: httpx.Client, query: str) -> None:
    assert operator.get(f"/api/v1/attendance?{query}").status_code == 400
    assert operator.get("/api/v1/attendance?site=nowhere&format=csv").status_code == 404


def test_the_page_in_every_language(operator: httpx.Client, punches: int, seed: Seed) -> None:
    for language in LANGUAGES:
        operator.post("/language", data={"language": language})
        answer = operator.get(f"/attendance?{PERIOD}")
        assert answer.status_code == 200, answer.text
        assert answer.text.count("<bdi>=1+1</bdi>") == 50
        assert 'rel="next"' in answer.text
    assert ("operator", "page") in audits(seed)


def test_gaps_are_told(operator: httpx.Client, punches: int) -> None:
    gaps = operator.get("/api/v1/attendance/gaps?from=2026-02-20&to=2026-02-28").json()
    assert {gap["kind"] for gap in gaps} <= {"no_punches", "not_seen"}
