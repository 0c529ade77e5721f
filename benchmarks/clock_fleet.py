"""Emulated clocks polled by `forecall collect zkteco`, each process apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.reporting import spread
from storage.database import Conn, Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate

_MINUTE_S = 60.0
_INTERVAL_S = 55.0  # and up to 5 % more, so that polls drift apart: within the minute
_EMULATORS = 2
_FIRST_ROUND_LIMIT_S = 600
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def poll_fleet(clocks: int, seconds: int, workers: int) -> dict[str, Any]:
    """Polls `clocks` for `seconds` after a first round, and says how it went."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(EmbeddedServer(folder))
        database = Database(server.dsn)
        stack.callback(database.close)
        migrate(database)
        ports: list[int] = []
        for n in range(_EMULATORS):
            count = clocks // _EMULATORS + (n < clocks % _EMULATORS)
            ports += stack.enter_context(_emulator(count))
        with database.transaction() as conn:
            _register(conn, ports)
        collector = stack.enter_context(_collector(server.dsn, folder, workers))
        _first_round(database)
        before, start = _cpu_s(collector), datetime.now(UTC)
        time.sleep(seconds)
        spent = {name: cpu - before[name] for name, cpu in _cpu_s(collector).items()}
        with database.transaction() as conn:
            figures = _figures(conn, start, seconds, folder / "collector.log")
    return {
        "clocks": clocks,
        "seconds": seconds,
        "workers": workers,
        **figures,
        **_cost(spent, figures),
    }


def _first_round(database: Database) -> None:
    """Waits until each clock's whole log was taken in, and for a minute more."""
    limit = time.monotonic() + _FIRST_ROUND_LIMIT_S
    left = -1
    while left:
        if time.monotonic() > limit:
            raise SystemExit(f"{left} clocks were not polled within {_FIRST_ROUND_LIMIT_S} s")
        time.sleep(1)
        with database.transaction() as conn:
            query = "SELECT count(*) AS n FROM clock_poll WHERE log_read_at IS NULL"
            left = conn.execute(query).fetchall()[0]["n"]
    time.sleep(_MINUTE_S)


@contextmanager
def _emulator(count: int) -> Iterator[list[int]]:
    command = [sys.executable, "-m", "benchmarks.clock_emulator", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


@contextmanager
def _collector(dsn: str, folder: Path, workers: int) -> Iterator[int]:
    environment = {
        **os.environ,
        "FORECALL_DATABASE_DSN": dsn,
        "FORECALL_DATA_DIR": str(folder),
        "FORECALL_ZKTECO_WORKERS": str(workers),
    }
    command = [sys.executable, "-m", "forecall", "collect", "zkteco"]
    with (
        (folder / "collector.log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def _register(conn: Conn, ports: list[int]) -> None:
    conn.execute(
        "INSERT INTO device (key, kind) SELECT 'clock-' || n, 'clock'"
        " FROM generate_series(1, %s) AS n",
        [len(ports)],
    )
    conn.execute(
        "INSERT INTO clock_poll (device_id, host, port, interval_s, next_poll_at)"
        " SELECT device.id, '127.0.0.1', port, %s, now() + n * interval '1 minute' / %s"
        " FROM unnest(%s::int4[]) WITH ORDINALITY AS served (port, n)"
        " JOIN device ON device.key = 'clock-' || n",
        [_INTERVAL_S, len(ports), ports],
    )


def _figures(conn: Conn, start: datetime, seconds: int, log: Path) -> dict[str, Any]:
    """From the readings that each poll left: when it was done, and when it had been due."""
    rows = conn.execute(
        "SELECT device_id, reading.at, lag(reading.at) OVER polls AS before FROM reading"
        " JOIN metric ON metric.id = metric_id AND metric.name = 'x.ConnectTime'"
        " WINDOW polls AS (PARTITION BY device_id ORDER BY reading.at)"
    ).fetchall()
    until = start + timedelta(seconds=seconds)
    polls = [row for row in rows if row["before"] and start <= row["at"] < until]
    if not polls:
        raise SystemExit(
            f"no clock was polled twice, but {len(rows)} once:\n{log.read_text()[-3000:]}"
        )
    gaps = np.array([(row["at"] - row["before"]).total_seconds() for row in polls])
    due = np.array([_pause_s(row["device_id"]) for row in polls])
    late = gaps - due
    (failed,) = conn.execute("SELECT sum(errors) AS n FROM clock_poll").fetchall()
    return {
        "polls": len(polls),
        "polls_per_s": round(len(polls) / seconds, 2),
        "within_their_minute_percent": round(100 * float((gaps <= _MINUTE_S).mean()), 2),
        "late_p50_s": round(float(np.percentile(late, 50)), 3),
        "late_p99_s": round(float(np.percentile(late, 99)), 3),
        "failed": failed["n"],
    }


def _pause_s(device_id: int) -> float:
    target = PollTarget(device_id, "", "", 1, interval_s=_INTERVAL_S)
    return spread(target, 1.0).total_seconds()


def _cost(spent: Mapping[str, float], figures: Mapping[str, Any]) -> dict[str, float]:
    seconds = {f"{name}_cpu_s": round(cpu, 2) for name, cpu in spent.items()}
    per_poll = 1000 * sum(spent.values()) / max(1, figures["polls"])
    return {**seconds, "cpu_ms_per_poll": round(per_poll, 2)}


def _cpu_s(collector: int) -> dict[str, float]:
    """CPU seconds so far of the collector and of its workers, those that ended included."""
    children = Path(f"/proc/{collector}/task/{collector}/children").read_text().split()
    own, ended = _times(collector)
    return {"collector": own, "workers": ended + sum(_times(int(pid))[0] for pid in children)}


def _times(pid: int) -> tuple[float, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, children = fields[11:13], fields[13:15]
    return sum(map(int, own)) * _TICK_S, sum(map(int, children)) * _TICK_S
