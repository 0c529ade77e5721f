"""The embedded server: killed without warning, started twice, ended with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.errors import StoreUnavailableError
from storage.database import Database
from storage.embedded import EmbeddedServer
from tests.waiting import wait_for

_LIMIT_S = 120

_PARENT = """
import sys, time
from pathlib import Path
from storage.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path)
    server.start()
    yield server
    server.stop()


def test_what_was_committed_outlives_a_kill(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS n")
    server.kill()
    assert not server.running
    server.start()
    with psycopg.connect(server.dsn) as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (42,)


def test_a_pool_works_again_after_the_server_came_back(server: EmbeddedServer) -> None:
    database = Database(server.dsn)
    try:
        with database.transaction() as conn:
            conn.execute("SELECT 1")
        server.kill()
        wait_for("the last of its processes ends", lambda: _is_away(database))
        server.start()
        with database.transaction() as conn:
            row = conn.execute("SELECT 1 AS one").fetchone()
        assert row == {"one": 1}
    finally:
        database.close()


def _is_away(database: Database) -> bool:
    try:
        with database.transaction() as conn:
            conn.execute("SELECT 1")
    except StoreUnavailableError:
        return True
    return False


def test_the_server_ends_with_a_killed_parent_and_its_data_is_taken_up_again(
    tmp_path: Path,
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _await_end(pid)
    with EmbeddedServer(tmp_path) as again:
        assert again.running


def test_nobody_else_may_enter_the_sockets_folder(server: EmbeddedServer) -> None:
    folder = Path(str(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"]))
    assert folder.stat().st_mode & 0o077 == 0


def _await_end(pid: int) -> None:
    limit = time.monotonic() + _LIMIT_S
    while Path(f"/proc/{pid}").exists():
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "Z":  # ended; nobody of this machine's init has collected it yet
            return
        assert time.monotonic() < limit, f"PostgreSQL {pid} outlived its parent"
        os.sched_yield()
