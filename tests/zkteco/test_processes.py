"""Two collectors as they run in production share a fleet, and keep each site's limit together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from domain.clock import ManualClock
from simulator.zkteco.clock import EmulatedClock
from simulator.zkteco.server import ClockServer
from simulator.zkteco.wire import Command
from storage.database import Database
from tests.waiting import wait_for
from tests.zkteco.conftest import Register, Serve

LIMIT = 2
CLOCKS_A_SITE = 6


@contextmanager
def collecting(dsn: str, folder: Path) -> Iterator[None]:
    environment = {
        **os.environ,
        "FORECALL_DATABASE_DSN": dsn,
        "FORECALL_DATA_DIR": str(folder),
        "FORECALL_ZKTECO_WORKERS": "4",
    }
    command = [sys.executable, "-m", "forecall", "collect", "zkteco"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(120) == 0, (folder / "log").read_text()


def test_two_processes_share_a_fleet_and_keep_each_sites_limit(
    database: Database,
    dsn: str,
    clock: ManualClock,
    serve: Serve,
    register: Register,
    tmp_path: Path,
) -> None:
    sites = [_site(database, clock, serve, register, number) for number in (1, 2)]
    most = [0, 0]
    owners: set[str] = set()

    def all_polled() -> bool:
        for site, servers in enumerate(sites):
            most[site] = max(most[site], sum(server.connections for server in servers))
        owners.update(_owners(database))
        polls = [server.clock.commands[Command.CONNECT] for servers in sites for server in servers]
        return min(polls) >= 2 and len(owners) == 2

    with ExitStack() as stack:
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            stack.enter_context(collecting(dsn, tmp_path / name))
        wait_for("every clock is polled twice, by both", all_polled, limit_s=180)
    assert most == [LIMIT, LIMIT]
    with database.transaction() as conn:
        rows = conn.execute("SELECT sum(errors) AS n FROM clock_poll").fetchall()
    assert rows == [{"n": 0}]


def _site(
    database: Database, clock: ManualClock, serve: Serve, register: Register, number: int
) -> list[ClockServer]:
    servers = []
    for n in range(CLOCKS_A_SITE):
        device = EmulatedClock(f"SN{number}{n}", clock, latency_s=0.05)
        servers.append(serve(device))
        register(device.serial, servers[-1])
    with database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('c', 'C') ON CONFLICT DO NOTHING")
        conn.execute(
            "INSERT INTO site (key, name, customer_id, poll_limit)"
            " SELECT %(key)s, 'S', id, %(limit)s FROM customer",
            {"key": str(number), "limit": LIMIT},
        )
        conn.execute(
            "UPDATE device SET site_id = site.id FROM site"
            " WHERE site.key = %(key)s AND device.key LIKE %(prefix)s",
            {"key": str(number), "prefix": f"SN{number}%"},
        )
        conn.execute("UPDATE clock_poll SET interval_s = 1")
    return servers


def _owners(database: Database) -> list[str]:
    with database.transaction() as conn:
        rows = conn.execute("SELECT DISTINCT leased_by FROM clock_poll WHERE leased_by IS NOT NULL")
        return [row["leased_by"] for row in rows]
