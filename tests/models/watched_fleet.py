"""A fleet without any failure on record, as arrays or as rollups in a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from models.unusual import anomaly
from models.unusual.anomaly import LASTING, Bools, Singles
from storage.arrays import write_arrays
from storage.database import Database
from storage.engine import detect

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
COUNTED: Bools = np.array([True, True, False, False])
COMPONENT = np.array([0, 0, 1, 1])
_ROLLUP = {
    "hour": "timestamptz",
    "device_id": "int4",
    "metric_id": "int2",
    "n": "int4",
    **dict.fromkeys(("total", "squares", "low", "high", "first", "last", "growth"), "float8"),
}


def healthy(seed: int, windows: int, devices: int, *, heavy: bool = False) -> Singles:
    """(windows, devices, 4): jams and uses a window, a steady voltage, a wandering temperature."""
    rng = np.random.default_rng(seed)
    at = np.arange(windows)
    rhythm = (1 + 0.6 * np.sin(np.pi * at / 2)) * np.where((at // 4) % 7 >= 5, 0.4, 1.0)
    use = rng.lognormal(0, 0.5, devices)[None] * rhythm[:, None]
    level = np.empty((windows, devices, 4), np.float32)
    level[..., 0] = rng.poisson(0.3 * use)
    level[..., 1] = rng.poisson(200 * use * rng.gamma(10, 0.1, use.shape))
    noise = rng.standard_t(4, use.shape) if heavy else rng.normal(size=use.shape)
    level[..., 2] = rng.normal(12, 0.3, devices) + 0.1 * noise
    level[..., 3] = (
        rng.normal(40, 3, devices) + 2 * rng.normal(size=use.shape) + 5 * rhythm[:, None]
    )
    return level


@dataclass(frozen=True, slots=True)
class Outcome:
    """Each array is (windows, components, devices)."""

    score: Singles
    alarm: Bools

    @property
    def episodes(self) -> int:
        before = np.concatenate([np.zeros_like(self.alarm[:1]), self.alarm[:-1]])
        return int((self.alarm & ~before).sum())


def watched(level: Singles) -> Outcome:
    """Looks at one window after the other, as the schedule does."""
    windows, devices = level.shape[:2]
    circles = [np.arange(devices) // 12, np.zeros(devices, np.int64)]
    apart, unusual = np.full_like(level, np.nan), np.full_like(level, np.nan)
    score = np.full((windows, 2, devices), np.nan, np.float32)
    alarm = np.zeros(score.shape, bool)
    for at in range(windows):
        value = anomaly.evened(level[at], COUNTED)
        peers = anomaly.against_peers(value, COUNTED, circles)
        apart[at] = np.where(np.isfinite(peers.middle), value - peers.middle, value)
        past = anomaly.against_past(apart[at], apart[max(0, at - 112) : at], COUNTED)
        unusual[at] = anomaly.joined(peers.apart, past)
        lasting = anomaly.lasting(unusual[max(0, at - LASTING + 1) : at + 1])
        score[at] = anomaly.scores(lasting, COMPONENT, 2)
        known = score[max(0, at - 112) : at + 1]
        alarm[at] = anomaly.alarms(
            np.stack([anomaly.chances(score[at, part], known[:, part]) for part in range(2)])
        )
    return Outcome(score, alarm)


def store_devices(database: Database, count: int, kind: str = "kiosk") -> list[int]:
    """Adopted devices of one model at one site."""
    with database.transaction() as conn:
        rows = conn.execute(
            """INSERT INTO device (key, kind, model, adopted_at)
               SELECT %(kind)s || nth, %(kind)s, 'm', %(at)s FROM generate_series(1, %(count)s) nth
               RETURNING id""",
            {"kind": kind, "count": count, "at": START},
        ).fetchall()
    return [row["id"] for row in rows]


def store_metric(
    database: Database, ids: list[int], name: str, kind: MetricKind, values: NDArray[np.float64]
) -> None:
    """Hourly rollups from START on; `values` (hours, devices) are means, or a counter's growth."""
    hours, devices = values.shape
    end = START + timedelta(hours=hours)
    with database.transaction() as conn:
        detect(conn).ensure(conn, START - timedelta(days=1), end + timedelta(days=8))
        row = conn.execute(
            "INSERT INTO metric (name, kind) VALUES (%s, %s) RETURNING id", [name, kind.value]
        ).fetchone()
        assert row is not None
        hour = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(hours).astype("m8[h]")
        flat, one = values.ravel(), np.ones(values.size)
        counter = kind is MetricKind.COUNTER
        told = np.cumsum(values, axis=0).ravel() if counter else flat
        columns = [
            *(np.repeat(hour, devices), np.tile(np.array(ids), hours), row["id"] * one, one),
            *(told, told**2, told, told, told, told, flat if counter else 0 * one),
        ]
        write_arrays(conn, "rollup_hourly", _ROLLUP, columns)
