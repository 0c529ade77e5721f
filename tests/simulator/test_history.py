"""The past that is made for a demo: in memory, and in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from domain.clock import ManualClock
from domain.device import DeviceKind
from domain.errors import ConfigurationError
from domain.report import MetricKind
from domain.vocabulary import METRICS
from forecall.config import Settings
from forecall.demo import build_demo, is_built
from forecall.live import read_fleet
from simulator.attendance import AttendanceClock
from simulator.fleet import plan_fleet
from simulator.history import DeviceHistory, device_history
from simulator.lives import life_of
from simulator.script import MARGIN
from simulator.stories import SUPPLY, WEAR
from storage.database import Database

END = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = END - timedelta(days=60)


@pytest.fixture(scope="module")
def past() -> dict[str, DeviceHistory]:
    fleet = plan_fleet(20, 60, END.date())
    zones = {site.key: site.time_zone for site in fleet.sites}
    return {
        device.key: device_history(
            device,
            zones[device.site],
            life_of(device, START - MARGIN, END + MARGIN),
            START,
            END,
        )
        for device in fleet.devices
    }


def test_every_value_is_finite_in_order_and_inside_the_span(past: dict[str, DeviceHistory]) -> None:
    for history in past.values():
        for name, series in history.series.items():
            assert name in METRICS
            assert np.isfinite(series.values).all()
            assert (np.diff(series.moments // 3600) >= 1).all()
            assert series.moments[0] >= START.timestamp()
            assert series.moments[-1] < END.timestamp()


def test_counters_only_grow(past: dict[str, DeviceHistory]) -> None:
    cleared = {"x.VerifiedCount"}  # counts what the log holds, and logs are cleared
    for history in past.values():
        for name, series in history.series.items():
            if METRICS[name].kind is MetricKind.COUNTER and name not in cleared:
                assert (np.diff(series.values) >= 0).all(), name


def test_spells_and_events_lie_in_order_inside_the_span(past: dict[str, DeviceHistory]) -> None:
    for history in past.values():
        assert all(before.end < after.start for before, after in pairwise(history.spells))
        assert all(START <= spell.start < spell.end < END for spell in history.spells)
        assert all(START <= event.at < END for event in history.events)
        assert list(history.events) == sorted(history.events, key=lambda event: event.at)


def test_a_failure_is_told_or_silences_the_device_or_shows_in_neither_way(
    past: dict[str, DeviceHistory],
) -> None:
    failures = [(key, history, rise) for key, history in past.items() for rise in history.failures]
    assert len(failures) > 30
    for key, history, rise in failures:
        grave = [event for event in history.events if event.severity in ("error", "critical")]
        assert rise.told == any(event.at == rise.peak for event in grave)
        assert not (rise.told and key.startswith("SIMC"))
        heard = next(iter(history.series.values())).moments
        inside = (heard >= rise.peak.timestamp()) & (heard < rise.end.timestamp())
        if rise.silences:
            assert not inside.any()
    assert {(rise.told, rise.silences) for _, _, rise in failures} == {
        (True, False),
        (False, True),
        (False, False),
    }


def test_every_repair_of_a_failure_and_every_planned_one_is_recorded(
    past: dict[str, DeviceHistory],
) -> None:
    actions = set()
    for history in past.values():
        recorded = {(repair.at, repair.component, repair.action) for repair in history.repairs}
        actions |= {repair.action for repair in history.repairs}
        for rise in history.failures:
            action = "refilled" if rise.story == SUPPLY else "repaired"
            assert rise.end >= END or (rise.end, rise.component, action) in recorded
    assert actions == {"repaired", "refilled", "replaced", "cleaned"}


def test_what_nobody_refills_runs_out_and_is_full_again_once_somebody_does(
    past: dict[str, DeviceHistory],
) -> None:
    ran_out = [
        (history, rise)
        for history in past.values()
        for rise in history.failures
        if rise.story == SUPPLY and rise.component == "receiptPrinter"
    ]
    assert ran_out
    for history, rise in ran_out:
        paper = history.series["x.PaperRemaining"]
        until = (paper.moments >= rise.onset.timestamp()) & (paper.moments < rise.end.timestamp())
        left = paper.values[until]
        assert (np.diff(left) <= 0).all()
        assert left[0] <= 16  # where others are refilled
        broken = paper.moments[until] >= rise.peak.timestamp()
        assert (left[broken] == 0).all()
        assert ("paperOut", rise.peak) in {(event.code, event.at) for event in history.events}
        later = paper.values[paper.moments >= rise.end.timestamp()]
        assert not len(later) or later[0] > 5


def test_logs_fill_are_cleared_and_where_nobody_does_so_in_time_stand_full(
    past: dict[str, DeviceHistory],
) -> None:
    full = 0
    for key, history in past.items():
        if "x.LogFill" not in history.series:
            continue
        held, capacity = (
            history.series[f"x.{name}"].values for name in ("RecordCount", "RecordCapacity")
        )
        steps = np.diff(held)
        assert (held <= capacity).all()
        cleared = np.flatnonzero(steps < 0)
        assert (held[cleared + 1] <= 60).all(), key  # what was punched since midnight
        assert (history.series["x.VerifiedCount"].values <= held).all()
        stood = np.flatnonzero(held == capacity)
        full += len(stood) > 24
        assert (steps[stood[stood < len(steps)]] <= 0).all()  # no punch is kept any more
    assert 1 <= full <= 6


def test_a_clock_goes_live_with_the_log_that_its_past_says(past: dict[str, DeviceHistory]) -> None:
    fleet = plan_fleet(20, 0, END.date())
    zones = {site.key: site.time_zone for site in fleet.sites}
    lost = 0
    for device in fleet.devices:
        told = past[device.key].series["x.RecordCount"]
        fullest = int(np.argmax(told.values[::-1]))  # for the longest time
        clock = ManualClock(datetime.fromtimestamp(told.moments[::-1][fullest], UTC))
        life = life_of(device, clock.now() - MARGIN, clock.now() + MARGIN)
        live = AttendanceClock(device, zones[device.site], clock, life, {}).emulator
        assert live.record_count == told.values.max()
        assert live.lost == 0 or live.full
        lost += live.lost > 0
    assert lost


def test_wear_shows_in_the_day_before_a_failure(past: dict[str, DeviceHistory]) -> None:
    worn, sound = [], []
    for key, history in past.items():
        if not key.startswith("SIMK"):
            continue
        rejected = history.series["x.BillRejectedCount"]
        for rise in history.failures:
            if (rise.component, rise.story) != ("billAcceptor", WEAR):
                continue
            worn.append(_growth(rejected.moments, rejected.values, rise.peak))
            sound.append(_growth(rejected.moments, rejected.values, rise.onset))
    assert np.nanmean(worn) > 2 * np.nanmean(sound)


def _growth(moments: np.ndarray, values: np.ndarray, until: datetime) -> float:
    day = (moments >= until.timestamp() - 86400) & (moments < until.timestamp())
    return float(values[day][-1] - values[day][0]) if day.sum() > 1 else float("nan")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, demo_clocks=6, demo_terminals=14, demo_history_days=10)


def test_the_store_holds_the_past_once_and_without_gaps(
    database: Database, settings: Settings
) -> None:
    assert not is_built(database)
    shares: list[float] = []
    build_demo(database, settings, END, lambda _, share: shares.append(share))
    assert is_built(database)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with database.transaction() as conn:
        one = conn.execute(
            "SELECT count(*) AS n, min(hour) AS first, max(hour) AS last FROM rollup_hourly "
            "JOIN device ON device.id = device_id JOIN metric ON metric.id = metric_id "
            "WHERE key = 'SIMP00001' AND name = 'HoursPoweredCount'"
        ).fetchone()
        broken = conn.execute(
            "SELECT FROM (SELECT from_state, lag(to_state) OVER (PARTITION BY device_id ORDER BY "
            "version) AS before FROM device_transition) steps WHERE before <> from_state"
        ).fetchall()
        versions = conn.execute(
            "SELECT FROM device_status JOIN LATERAL (SELECT max(version) AS newest FROM "
            "device_transition WHERE device_id = device_status.device_id) t ON true "
            "WHERE version <> newest"
        ).fetchall()
    assert one == {"n": 240, "first": END - timedelta(days=10), "last": END - timedelta(hours=1)}
    assert not broken
    assert not versions


def test_a_store_with_real_devices_gets_no_demo(database: Database, settings: Settings) -> None:
    with database.transaction() as conn:
        conn.execute("INSERT INTO device (key, kind) VALUES ('real', %s)", [DeviceKind.POS])
    with pytest.raises(ConfigurationError, match="real devices"):
        build_demo(database, settings, END, lambda *_: None)


def test_too_large_a_demo_is_refused(database: Database, tmp_path: Path) -> None:
    large = Settings(data_dir=tmp_path, demo_clocks=3000, demo_terminals=3000)
    with pytest.raises(ConfigurationError, match="at most 5000"):
        build_demo(database, large, END, lambda *_: None)


def test_counters_go_on_from_the_last_reading_even_if_its_hour_is_not_rolled_up_yet(
    database: Database, settings: Settings
) -> None:
    build_demo(database, settings, END, lambda *_: None)
    later = END + timedelta(minutes=5)
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO reading (at, received_at, device_id, metric_id, value) "
            "SELECT %(at)s, %(at)s, device.id, metric.id, 4711 FROM device, metric "
            "WHERE device.key = 'SIMP00001' AND metric.name = 'PaperCutCount'",
            {"at": later},
        )
        members = {member.device.key: member for member in read_fleet(conn, ManualClock(later))}
    assert members["SIMP00001"].last["PaperCutCount"] == 4711
    assert members["SIMP00001"].last["HoursPoweredCount"] > 0
