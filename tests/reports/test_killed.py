"""A worker that dies while it makes a report: after a restart there is one report of the period, sent once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from storage.database import Database
from tests.waiting import wait_for

SCHEDULE = """
[[report]]
name = "lives"
kind = "life"
every = "month"
languages = ["fa", "en"]
formats = ["html", "xlsx"]
to = ["li"]
by = ["mail"]
"""
PEOPLE = """
[channels]
mail = {url = {env = "MAIL"}}
[people.li]
name = "Li"
addresses = {mail = "li"}
"""
WORKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from domain.clock import ManualClock
from forecall.config import Settings
from forecall.post import post
from forecall.reporting import reporter
from forecall.wiring import Installation
from storage.database import Database

dsn, folder = sys.argv[1], Path(sys.argv[2])
settings = Settings(
    data_dir=folder, notify=folder / "notify.toml", reports_schedule=folder / "schedule.toml"
)
house = Installation(settings, Database(dsn), ManualClock(datetime(2026, 3, 3, 7, tzinfo=UTC)))
worker = reporter(house, post(house).policy)
print(worker.turn(), worker.turn())
house.database.close()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "schedule.toml").write_text(SCHEDULE)
    (tmp_path / "notify.toml").write_text(PEOPLE)
    monkeypatch.setenv("MAIL", "json://localhost/to/{address}")
    return tmp_path


@contextmanager
def worker(dsn: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WORKER, dsn, str(folder)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            yield process
        finally:
            process.kill()


def made(dsn: str, folder: Path) -> str:
    """How many reports a worker that nobody disturbs makes in its first and in its second turn."""
    with worker(dsn, folder) as process:
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return told.splitlines()[-1]


def killed_at(dsn: str, folder: Path, table: str) -> None:
    """Kills a worker where it has got so far that it writes into a table."""
    with psycopg.connect(dsn) as conn, worker(dsn, folder) as process:
        conn.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE".encode())
        wait_for(f"it writes into {table}", lambda: _somebody_waits(conn, table))
        process.kill()
        process.wait(timeout=60)


def _somebody_waits(conn: psycopg.Connection[tuple[int]], table: str) -> bool:
    row = conn.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table]
    ).fetchone()
    return row is not None and row[0] > 0


def counts(database: Database) -> tuple[int, int, int]:
    """Reports, turns and letters."""
    with database.transaction() as conn:
        row = conn.execute(
            """SELECT (SELECT count(*) FROM report) AS reports,
                      (SELECT count(*) FROM report_turn) AS turns,
                      (SELECT count(*) FROM delivery) AS letters"""
        ).fetchone()
    assert row is not None
    return row["reports"], row["turns"], row["letters"]


def test_a_report_is_made_and_sent_once_however_often_its_worker_is_killed(
    database: Database, dsn: str, folder: Path
) -> None:
    # In the middle of its files; with all of them, before the letters.
    for table in ("report", "delivery"):
        killed_at(dsn, folder, table)
        assert counts(database) == (0, 0, 0)
    assert made(dsn, folder) == "1 0"
    assert counts(database) == (4, 1, 1)
