"""`forecall attendance` on a store, as a person calls it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.clock import ManualClock, SystemClock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from forecall.cli import app
from storage.database import Database
from tests.attendance.conftest import Clocked, punch_on

DAYS = [date(2026, 2, 23) + timedelta(days=number) for number in range(5)]


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    return CliRunner()


def test_an_export_is_written_whole_and_noted(
    run: CliRunner, database: Database, clock: ManualClock, enter_clock: Clocked, tmp_path: Path
) -> None:
    punch_on(database, clock, enter_clock("door-1"), "SN1", DAYS)
    file = tmp_path / "punches.csv"
    period = ["--from", "2026-02-23", "--to", "2026-02-24", "-o", str(file)]
    done = run.invoke(app, ["attendance", "export", "--site", "gate", *period])
    assert done.exit_code == 0, done.output
    assert "4 records written" in done.output
    assert len(file.read_text().splitlines()) == 5
    assert list(tmp_path.iterdir()) == [file]
    with database.transaction() as conn:
        noted = conn.execute("SELECT action, object FROM audit_entry").fetchall()
    assert noted == [{"action": "read_attendance", "object": "site/gate"}]
    wrong = run.invoke(app, ["attendance", "export", "--site", "nowhere", *period])
    assert isinstance(wrong.exception, NotFoundError)
    wrong = run.invoke(app, ["attendance", "export", "--from", "x", "--to", "y", "-o", str(file)])
    assert isinstance(wrong.exception, BadInputError)


def test_gaps_and_proofs_are_listed(
    run: CliRunner, database: Database, enter_clock: Clocked
) -> None:
    now = SystemClock().now()
    device_id = enter_clock("door-1")
    day = now.date() - timedelta(days=1)
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO push_clock (device_id, serial, first_seen_at, heard_at)"
            " VALUES (%s, 'SN1', %s, %s)",
            [device_id, now, now],
        )
        conn.execute(
            "INSERT INTO attendance_check (device_id, serial, day, claimed, stored, checked_at)"
            " VALUES (%s, 'SN1', %s, 9, 7, %s)",
            [device_id, day, now],
        )
    gaps = run.invoke(app, ["attendance", "gaps"])
    assert gaps.exit_code == 0, gaps.output
    assert f"{day}  it holds records that are not stored" in gaps.output
    proof = run.invoke(app, ["attendance", "prove"])
    assert proof.exit_code == 1
    assert "missing 2" in proof.output


def test_a_clock_is_asked_to_read_and_nothing_else(
    run: CliRunner, database: Database, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    now = SystemClock().now()
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO push_clock (device_id, serial, first_seen_at) VALUES (%s, 'SN1', %s)",
            [device_id, now],
        )
    asked = run.invoke(app, ["attendance", "ask", "door-1", "VERIFY", "--from", "2026-03-01"])
    assert asked.exit_code == 0, asked.output
    assert "VERIFY SUM ATTLOG StartTime=2026-03-01 00:00:00" in asked.output
    assert run.invoke(app, ["attendance", "ask", "door-1", "SHELL"]).exit_code == 2
    without = run.invoke(app, ["attendance", "ask", "door-1", "QUERY"])
    assert isinstance(without.exception, NotAllowedError)
    unknown = run.invoke(app, ["attendance", "ask", "door-9", "INFO"])
    assert isinstance(unknown.exception, NotFoundError)
