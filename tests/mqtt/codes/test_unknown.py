"""Codes that no table knows: gathered from the events, listed, and forgotten once a table knows them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from domain.clock import ManualClock
from domain.dialects import event_of
from domain.report import DeviceReport, EventReport
from forecall.cli import app
from pipeline.codes import note_unknown_codes, unknown_codes
from pipeline.ingest import Ingest
from storage.database import Database


def _say(database: Database, clock: ManualClock, device: str, *events: EventReport) -> None:
    report = DeviceReport(device, clock.now(), clock.now(), events=events)
    Ingest(database, clock, "mqtt").store([report])


def _listed(database: Database) -> list[tuple[str, str, str, int, str]]:
    with database.transaction() as conn:
        return [
            (code.dialect, code.raw_code, code.component, code.seen, code.device)
            for code in unknown_codes(conn)
        ]


def test_what_no_table_knows_is_listed_with_who_says_it(
    database: Database, clock: ManualClock
) -> None:
    bill = "billAcceptor"
    _say(database, clock, "d1", event_of("id003", "EE", bill), event_of("id003", "45", bill))
    _say(database, clock, "d1", event_of("klingon", "7", bill))
    assert note_unknown_codes(database, clock) == 2
    assert _listed(database) == [("id003", "EE", bill, 1, "d1"), ("klingon", "7", bill, 1, "d1")]
    clock.advance(timedelta(minutes=5))
    _say(database, clock, "d2", event_of("id003", "EE", bill))
    note_unknown_codes(database, clock)
    note_unknown_codes(database, clock)  # the same events are not counted again
    assert _listed(database)[0][:4] == ("id003", "EE", bill, 2)


def test_a_code_that_a_table_has_come_to_know_is_forgotten(
    database: Database, clock: ManualClock
) -> None:
    _say(database, clock, "d1", event_of("id003", "EE", "billAcceptor"))
    note_unknown_codes(database, clock)
    with database.transaction() as conn:
        conn.execute("UPDATE unknown_code SET raw_code = '45'")
    clock.advance(timedelta(days=2))
    note_unknown_codes(database, clock)
    assert _listed(database) == []


def test_what_is_unknown_is_stored_as_it_is(database: Database, clock: ManualClock) -> None:
    hostile = "<script>'; DROP TABLE device; --"
    _say(database, clock, "d1", event_of("id003", hostile, "billAcceptor"))
    note_unknown_codes(database, clock)
    assert _listed(database) == [("id003", hostile, "billAcceptor", 1, "d1")]


def test_the_commands(
    database: Database, clock: ManualClock, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    runner = CliRunner()
    assert "id003: 32 codes" in runner.invoke(app, ["codes", "list"]).output
    shown = runner.invoke(app, ["codes", "list", "--dialect", "ID003"]).output
    assert "jamInAcceptor" in shown
    assert "jamAcceptor" in shown
    refused = runner.invoke(app, ["codes", "list", "--dialect", "klingon"])
    assert "allowed: upos" in str(refused.exception)
    assert "Every code that was said is known" in runner.invoke(app, ["codes", "unknown"]).output
