"""How long a month's availability of a large fleet takes, from its state changes in PostgreSQL.

    python -m benchmarks.uptime [--devices 10000] [--changes 1000000]

For each scope the seconds from the question to the figures, the middle one of three. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
from psycopg import sql

from benchmarks.store import fresh_store
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from storage.database import Conn, Database

_START = datetime(2026, 3, 1, tzinfo=UTC)
_END = datetime(2026, 4, 1, tzinfo=UTC)
_SITES, _ENGINEERS = 500, 25
_ROUNDS = 3


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--devices", type=int, default=10_000)
    asked.add_argument("--changes", type=int, default=1_000_000)
    chosen = asked.parse_args()
    with fresh_store() as database:
        seconds = _measured(database, chosen.devices, chosen.changes)
    for scope, took in seconds.items():
        print(f"{scope:9} {took:6.2f} s")
    print(json.dumps({"benchmark": "uptime", **vars(chosen), "seconds": seconds}))


def _measured(database: Database, devices: int, changes: int) -> dict[str, float]:
    with database.transaction() as conn:
        _make_fleet(conn, devices)
        _make_changes(conn, devices, changes)
    with database.transaction() as conn:
        conn.execute("ANALYZE")
        return {scope.value: round(_middle(conn, scope), 3) for scope in Scope}


def _middle(conn: Conn, scope: Scope) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        began = perf_counter()
        uptime(conn, scope, _START, _END)
        seconds.append(perf_counter() - began)
    return statistics.median(seconds)


def _make_fleet(conn: Conn, devices: int) -> None:
    conn.execute(
        "INSERT INTO customer (key, name) SELECT 'c' || n, 'C' FROM generate_series(1, 50) n"
    )
    conn.execute(
        "INSERT INTO engineer (key, name) SELECT 'e' || n, 'E' FROM generate_series(1, %s) n",
        [_ENGINEERS],
    )
    conn.execute(
        """INSERT INTO site (key, name, customer_id, engineer_id, city)
           SELECT 's' || n, 'S', 1 + n %% 50, 1 + n %% %s, 'city' || n %% 20
           FROM generate_series(1, %s) n""",
        [_ENGINEERS, _SITES],
    )
    conn.execute(
        """INSERT INTO device (key, kind, model, site_id, adopted_at)
           SELECT 'd' || n, 'pos', 'M' || n %% 5, 1 + n %% %s, %s FROM generate_series(1, %s) n""",
        [_SITES, _START - timedelta(days=90), devices],
    )


def _make_changes(conn: Conn, devices: int, changes: int) -> None:
    """Down and up in turn, at random moments of the month, some of them not watched in between."""
    random = np.random.default_rng(1)
    owner = np.sort(random.integers(0, devices, changes))
    first = np.searchsorted(owner, owner)
    version = np.arange(changes) - first + 1
    at = random.random(changes) * (_END - _START).total_seconds()
    at = at[np.lexsort((at, owner))]
    states = np.array(["up", "down", "up", "unwatched"])
    parts = ["billAcceptor", "cardReader", "receiptPrinter", ""]
    copy = sql.SQL(
        "COPY device_transition"
        " (device_id, from_state, to_state, at, cause, component, version, recorded_at) FROM STDIN"
    )
    with conn.cursor() as cursor, cursor.copy(copy) as rows:
        for device, number, second in zip(owner + 1, version, at, strict=True):
            moment = _START + timedelta(seconds=float(second))
            was, now = states[(number - 1) % 4], states[number % 4]
            part = parts[int(number) // 4 % 4] if now == "down" else ""
            rows.write_row((int(device), was, now, moment, "contact", part, int(number), moment))


if __name__ == "__main__":
    main()
