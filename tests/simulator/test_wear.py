"""How parts wear: statistics over many devices, and what every life obeys."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.device import DeviceKind
from simulator.fleet import plan_fleet
from simulator.script import plan_script
from simulator.wear import PARTS, life_of, wear

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = (NOW - 365 * DAY, NOW)


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_parts_fail_as_often_as_they_should(kind: DeviceKind) -> None:
    devices = 300
    lives = [life_of(f"D{n}", kind, *YEAR) for n in range(devices)]
    failures = Counter(rise.component for life in lives for rise in life.failures())
    for part in PARTS[kind]:
        expected = devices * 365 / part.mean_days
        assert failures[part.component] == pytest.approx(expected, rel=0.15)


def test_most_failures_announce_themselves_and_some_do_not() -> None:
    rises = [
        rise
        for n in range(400)
        for rise in life_of(f"D{n}", DeviceKind.KIOSK, *YEAR).rises
        if rise.component == "billAcceptor"
    ]
    failing = [rise for rise in rises if rise.fails]
    sudden = [rise for rise in failing if rise.peak - rise.onset < timedelta(hours=1)]
    early = [rise for rise in failing if rise not in sudden]
    false_starts = [rise for rise in rises if not rise.fails]
    assert 0.03 < len(sudden) / len(failing) < 0.15
    assert all(1.5 * DAY <= rise.peak - rise.onset <= 2 * DAY for rise in early)
    assert 0.15 < len(false_starts) / len(failing) < 0.4


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)), st.integers(1, 200))
def test_a_life_is_the_same_whichever_span_of_it_is_asked_for(
    number: int, kind: DeviceKind, days: int
) -> None:
    start = NOW - days * DAY
    whole = life_of(f"D{number}", kind, NOW - 365 * DAY, NOW)
    part = life_of(f"D{number}", kind, start, NOW)
    assert set(part.rises) <= set(whole.rises)
    assert set(part.outages) <= set(whole.outages)
    assert all(rise in part.rises for rise in whole.rises if rise.end > start)


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)))
def test_wear_climbs_to_one_at_a_failure_and_is_gone_after_the_repair(
    number: int, kind: DeviceKind
) -> None:
    life = life_of(f"D{number}", kind, *YEAR)
    for rise in life.failures():
        alone = (rise,)
        times = np.linspace(rise.onset.timestamp(), rise.peak.timestamp(), 50)
        level = wear(alone, rise.component, times)
        assert level[0] == 0
        assert level[-1] == pytest.approx(1)
        assert (np.diff(level) >= 0).all()
        assert wear(alone, rise.component, np.array([rise.end.timestamp()]))[0] == 0
        assert wear(alone, "another", times).max() == 0


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)))
def test_failures_of_a_part_do_not_overlap(number: int, kind: DeviceKind) -> None:
    life = life_of(f"D{number}", kind, *YEAR)
    for part in PARTS[kind]:
        own = [rise for rise in life.failures() if rise.component == part.component]
        assert all(before.end < after.onset for before, after in pairwise(own))


def test_the_script_is_the_same_for_history_and_live_and_breaks_its_devices_in_time() -> None:
    devices = plan_fleet(40, 160, NOW.date()).devices
    script = plan_script(devices, NOW, 300)
    assert script == plan_script(devices, NOW, 300)
    kinds = {device.key: device.kind for device in devices}
    assert {kinds[key] for key in script.rises} == set(DeviceKind)
    for rise in script.rises.values():
        assert timedelta(seconds=45 * 300) <= rise.peak - NOW <= timedelta(seconds=100 * 300)
        assert rise.onset < NOW - DAY
    assert not script.outages.keys() & script.rises.keys()
    late = plan_script(devices, NOW, 300, delay=timedelta(hours=2))
    assert {key: rise.peak - timedelta(hours=2) for key, rise in late.rises.items()} == {
        key: rise.peak for key, rise in script.rises.items()
    }
