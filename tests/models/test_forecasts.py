"""When supplies run out: intervals on simulated use, refills, and one case a fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.clock import ManualClock
from domain.report import MetricKind
from domain.text import Text
from forecall.config import Settings
from forecall.demo import build_demo
from models.supplies.ends import AHEAD, days_left, days_of, next_visit, use_of
from models.unusual.watch import watch
from simulator.fleet import Device, plan_fleet
from simulator.history import device_history
from simulator.lives import life_of
from simulator.script import MARGIN
from storage.database import Database, Row
from tests.models.watched_fleet import START, store_devices, store_metric

WEEK = np.array([1.3, 1.1, 1.0, 1.0, 1.4, 0.6, 0.2])


def _use(rng: np.random.Generator, days: int, devices: int) -> NDArray[np.float32]:
    """(days, devices): what is used each day; the first day is a Monday."""
    mean = rng.lognormal(1.2, 0.5, devices)[None] * WEEK[np.arange(days) % 7][:, None]
    return np.asarray(mean * rng.gamma(6, 1 / 6, mean.shape), np.float32)


def _truth(future: NDArray[np.float32], left: NDArray[np.float32]) -> NDArray[np.float64]:
    """(devices,) days until it is used up, evenly over each day."""
    total = np.cumsum(future, axis=0)
    found = np.full(len(left), np.inf)
    for device, amount in enumerate(left):
        day = int(np.searchsorted(total[:, device], amount))
        if day < len(future):
            before = total[day - 1, device] if day else 0.0
            found[device] = day + (amount - before) / future[day, device]
    return found


@pytest.mark.parametrize(("days", "least"), [(28, 0.74), (14, 0.7), (7, 0.7)])
def test_eight_of_ten_ends_lie_in_the_interval(days: int, least: float) -> None:
    rng = np.random.default_rng(3)
    use = _use(rng, 28 + 60, 600)
    left = (rng.uniform(5, 45, 600)).astype(np.float32)
    told = use[:28].copy()
    told[: 28 - days] = np.nan
    found, truth = days_left(told, left, weekday=0), _truth(use[28:], left)
    ahead = np.isfinite(found[:, 2])
    inside = (found[:, 0] <= truth) & (truth <= found[:, 2])
    assert least <= inside[ahead].mean() <= 0.9
    assert abs((truth < found[:, 1])[ahead].mean() - 0.5) < 0.12
    assert (truth[ahead] < found[ahead, 0]).mean() < 0.2


def test_the_week_has_its_rhythm() -> None:
    days = np.tile(np.array([10, 10, 10, 10, 10, 0, 0], np.float32), 4)[:, None]
    (from_friday,) = days_left(days[: 28 - 3], np.array([15], np.float32), weekday=4)
    (from_monday,) = days_left(days, np.array([15], np.float32), weekday=0)
    assert 3.0 < from_friday[1] <= 4.0  # over a week-end with hardly any use
    assert 1.0 < from_monday[1] < 2.2


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_more_left_lasts_longer_and_ends_are_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    use = _use(rng, 28, 3)
    use[rng.random(use.shape) < 0.2] = np.nan
    little = days_left(use, np.full(3, 8, np.float32), weekday=2)
    much = days_left(use, np.full(3, 30, np.float32), weekday=2)
    assert (little <= much).all()
    assert (np.diff(little, axis=1) >= 0).all()


def test_what_is_not_used_or_not_known_has_no_end() -> None:
    use = np.zeros((28, 2), np.float32)
    use[4:, 1] = np.nan
    found = days_left(use, np.full(2, 50, np.float32), weekday=0)
    assert np.isinf(found[0]).all()
    assert np.isnan(found[1]).all()
    empty = days_left(np.ones((28, 1), np.float32), np.zeros(1, np.float32), weekday=0)
    assert (empty < 1).all()
    assert (days_left(np.ones((28, 1), np.float32), np.full(1, 10.0), 0)[0] < AHEAD).all()


def test_refills_are_found_and_are_no_use() -> None:
    level = np.array([50, 40, 30, np.nan, 20, 95, 85, 75], np.float32)[:, None]
    told = use_of(level, falls=True)
    np.testing.assert_array_equal(told.refilled[:, 0], [False] * 5 + [True, False, False])
    np.testing.assert_array_equal(told.used[:, 0], [np.nan, 10, 10, 0, 10, np.nan, 10, 10])
    rising = use_of(100 - level, falls=False)
    np.testing.assert_array_equal(rising.used, told.used)
    np.testing.assert_allclose(days_of(told.used)[:, 0], [80 / 3, 40])


def test_the_next_visit_follows_the_rhythm_of_refills() -> None:
    refilled = np.zeros((60, 3), bool)
    refilled[[10, 22, 34, 46], 0] = True  # every three days; the next in half a day: overdue soon
    refilled[[40, 48, 56], 1] = True  # every two days; the next in 5 windows
    refilled[[50], 2] = True
    assert next_visit(refilled, notice=2.0).tolist() == [1.0, 1.25, 2.0]


# On the store


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()


def _levels(days: int, a_day: float, *, start: float, every: int) -> NDArray[np.float64]:
    """Hours of paper left: refilled to the full every so many days, at eight in the morning."""
    hours = np.arange(days * 24)
    since = (hours - 8) % (every * 24)
    return np.where(hours < 8, start, 100 - since * a_day / 24)


def _store(database: Database, hours: int) -> list[int]:
    """Paper for three days left, the refiller due in one; a log that is full in five days."""
    ids = store_devices(database, 2)
    paper = _levels(hours // 24, 12.0, start=60, every=6)
    hasty = np.where(np.arange(hours) < hours - 24, paper, paper - np.arange(hours) * 0)
    hasty[-36:] -= np.linspace(0, 25, 36)  # the second one uses more than it ever did
    store_metric(
        database, ids, "x.PaperRemaining", MetricKind.GAUGE, np.stack([paper, hasty], axis=1)
    )
    log = np.stack([np.linspace(0, 20, hours), np.linspace(0, 86.0, hours)], axis=1)
    store_metric(database, ids, "x.LogFill", MetricKind.GAUGE, log)
    return ids


def test_a_supply_that_ends_before_the_next_visit_raises_one_case(database: Database) -> None:
    hours = 24 * 24
    ids = _store(database, hours)
    clock = ManualClock(START + timedelta(hours=hours, minutes=35))
    for _ in range(13):
        watch(database, clock)
    rows = _rows(database, "SELECT * FROM consumable ORDER BY metric, device_id")
    log = next(r for r in rows if (r["device_id"], r["metric"]) == (ids[1], "x.LogFill"))
    at = START + timedelta(hours=hours)
    assert log["at"] == at
    assert at + timedelta(days=3.4) < log["early"] < at + timedelta(days=4.2)
    assert log["early"] <= log["likely"] <= log["late"]
    calm = next(r for r in rows if (r["device_id"], r["metric"]) == (ids[0], "x.LogFill"))
    assert calm["early"] is None
    evaluate(database, clock, Cases(clock), RuleBooks())
    alerts = _rows(database, "SELECT * FROM alert ORDER BY id")
    assert [(a["device_id"], a["component"], a["fault_class"]) for a in alerts] == [
        (ids[1], "attendanceLog", "degraded"),
        (ids[1], "receiptPrinter", "consumable"),
    ]
    log_full, paper_out = (str(Text.from_json(alert["message"])) for alert in alerts)
    assert "may be full in" in log_full
    assert "may be empty in" in paper_out
    assert _rows(database, "SELECT FROM ticket") == []


def test_a_limit_on_the_same_metric_joins_the_case_and_a_refill_ends_it(database: Database) -> None:
    hours = 24 * 24
    ids = _store(database, hours)
    clock = ManualClock(START + timedelta(hours=hours, minutes=35))
    for _ in range(13):
        watch(database, clock)
    evaluate(database, clock, Cases(clock), RuleBooks())
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO reading (at, received_at, device_id, metric_id, value)
               SELECT %(at)s, %(at)s, %(device)s, id, 91 FROM metric WHERE name = 'x.LogFill'""",
            {"at": clock.now(), "device": ids[1]},
        )
    clock.advance(timedelta(minutes=2))
    evaluate(database, clock, Cases(clock), RuleBooks())
    of_log = "FROM alert JOIN alert_condition ON alert_id = id WHERE component = 'attendanceLog'"
    held = _rows(database, f"SELECT id, alert_condition.rule {of_log}")
    assert len({row["id"] for row in held}) == 1
    assert len(held) == 2
    assert len(_rows(database, "SELECT FROM ticket")) == 1  # the limit's severity asks for it
    with database.transaction() as conn:
        conn.execute("UPDATE consumable SET early = NULL, likely = NULL, late = NULL")
    clock.advance(timedelta(minutes=2))
    evaluate(database, clock, Cases(clock), RuleBooks())
    (left,) = _rows(database, f"SELECT alert_condition.rule {of_log}")
    assert left["rule"] == "threshold:x.LogFill"


def test_in_a_demo_the_logs_are_told_that_nobody_clears_before_they_are_full(
    database: Database, tmp_path: Path
) -> None:
    """Clocks that fill as people punch: who loses punches within a week is an alert today."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    fleet = Settings(data_dir=tmp_path, demo_clocks=36, demo_terminals=2, demo_history_days=9)
    build_demo(database, fleet, now, lambda *_: None)
    clock = ManualClock(now + timedelta(minutes=35))
    for _ in range(5):
        watch(database, clock)
    evaluate(database, clock, Cases(clock), RuleBooks())
    told = _rows(
        database,
        """SELECT key, early, late, alert_condition.rule FROM alert
           JOIN device ON device.id = alert.device_id
           JOIN alert_condition ON alert_condition.alert_id = alert.id
           JOIN consumable ON consumable.device_id = device.id
           WHERE alert.component = 'attendanceLog' ORDER BY key""",
    )
    by_forecast = [row for row in told if row["rule"] == "consumable:x.LogFill"]
    assert [row["key"] for row in by_forecast] == ["SIMC00023", "SIMC00036"]
    for row in by_forecast:
        device = next(
            each for each in plan_fleet(36, 2, now.date()).devices if each.key == row["key"]
        )
        full = _full_at(device, now)
        assert row["early"] - timedelta(hours=12) < full < row["late"] + timedelta(hours=12)


def _full_at(device: Device, now: datetime) -> datetime:
    zone = {site.key: site.time_zone for site in plan_fleet(1, 0, now.date()).sites}[device.site]
    life = life_of(device, now - MARGIN, now + timedelta(days=14) + MARGIN)
    past = device_history(device, zone, life, now - timedelta(days=1), now + timedelta(days=14))
    log = past.series["x.LogFill"]
    return datetime.fromtimestamp(log.moments[np.flatnonzero(log.values >= 100)[0]], UTC)
