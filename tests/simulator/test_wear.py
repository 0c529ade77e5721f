"""How parts wear: statistics over many devices, and what every life obeys."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.device import DeviceKind
from simulator.fleet import Device, plan_fleet, plan_kinds
from simulator.lives import life_of, usage_of
from simulator.script import plan_script
from simulator.stories import BUGGY_FIRMWARE, FIRMWARE, POWER_CUT, POWER_CUTS, STORIES
from simulator.wear import wear

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = (NOW - 365 * DAY, NOW)
FEW = 150


def _device(number: int, kind: DeviceKind, firmware: str = BUGGY_FIRMWARE) -> Device:
    key = f"D{number}"
    return Device(key, kind, f"site{number % 40}", "", firmware, key, date(2024, 1, 1))


def _expected(kind: DeviceKind) -> dict[str, float]:
    """Failures of each component a device-year, as the stories promise them."""
    yearly = {"powerSupply": POWER_CUTS.share * 365 / POWER_CUTS.mean_days}
    for story in STORIES[kind]:
        rate = story.befalls * (1 - story.planned) * 365 / story.mean_days
        yearly[story.component] = yearly.get(story.component, 0.0) + rate
    return yearly


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_parts_fail_as_often_as_they_should(kind: DeviceKind) -> None:
    lives = [life_of(_device(n, kind), *YEAR) for n in range(FEW)]
    failures = Counter(rise.component for life in lives for rise in life.failures())
    for component, yearly in _expected(kind).items():
        # Of two rises that overlap only one stands, and usage differs: somewhat fewer.
        assert 0.65 * FEW * yearly < failures[component] < 1.15 * FEW * yearly, component


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_each_story_keeps_to_its_signs_and_times(kind: DeviceKind) -> None:
    stories = {(story.name, story.component): story for story in STORIES[kind]}
    seen = set()
    for number in range(FEW):
        for rise in life_of(_device(number, kind), *YEAR).rises:
            story = stories.get((rise.story, rise.component))
            if story is None:
                assert rise.story == POWER_CUT
                continue
            seen.add((rise.story, rise.component))
            assert rise.signs == story.signs
            assert 0 <= rise.height <= story.strength
            if rise.fails:
                low, high = (timedelta(hours=hours) for hours in story.ramp_h)
                assert low <= rise.peak - rise.onset <= high
    assert seen == set(stories)


def test_only_the_version_with_the_bug_has_it() -> None:
    stories = [
        {
            rise.story
            for n in range(80)
            for rise in life_of(_device(n, DeviceKind.POS, version), *YEAR).rises
        }
        for version in (BUGGY_FIRMWARE, "2.4.1")
    ]
    assert FIRMWARE in stories[0]
    assert FIRMWARE not in stories[1]


def test_a_power_cut_is_everybodys_at_the_site_and_some_power_supplies_die_after_it() -> None:
    devices = [_device(40 * n, DeviceKind.POS) for n in range(80)]
    lives = [life_of(device, *YEAR) for device in devices]
    cuts = {tuple(cut for cut in life.outages if cut.power) for life in lives}
    assert len(cuts) == 1
    ends = {cut.end for cut in cuts.pop()}
    surges = [rise for life in lives for rise in life.rises if rise.story == POWER_CUT]
    assert surges
    assert {rise.onset for rise in surges} <= ends | {
        rise.onset for rise in surges if rise.onset < YEAR[0]
    }


def test_devices_in_more_use_wear_out_sooner_and_rarer_failures_are_rarer() -> None:
    devices = [_device(n, DeviceKind.KIOSK) for n in range(FEW)]

    def worn(seldom: float) -> list[int]:
        lives = [life_of(device, *YEAR, seldom) for device in devices]
        return [sum(rise.story == "wear" for rise in life.failures()) for life in lives]

    use = [usage_of(device.key) for device in devices]
    assert np.corrcoef(use, worn(1.0))[0, 1] > 0.3
    assert sum(worn(10.0)) < 0.2 * sum(worn(1.0))


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)), st.integers(1, 200))
def test_a_life_is_the_same_whichever_span_of_it_is_asked_for(
    number: int, kind: DeviceKind, days: int
) -> None:
    start = NOW - days * DAY
    device = _device(number, kind)
    whole = life_of(device, NOW - 365 * DAY, NOW)
    part = life_of(device, start, NOW)
    assert set(part.rises) <= set(whole.rises)
    assert set(part.outages) <= set(whole.outages)
    assert all(rise in part.rises for rise in whole.rises if rise.end > start)


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)))
def test_wear_climbs_to_its_height_and_is_gone_after_the_repair(
    number: int, kind: DeviceKind
) -> None:
    life = life_of(_device(number, kind), *YEAR)
    for rise in life.rises:
        alone = (rise,)
        times = np.linspace(rise.onset.timestamp(), rise.peak.timestamp(), 50)
        level = wear(alone, rise.component, times)
        assert level[-1] == pytest.approx(rise.height)
        assert (np.diff(level) >= 0).all()
        after = np.array([rise.end.timestamp() + 1])
        assert wear(alone, rise.component, after)[0] == 0
        assert wear(alone, "another", times).max() == 0
        for sign in rise.signs:
            assert wear(alone, rise.component, times, sign)[-1] == level[-1]
        assert not rise.signs or wear(alone, rise.component, times, "another")[-1] == 0


@given(st.integers(0, 10_000), st.sampled_from(list(DeviceKind)))
def test_rises_of_a_part_do_not_overlap(number: int, kind: DeviceKind) -> None:
    life = life_of(_device(number, kind), *YEAR)
    for component in {story.component for story in STORIES[kind]}:
        own = [rise for rise in life.rises if rise.component == component]
        assert all(before.end < after.onset for before, after in pairwise(own))


def test_fleets_of_two_seeds_have_no_device_and_no_life_in_common() -> None:
    one, other = (plan_kinds({DeviceKind.POS: 20}, NOW.date(), seed).devices for seed in (1, 2))
    assert not {device.key for device in one} & {device.key for device in other}
    peaks = [
        {rise.peak for device in devices for rise in life_of(device, *YEAR).failures()}
        for devices in (one, other)
    ]
    assert not peaks[0] & peaks[1]


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
