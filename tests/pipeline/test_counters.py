"""How counters grow: the rule, its twin in SQL, and rollups against an oracle, whatever happens."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.report import DeviceReport
from domain.vocabulary import DEVICE
from pipeline.counters import deltas, steps
from pipeline.ingest import Ingest
from pipeline.rollups import refresh
from storage.database import Database
from tests.features.helpers import counted

METRIC, COMPONENT = "PaperCutCount", "receiptPrinter"
TOTALS = st.one_of(
    st.integers(0, 200),
    st.integers(60_000, 66_000),
    st.integers(2**32 - 10**9, 2**32 + 1_000),
    st.floats(0, 1e15),
)


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        (100, 100, 0),
        (100, 130, 30),
        (100, 0, 0),  # a reset
        (100, 50, 50),
        (100, 51, 0),  # a correction, or a reading that came out of order
        (65_530, 4, 10),  # a rollover of 16 bits
        (65_535, 0, 1),
        (61_439, 4, 4),  # too far from the limit: a reset
        (65_530, 4_097, 4_097),
        (65_536, 4, 4),  # no counter of 16 bits
        (2**32 - 6, 4, 10),
        (2**32, 4, 4),
    ],
)
def test_what_a_reading_adds(before: float, after: float, grown: float) -> None:
    assert deltas(np.array([before, after], float)).tolist() == [0, grown]
    assert counted(before, after) == grown


@given(st.lists(TOTALS, max_size=30), st.data())
def test_growth_is_what_the_slow_oracle_says(values: list[float], data: st.DataObject) -> None:
    replaced = [data.draw(st.booleans()) for _ in values]
    expected = [
        0.0 if new else counted(before, after)
        for (before, after), new in zip(pairwise([None, *values]), replaced, strict=True)
        if after is not None
    ]
    found = deltas(np.array(values, float), np.array(replaced, bool))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found >= 0).all()


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 4_000), max_size=50))
def test_a_counter_of_any_width_grows_by_what_was_counted(start: int, counts: list[int]) -> None:
    for limit in (2**16, 2**32):
        totals = (start % limit + np.cumsum([0, *counts])) % limit
        assert deltas(totals.astype(float)).sum() == sum(counts)


def test_the_function_in_the_database_is_the_same_rule(database: Database) -> None:
    chance = np.random.default_rng(1)
    marks = np.array(
        [0, 1, 4_096, 4_097, 61_439, 61_440, 65_535, 65_536, 2**28, 2**32 - 2**28, 2**32]
    )
    before = np.concatenate(
        [chance.choice(marks, 2_000), chance.uniform(0, 70_000, 2_000), [np.nan]]
    )
    after = np.concatenate([chance.choice(marks, 2_000), chance.uniform(0, 70_000, 2_000), [5.0]])
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT counter_step(before, after) AS grown FROM unnest(%s::float8[], %s::float8[]) "
            "WITH ORDINALITY AS pair (before, after, nth) ORDER BY nth",
            [before.tolist(), after.tolist()],
        ).fetchall()
    np.testing.assert_array_equal([row["grown"] for row in rows], steps(before, after))


Point = tuple[datetime, float]


class Fleet:
    """A few devices' counters, told in any order, and what is known of them."""

    def __init__(self, database: Database, clock: ManualClock, seed: int) -> None:
        self.database, self.clock, self.chance = database, clock, random.Random(seed)
        self.readings: dict[str, list[Point]] = {f"d{each}": [] for each in range(3)}
        self.replaced: list[tuple[str, datetime]] = []

    def past(self) -> list[DeviceReport]:
        """Two days of readings: totals that grow, reset, roll over and begin anew."""
        reports = []
        for device in self.readings:
            total = self.chance.choice([0, 100, 65_000])
            at = self.clock.now() - timedelta(days=2)
            while at < self.clock.now() - timedelta(hours=4):
                at += timedelta(minutes=self.chance.choice([5, 20, 50, 190]))
                total = self._goes_on(total)
                reports.append(self._said(device, at, total))
        self.chance.shuffle(reports)
        return reports

    def _goes_on(self, total: int) -> int:
        what = self.chance.random()
        if what < 0.05:
            return 0
        if what < 0.1:
            return self.chance.randrange(2_000)
        return (total + self.chance.randrange(300)) % 65_536

    def _said(self, device: str, at: datetime, total: int) -> DeviceReport:
        return DeviceReport(device, at, self.clock.now(), counters={METRIC: float(total)})

    def tell(self, reports: list[DeviceReport]) -> None:
        Ingest(self.database, self.clock, "mqtt").store(reports)
        for report in reports:
            self.readings[report.device_key].append((report.at, report.counters[METRIC]))

    def replace_one(self) -> None:
        device = self.chance.choice(list(self.readings))
        at = self.clock.now() - timedelta(minutes=self.chance.randrange(2 * 24 * 60))
        with self.database.transaction() as conn:
            conn.execute(
                """INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)
                   SELECT id, %s, 'replaced', %s, %s, 'test' FROM device WHERE key = %s""",
                [self.chance.choice([COMPONENT, DEVICE]), at, self.clock.now(), device],
            )
        self.replaced.append((device, at))

    def expected(self) -> dict[tuple[str, datetime], float]:
        grown: dict[tuple[str, datetime], float] = {}
        for device, points in self.readings.items():
            before: Point | None = None
            for at, value in sorted(points):
                hour = at.replace(minute=0, second=0, microsecond=0)
                new = before is not None and any(
                    whose == device and before[0] < when <= at for whose, when in self.replaced
                )
                step = 0.0 if before is None or new else counted(before[1], value)
                grown[device, hour] = grown.get((device, hour), 0.0) + step
                before = at, value
        return grown

    def found(self) -> dict[tuple[str, datetime], float]:
        while refresh(self.database, limit=17):
            pass
        with self.database.transaction() as conn:
            rows = conn.execute(
                """SELECT key, hour, growth FROM rollup_hourly
                   JOIN device ON device.id = device_id"""
            ).fetchall()
        return {(row["key"], row["hour"]): row["growth"] for row in rows}


@pytest.mark.parametrize("seed", range(4))
def test_rollups_hold_the_growth_whatever_the_order_of_arrival(
    database: Database, clock: ManualClock, seed: int
) -> None:
    fleet = Fleet(database, clock, seed)
    reports = fleet.past()
    fleet.tell(reports[:1])
    while reports:
        batch, reports = reports[:40], reports[40:]
        fleet.tell(batch)
        if fleet.chance.random() < 0.5:
            fleet.replace_one()
        assert fleet.found() == fleet.expected()
