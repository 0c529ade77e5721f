"""A fresh database for each contender, with the load's devices and metrics in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import psycopg

from benchmarks.ingest.load import COUNTERS, GAUGES, VALUES, Load
from pipeline.series import SeriesRoom
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate

COPY = "COPY reading (at, received_at, device_id, metric_id, value) FROM STDIN (FORMAT BINARY)"

_NAME = "bench"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a contender left behind. `values` counts rows; `distinct` those of different (device,
    metric, value), which all of a load are."""

    values: int
    distinct: int


@contextmanager
def fresh(server: EmbeddedServer, load: Load, *, once: bool = False) -> Iterator[str]:
    """The DSN of a new database with Forecall's schema; dropped afterwards. `once`: readings are
    unique by device, metric and time, as the script wants them."""
    dsn = psycopg.conninfo.make_conninfo(server.dsn, dbname=_NAME)
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)".encode())
        conn.execute(f"CREATE DATABASE {_NAME}".encode())
    database = Database(dsn, max_size=2)
    try:
        migrate(database)
        _prepare(database, load, once)
    finally:
        database.close()
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
    yield dsn


def _prepare(database: Database, load: Load, once: bool) -> None:
    today = datetime.now(UTC).date()
    SeriesRoom(database).ensure({today, today + timedelta(days=1)})
    with database.transaction() as conn:
        keys = [f"d{device}" for device in range(load.devices)]
        conn.execute("INSERT INTO device (key, kind) SELECT unnest(%s::text[]), 'pos'", [keys])
        for names, kind in ((COUNTERS, "counter"), (GAUGES, "gauge")):
            conn.execute(
                "INSERT INTO metric (name, kind) SELECT unnest(%s::text[]), %s",
                [list(names), kind],
            )
        if once:
            conn.execute("DROP INDEX reading_device_at")
            conn.execute("CREATE UNIQUE INDEX reading_once ON reading (device_id, metric_id, at)")


def counted(dsn: str) -> Stored:
    """Counts what is there."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "SELECT count(*), count(DISTINCT (device_id, metric_id, at)) FROM reading"
        ).fetchone()
    assert row
    return Stored(*row)


def await_count(dsn: str, enough: Callable[[Sequence[int]], bool]) -> None:
    """Counts readings ten times a second until `enough` says so of all counts."""
    counts: list[int] = []
    with psycopg.connect(dsn, autocommit=True) as conn:
        while not counts or not enough(counts):
            time.sleep(0.1)
            row = conn.execute("SELECT count(*) FROM reading").fetchone()
            assert row
            counts.append(row[0])


def buffers(load: Load, values_each: int) -> list[bytes]:
    """The load in PostgreSQL's binary COPY format: what is not measured, then pieces of so many
    values."""
    rows = (load.messages + load.devices) * VALUES
    message = np.arange(rows) // VALUES
    layout = np.dtype(
        [("fields", ">i2")]
        + [
            field
            for name, kind, size in (
                *(("at", ">i8", 8), ("received_at", ">i8", 8), ("device_id", ">i4", 4)),
                *(("metric_id", ">i2", 2), ("value", ">f8", 8)),
            )
            for field in ((f"{name}#", ">i4"), (name, kind))
        ]
    )
    records = np.empty(rows, layout)
    records["fields"] = 5
    for name in ("at", "received_at", "value"):
        records[f"{name}#"] = 8
    records["device_id#"], records["metric_id#"] = 4, 2
    since_2000 = datetime.now(UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    start = since_2000 // timedelta(microseconds=1)
    records["at"] = records["received_at"] = start + message * 20
    records["device_id"] = message % load.devices + 1
    records["metric_id"] = np.arange(rows) % VALUES + 1
    records["value"] = message // load.devices + 1000.0
    return [
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + records[at:end].tobytes() + b"\xff\xff"
        for at, end in pairwise([0, *range(load.devices * VALUES, rows, values_each), rows])
    ]
