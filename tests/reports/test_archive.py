"""What was made stays as it was, and can be told from what was made of other figures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from console.i18n.speech import reader
from domain.clock import ManualClock
from domain.errors import BadInputError, ForecallError, NotFoundError
from domain.text import Text
from kpi.reports import archive
from kpi.reports.archive import entries, figures, read_entry, read_figures, read_file
from kpi.reports.document import Fact, Facts, Section, Unit
from kpi.reports.making import Made, Wanted, make
from storage.database import Database
from tests.reports.sample import sample


def made(database: Database, clock: ManualClock, **wanted: str) -> Made:
    asked = Wanted(**{"kind": "counted", "period": "2026-02", "format": "html", **wanted})
    return make(database, clock, reader, asked, "tester")


def test_what_was_made_is_read_back_as_it_was(database: Database, clock: ManualClock) -> None:
    report = made(database, clock, language="fa", time_zone="Asia/Tehran", customer="acme")
    with database.transaction() as conn:
        entry = read_entry(conn, report.entry.id)
        assert entry == report.entry
        assert read_file(conn, entry) == report.file
        assert json.loads(read_figures(conn, entry))["kind"] == "counted"
        told = conn.execute("SELECT actor, action, object FROM audit_entry").fetchall()
    assert entry.file_sha256 == hashlib.sha256(report.file).hexdigest()
    assert entry.size == len(report.file)
    assert entry.file_name == "counted-2026-02-acme-fa.html"
    assert told == [{"actor": "tester", "action": "make_report", "object": f"report/{entry.id}"}]


def test_the_hash_is_of_the_figures_alone(
    database: Database, clock: ManualClock, customers: list[str]
) -> None:
    first = made(database, clock)
    clock.advance(timedelta(days=1))
    again = made(database, clock, language="zh", format="pdf")
    assert again.entry.figures_sha256 == first.entry.figures_sha256
    assert again.entry.file_sha256 != first.entry.file_sha256
    assert (
        made(database, clock, period="2026-01").entry.figures_sha256 != first.entry.figures_sha256
    )
    with database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('x', 'x')")
    assert made(database, clock).entry.figures_sha256 != first.entry.figures_sha256


def test_figures_are_the_same_bytes_whenever_they_are_told() -> None:
    document = sample()
    later = replace(document, made_at=document.made_at + timedelta(days=3))
    assert figures(document) == figures(later) == figures(sample())
    facts = Facts((Fact(Text("Uptime"), 0.5, Unit.SHARE),))
    other = replace(document, sections=(Section(Text("Uptime"), (facts,)),))
    assert figures(other) != figures(document)


def test_a_report_of_a_demo_says_that_it_is_one(database: Database, clock: ManualClock) -> None:
    assert b"Simulated" not in made(database, clock).file
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO device (key, kind, model, simulated)
               VALUES ('SIM1', 'kiosk', 'K', true)"""
        )
    assert b"Simulated" in made(database, clock).file


@pytest.mark.parametrize("table", ["report", "report_figures"])
def test_nothing_in_the_archive_is_changed(
    database: Database, clock: ManualClock, table: str
) -> None:
    made(database, clock)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {_COLUMN[table]} = 'x'"):
        with (
            pytest.raises(psycopg.Error, match=r"append-only|never"),
            database.transaction() as conn,
        ):
            conn.execute(statement.encode())


_COLUMN = {"report": "made_by", "report_figures": "sha256"}


def test_a_file_that_is_not_the_one_stored_is_not_handed_out(
    database: Database, clock: ManualClock
) -> None:
    entry = made(database, clock).entry
    with database.transaction() as conn, pytest.raises(ForecallError, match="not the one"):
        read_file(conn, replace(entry, file_sha256="0" * 64))


def test_the_list_is_newest_first_and_goes_on(database: Database, clock: ManualClock) -> None:
    ids = [made(database, clock, customer=each).entry.id for each in ("a", "b", "a", "a")]
    with database.transaction() as conn:
        assert [each.id for each in entries(conn)] == ids[::-1]
        assert [each.id for each in entries(conn, customer="a", limit=2)] == [ids[3], ids[2]]
        assert [each.id for each in entries(conn, customer="a", before=ids[2])] == [ids[0]]
        assert entries(conn, kind="life") == []
        with pytest.raises(NotFoundError, match="no report 99"):
            read_entry(conn, 99)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"kind": "nothing"}, "kind: 'nothing'; allowed: .*counted"),
        ({"language": "de"}, "language: 'de'; allowed: en, zh, fa"),
        ({"format": "docx"}, "format: 'docx'; allowed: pdf, html, xlsx"),
        ({"time_zone": "Mars/Olympus"}, "time zone: 'Mars/Olympus'"),
        ({"time_zone": "../../etc/passwd"}, "time zone"),
        ({"period": "2027-01"}, "has not begun"),
    ],
)
def test_what_cannot_be_asked_for(
    database: Database, clock: ManualClock, wanted: dict[str, str], problem: str
) -> None:
    with pytest.raises(BadInputError, match=problem):
        made(database, clock, **wanted)


def test_a_file_that_is_too_large_is_not_kept(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LONGEST", 100)
    with pytest.raises(BadInputError, match="bytes as html; allowed: 100"):
        made(database, clock)
    with database.transaction() as conn:
        assert entries(conn) == []
