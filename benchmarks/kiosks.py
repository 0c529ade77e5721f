"""A fleet of kiosks for benchmarks: its metrics, and the rows of its devices."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from domain.report import MetricKind
from pipeline.features.frames import Ints
from storage.database import Database

METRICS = {
    "GoodReadCount": MetricKind.COUNTER,
    "x.BillJamCount": MetricKind.COUNTER,
    "x.BillAcceptedCount": MetricKind.COUNTER,
    "FailedPaperCutCount": MetricKind.COUNTER,
    "x.SupplyVoltage": MetricKind.GAUGE,
    "x.PrintHeadTemperature": MetricKind.GAUGE,
    "x.PaperRemaining": MetricKind.GAUGE,
    "x.BillsInStacker": MetricKind.GAUGE,
}
ROLLUP = {
    "hour": "timestamptz",
    "device_id": "int4",
    "metric_id": "int2",
    "n": "int4",
    **dict.fromkeys(("total", "squares", "low", "high", "first", "last", "growth"), "float8"),
}


def add_kiosks(database: Database, count: int, at: datetime) -> Ints:
    """Kiosks of five models that were adopted `at`, and their metrics; returns their ids."""
    with database.transaction() as conn:
        rows = conn.execute(
            """INSERT INTO device (key, kind, model, adopted_at)
               SELECT 'k' || nth, 'kiosk', 'm' || nth %% 5, %(at)s
               FROM generate_series(1, %(count)s) nth RETURNING id""",
            {"at": at, "count": count},
        ).fetchall()
        for name, kind in METRICS.items():
            conn.execute("INSERT INTO metric (name, kind) VALUES (%s, %s)", [name, kind.value])
    return np.array(sorted(row["id"] for row in rows), np.int64)
