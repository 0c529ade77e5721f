"""How long one look at a large fleet takes that has four weeks of past: what is unusual, and what runs
out.

python -m benchmarks.watch [--devices 10000]. The last line is JSON: seconds of one look, from the
rollups of the last six hours to the stored scores, alarms and ends of supplies.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.kiosks import METRICS, ROLLUP, add_kiosks
from benchmarks.store import fresh_store
from domain.clock import ManualClock
from domain.report import MetricKind
from models.unusual.anomaly import WEEKS, WINDOWS_A_WEEK
from models.unusual.levels import SETTLED, WINDOW, Window, keep_window
from models.unusual.watch import watch
from pipeline.features.frames import Ints
from storage.arrays import write_arrays
from storage.database import Database
from storage.engine import detect

_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def main() -> None:
    """Fills a store of its own and looks once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    devices = parser.parse_args().devices
    with fresh_store() as database:
        ids = add_kiosks(database, devices, _NOW)
        rng = np.random.default_rng(0)
        _past(database, ids, rng)
        _last_hours(database, ids, rng)
        began = time.perf_counter()
        alarms = watch(database, ManualClock(_NOW + SETTLED))
        seconds = round(time.perf_counter() - began, 2)
        with database.transaction() as conn:
            row = conn.execute("SELECT count(*) FROM consumable").fetchone()
    assert row is not None
    found = {"devices": devices, "metrics": len(METRICS), "seconds": seconds}
    print(json.dumps(found | {"supplies": row["count"], "alarms": alarms}))


def _past(database: Database, ids: Ints, rng: np.random.Generator) -> None:
    names = tuple(sorted(METRICS))
    counted = np.array([METRICS[name] is MetricKind.COUNTER for name in names])
    for number in range(WEEKS * WINDOWS_A_WEEK, 0, -1):
        shape = (len(ids), len(names))
        level = np.where(counted, rng.poisson(20, shape), rng.normal(50, 5, shape))
        full = level.astype(np.float32)
        full[:, ~counted] = 90 - (WEEKS * WINDOWS_A_WEEK - number) % 24 * 3.0
        window = Window(_NOW - number * WINDOW, ids, names, counted, full, full)
        apart, unusual = (rng.normal(0, 1, shape).astype(np.float32) for _ in range(2))
        score = np.abs(rng.normal(0, 1, (1, len(ids)))).astype(np.float32)
        with database.transaction() as conn:
            keep_window(conn, "kiosk", window, apart, unusual, ["billAcceptor"], score)


def _last_hours(database: Database, ids: Ints, rng: np.random.Generator) -> None:
    with database.transaction() as conn:
        detect(conn).ensure(conn, _NOW - timedelta(days=1), _NOW)
        for row in conn.execute("SELECT id, kind FROM metric").fetchall():
            hour = np.datetime64((_NOW - WINDOW).replace(tzinfo=None), "us")
            hours = np.repeat(hour + np.arange(6).astype("m8[h]"), len(ids))
            value, one = rng.poisson(20, len(hours)).astype(float), np.ones(len(hours))
            ours = [hours, np.tile(ids, 6), row["id"] * one, one]
            write_arrays(conn, "rollup_hourly", ROLLUP, [*ours, *[value] * 7])


if __name__ == "__main__":
    main()
