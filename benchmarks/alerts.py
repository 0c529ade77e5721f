"""How fast alerts are: one cause that hits very many devices, faults of their own, and workers that
are told the same.

python -m benchmarks.alerts [--devices 100000] [--faults 20000] [--reports 10000]. The last line is
JSON: seconds from the first of many signs to the one alert that they are, and until every device is
part of it; faults a second that became tickets, each told three times; cases that 8 processes left,
some of them killed, which were told the same faults in random order.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from benchmarks.store import fresh_store
from desk.cases import Cases
from desk.records import failure_recorded
from domain.clock import SystemClock
from storage.database import Database, Row

_SITE = 30
"""Devices a site."""

_WORKERS = 8
_LIMIT_S = 600


def main() -> None:
    """Prints a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--faults", type=int, default=20_000)
    parser.add_argument("--reports", type=int, default=10_000)
    given = parser.parse_args()
    found = {}
    for name, measure, size in (
        ("one_cause", one_cause, given.devices),
        ("own_faults", own_faults, given.faults),
        ("workers", workers, given.reports),
    ):
        if size:
            with fresh_store() as database:
                found[name] = measure(database, size)
    print(json.dumps(found))


def one_cause(database: Database, devices: int) -> Row:
    """`devices` on one network segment go down at once, in a fleet that has a fifth more."""
    _fleet(database, devices * 6 // 5)
    _run(database, _SEGMENT, {"devices": devices, "now": datetime.now(UTC)})
    clock, books, found = SystemClock(), RuleBooks(), threading.Event()
    _run_for_a_while(database, devices + 1)
    before = _count(database, _TICKETS)
    began = time.perf_counter()
    _run(database, _DOWN, {"now": datetime.now(UTC)})
    with ThreadPoolExecutor(1) as watching:
        seen = watching.submit(_seen, database, found)
        while _count(database, _MEMBERS) < devices and time.perf_counter() - began < _LIMIT_S:
            evaluate(database, clock, Cases(clock), books)
            time.sleep(0.1)
        joined = time.perf_counter()
        found.set()
    return {
        "devices": devices,
        "one_alert_after_s": round(seen.result() - began, 1),
        "all_members_after_s": round(joined - began, 1),
        "batches": _count(database, _BATCHES),
        "tickets": _count(database, _TICKETS) - before,
    }


def _seen(database: Database, found: threading.Event) -> float:
    """When the batch was there for others to see."""
    while not _count(database, _BATCHES) and not found.wait(0.1):
        pass
    return time.perf_counter()


def own_faults(database: Database, faults: int) -> Row:
    """Devices here and there, each with a fault of its own, told three times; no two of a site."""
    _fleet(database, faults * _SITE)
    clock, books = SystemClock(), RuleBooks()
    _run_for_a_while(database, 2)
    _run(database, _SINGLE_FAULTS, {"site": _SITE, "now": datetime.now(UTC)})
    before, began = _count(database, _TICKETS), time.perf_counter()
    evaluate(database, clock, Cases(clock), books, hold=timedelta())
    seconds = time.perf_counter() - began
    tickets = _count(database, _TICKETS) - before
    return {
        "signs": 3 * faults,
        "tickets": tickets,
        "seconds": round(seconds, 1),
        "tickets_a_second": round(tickets / seconds),
    }


def _run_for_a_while(database: Database, device_id: int) -> None:
    """What a worker that runs has done before: looked at all rules, opened a case."""
    clock = SystemClock()
    failure_recorded(database, clock, device_id, "cardReader", clock.now(), source="benchmark")
    evaluate(database, clock, Cases(clock), RuleBooks())


def workers(database: Database, reports: int) -> Row:
    """Processes that report the same faults in random order; half of them are killed on the way."""
    _fleet(database, reports)
    began = time.perf_counter()
    chance = random.Random(0)
    running = [_reporter(database, seed) for seed in range(_WORKERS)]
    for victim in running[: _WORKERS // 2]:
        time.sleep(chance.random())
        victim.kill()
    killed = sum(process.wait(_LIMIT_S) == -9 for process in running)
    again = [_reporter(database, _WORKERS + seed) for seed in range(_WORKERS // 2)]
    assert not any(process.wait(_LIMIT_S) for process in again)
    return {
        "faults": reports,
        "processes": len(running) + len(again),
        "killed": killed,
        "open_alerts": _count(database, _ALERTS),
        "open_tickets": _count(database, _TICKETS),
        "seconds": round(time.perf_counter() - began, 1),
    }


_DEVICES: LiteralString = """
    WITH customer AS (
        INSERT INTO customer (key, name) VALUES ('c', 'c') RETURNING id
    ), engineers AS (
        INSERT INTO engineer (key, name) SELECT 'e' || n, 'e' || n FROM generate_series(1, 20) n
    ), sites AS (
        INSERT INTO site (key, name, customer_id)
        SELECT 's' || n, 's' || n, customer.id
        FROM generate_series(0, (%(count)s - 1) / %(site)s) n, customer RETURNING id, key
    )
    INSERT INTO device (key, kind, model, firmware, site_id, adopted_at)
    SELECT 'd' || n, 'pos', 'm' || n %% 7, 'f' || n / %(site)s %% 5, sites.id, %(now)s
    FROM generate_series(0, %(count)s - 1) n JOIN sites ON sites.key = 's' || n / %(site)s"""
_SEGMENT: LiteralString = """
    WITH made AS (
        INSERT INTO parent (key, kind, name, declared_at, declared_by)
        VALUES ('core', 'segment', 'core', %(now)s, 'benchmark') RETURNING id
    )
    INSERT INTO device_parent (device_id, parent_id)
    SELECT device.id, made.id FROM device, made WHERE substr(key, 2)::int < %(devices)s"""
_DOWN: LiteralString = """
    INSERT INTO pending_sign (kind, device_id, at, to_state, cause)
    SELECT 'transition', device_id, %(now)s, 'down', 'missed_heartbeats'
    FROM device_parent ORDER BY hashint4(device_id)"""
_SINGLE_FAULTS: LiteralString = """
    INSERT INTO pending_sign (kind, device_id, at, component, code, severity)
    SELECT 'event', id, %(now)s, 'receiptPrinter', 'failure', 'critical'
    FROM device, generate_series(1, 3) AS times
    WHERE substr(key, 2)::int %% %(site)s = 0 ORDER BY times, hashint4(id)"""
_MEMBERS: LiteralString = "SELECT count(*) FROM alert WHERE batch_id IS NOT NULL"
_BATCHES: LiteralString = "SELECT count(*) FROM batch"
_ALERTS: LiteralString = "SELECT count(*) FROM alert WHERE closed_at IS NULL"
_TICKETS: LiteralString = "SELECT count(*) FROM ticket WHERE closed_at IS NULL"


def _fleet(database: Database, count: int) -> None:
    _run(database, _DEVICES, {"count": count, "site": _SITE, "now": datetime.now(UTC)})
    with database.transaction() as conn:
        conn.execute("ANALYZE device")


def _run(database: Database, statement: LiteralString, values: dict[str, Any]) -> None:
    with database.transaction() as conn:
        conn.execute(statement, values)


def _count(database: Database, statement: LiteralString) -> int:
    with database.transaction() as conn:
        row = conn.execute(statement).fetchone()
    assert row is not None
    return int(row["count"])


def _reporter(database: Database, seed: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "benchmarks.fault_reports", database.dsn, str(seed)]
    return subprocess.Popen(arguments)


if __name__ == "__main__":
    main()
