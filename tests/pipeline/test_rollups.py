"""Rollups against a slow oracle that looks at every reading."""

from __future__ import annotations

import math
import random
import threading
from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from domain.clock import ManualClock
from domain.report import DeviceReport
from pipeline.ingest import Ingest
from pipeline.rollups import refresh
from storage.database import Database

METRICS = ("x.SupplyVoltage", "PaperCutCount")
Key = tuple[str, str, datetime]


def _report(chance: random.Random, clock: ManualClock) -> DeviceReport:
    at = clock.now() - timedelta(seconds=chance.randrange(5 * 3600))
    gauges = {
        metric: round(chance.uniform(-50, 50), 3) for metric in METRICS if chance.random() < 0.7
    }
    return DeviceReport(f"d{chance.randrange(4)}", at, clock.now(), gauges=gauges)


def _oracle(reports: list[DeviceReport]) -> dict[Key, list[float]]:
    """The values of each rollup in the order of time."""
    hours: dict[Key, list[tuple[datetime, float]]] = defaultdict(list)
    for report in reports:
        hour = report.at.replace(minute=0, second=0, microsecond=0)
        for metric, value in report.gauges.items():
            hours[report.device_key, metric, hour].append((report.at, value))
    return {key: [value for _, value in sorted(values)] for key, values in hours.items()}


def _assert_right(database: Database, reports: list[DeviceReport]) -> None:
    with database.transaction() as conn:
        found = conn.execute(
            """SELECT key, name, rollup_hourly.* FROM rollup_hourly
               JOIN device ON device.id = device_id JOIN metric ON metric.id = metric_id"""
        ).fetchall()
    expected = _oracle(reports)
    assert {(row["key"], row["name"], row["hour"]) for row in found} == set(expected)
    for row in found:
        values = expected[row["key"], row["name"], row["hour"]]
        assert row["n"] == len(values)
        assert math.isclose(row["total"], math.fsum(values), abs_tol=1e-9)
        assert math.isclose(row["squares"], math.fsum(v * v for v in values), abs_tol=1e-9)
        assert (row["low"], row["high"]) == (min(values), max(values))
        assert (row["first"], row["last"]) == (values[0], values[-1])


@pytest.mark.parametrize("seed", range(3))
def test_rollups_are_what_a_rescan_would_give_however_late_the_data(
    database: Database, clock: ManualClock, seed: int
) -> None:
    chance, ingest = random.Random(seed), Ingest(database, clock, "mqtt")
    everything: list[DeviceReport] = []
    for _ in range(6):
        batch = [_report(chance, clock) for _ in range(40)]
        ingest.store(batch)
        everything += batch
        while refresh(database, limit=7):
            pass
        _assert_right(database, everything)


def test_nothing_is_missed_while_others_write_and_refresh(
    database: Database, clock: ManualClock
) -> None:
    chance = random.Random(7)
    batches = [[_report(chance, clock) for _ in range(20)] for _ in range(30)]
    writers = [
        threading.Thread(target=_store_all, args=(database, clock, batches[part::3]))
        for part in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        refresh(database, limit=5)
    while refresh(database):
        pass
    _assert_right(database, [report for batch in batches for report in batch])


def _store_all(database: Database, clock: ManualClock, batches: list[list[DeviceReport]]) -> None:
    ingest = Ingest(database, clock, "mqtt")
    for batch in batches:
        ingest.store(batch)
