"""Reports in the console and by the API: made, listed, downloaded, by who may."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from console import tokens
from console.i18n.catalogue import LANGUAGES
from storage.database import Database
from tests.console.conftest import LogIn
from tests.reports.conftest import customers, kind

__all__ = ["customers", "kind"]


@pytest.fixture
def program(address: str, database: Database) -> Iterator[httpx.Client]:
    """A program whose token may make and read reports, and nothing else."""
    with database.transaction() as conn:
        key = tokens.make_token(conn, "figures", ["figures"], 30, actor="boss")
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, headers=headers, timeout=120) as client:
        yield client


def test_a_manager_makes_a_report_and_downloads_it(log_in: LogIn, customers: list[str]) -> None:
    manager = log_in("manager")
    form = {"kind": "counted", "period": "2026-02", "language": "fa", "form": "html"}
    assert manager.post("/reports", data=form | {"customer": "acme"}).status_code == 303
    for language in LANGUAGES:
        manager.post("/language", data={"language": language})
        page = manager.get("/reports").text
        assert "/reports/1/file" in page
        assert ">acme<" in page
    file = manager.get("/reports/1/file")
    assert (
        file.headers["content-disposition"] == 'attachment; filename="counted-2026-02-acme-fa.html"'
    )
    assert 'lang="fa-IR"' in file.text
    assert "2026-03" not in manager.get("/reports?customer=x").text.split("archive-title")[1]
    wrong = manager.post("/reports", data=form | {"period": "soon"})
    assert wrong.status_code == 400
    assert "2026-Q3" in wrong.text


def test_the_same_over_the_api(program: httpx.Client) -> None:
    names = {each["name"]: each for each in program.get("/api/v1/report-kinds").json()}
    assert names["counted"]["about"] == "either"
    wanted = {"kind": "counted", "period": "1404-11", "format": "xlsx", "time_zone": "Asia/Tehran"}
    made = program.post("/api/v1/reports", json=wanted)
    assert made.status_code == 201
    report = made.json()
    assert (report["period"], report["made_by"]) == ("1404-11", "token:figures")
    file = program.get(f"/api/v1/reports/{report['id']}/file")
    assert hashlib.sha256(file.content).hexdigest() == report["file_sha256"]
    program.post("/api/v1/reports", json=wanted | {"format": "html"})
    first = program.get("/api/v1/reports?limit=1").json()
    rest = program.get(f"/api/v1/reports?limit=5&cursor={first['next']}").json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [2, 1]
    assert program.get("/api/v1/reports/1").json() == report
    assert program.get("/api/v1/reports/77").status_code == 404
    refused = program.post("/api/v1/reports", json=wanted | {"language": "de"})
    assert (refused.status_code, refused.json()["detail"][:14]) == (400, "language: 'de'")


def test_who_may_not_gets_no_report_and_no_link_to_them(log_in: LogIn) -> None:
    """A customer's report, and one about the staff, is not for every operator."""
    for role in ("viewer", "operator", "dispatcher", "engineer", "analyst"):
        client = log_in(role)
        for path in ("/reports", "/reports/1/file", "/api/v1/reports", "/api/v1/reports/1/file"):
            assert client.get(path).status_code == 403, (role, path)
        if role != "engineer":
            assert 'href="/reports"' not in client.get("/devices").text
