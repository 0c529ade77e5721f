"""From records to lives, devices that fail too often, and groups that stand out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi.life.groups import Subject, Trait, comparisons
from kpi.life.lemons import Watched, expectations, oddness, spread
from kpi.life.lives import UNMENDED, Life, lives_of, part_lives
from kpi.life.records import DeviceFacts, Failed, Mended, Records
from kpi.life.survival import Lives
from kpi.reports.period import Calendar

BORN = datetime(2026, 1, 1, tzinfo=UTC)
END = BORN + timedelta(days=100)


def day(number: float) -> datetime:
    return BORN + timedelta(days=number)


def device(number: int, **more: str) -> DeviceFacts:
    told = {"model": "M", "firmware": "1", "lot": "", "kind": "pos"} | more
    return DeviceFacts(
        id=number, key=f"D{number}", installed_on=BORN.date(), site="", region="", customer="",
        here=True, **told,
    )  # fmt: skip


def test_a_life_ends_by_failure_and_the_next_begins_with_the_repair() -> None:
    found = list(lives_of(BORN, [Failed(day(10), True)], [Mended(day(11), False)], END))
    assert found == [Life(BORN, day(10), True), Life(day(11), END, False)]


def test_planned_work_takes_a_part_away_alive_but_not_a_device() -> None:
    swapped = [Mended(day(30), True)]
    assert list(lives_of(BORN, [], swapped, END)) == [
        Life(BORN, day(30), False),
        Life(day(30), END, False),
    ]
    assert list(lives_of(BORN, [], swapped, END, planned=False)) == [Life(BORN, END, False)]


def test_without_a_recorded_repair_it_is_mended_after_three_days() -> None:
    found = list(lives_of(BORN, [Failed(day(10), True), Failed(day(11), True)], [], END))
    assert found == [Life(BORN, day(10), True), Life(day(10) + UNMENDED, END, False)]


def test_what_the_user_broke_was_taken_away_alive() -> None:
    [first, _] = lives_of(BORN, [Failed(day(10), False)], [], END)
    assert first == Life(BORN, day(10), False)


def test_of_an_unknown_beginning_the_first_life_is_left_out() -> None:
    found = list(lives_of(None, [Failed(day(10), True)], [Mended(day(11), True)], END))
    assert found == [Life(day(11), END, False)]


EVENTS = st.lists(st.tuples(st.integers(0, 99), st.sampled_from("frm")), max_size=12)


@settings(max_examples=40)
@given(EVENTS)
def test_lives_follow_each_other_and_end_by_what_is_on_record(
    events: list[tuple[int, str]],
) -> None:
    failures = [Failed(day(at), True) for at, kind in events if kind == "f"]
    mends = [Mended(day(at), kind == "r") for at, kind in events if kind != "f"]
    found = list(lives_of(BORN, failures, mends, END))
    for before, after in pairwise(found):
        assert before.ended <= after.born
    assert {one.ended for one in found if one.failed} <= {one.at for one in failures}
    assert all(one.born <= one.ended for one in found)


def test_only_the_time_in_the_fleet_counts() -> None:
    one = device(1)
    records = Records(
        END,
        (one,),
        {1: [(day(20), day(40)), (day(60), END)]},
        {(1, "printer"): [Failed(day(50), True), Failed(day(80), True)]},
        {(1, "printer"): [Mended(day(51), True)]},
    )
    lives = part_lives(records, [one], "printer")
    rows = list(zip(lives.entry, lives.exit, lives.failed, strict=True))
    # It failed while it was away: nobody saw that. The part of day 51 was seen from its ninth day on.
    assert rows == [(20, 40, False), (9, 29, True), (0, 17, False)]


def _fleet(rates: list[float], days: float = 365.0, seed: int = 3) -> list[Watched]:
    random = np.random.default_rng(seed)
    return [Watched("M", int(random.poisson(rate * days / 365)), days, 1.5, 1.0) for rate in rates]


def test_a_lemon_is_named_and_a_fleet_of_chance_has_none() -> None:
    named = [one.is_lemon for one in oddness(_fleet([2.0] * 200))]
    assert sum(named) == 0
    fleet = _fleet([2.0] * 200)
    fleet[7] = Watched("M", 16, 365.0, 1.5, 1.0)
    found = oddness(fleet)
    assert [place for place, one in enumerate(found) if one.is_lemon] == [7]
    assert 1 < found[7].low < found[7].ratio < 16 / found[7].expected  # drawn towards the others


def test_what_is_used_twice_as_much_may_fail_twice_as_often() -> None:
    random = np.random.default_rng(5)
    fleet = [
        Watched("M", int(random.poisson(3 * use)), 365.0, 1.5, use)
        for use in [1.0] * 100 + [2.0] * 100
    ]
    expected = expectations(fleet)
    assert expected[:100].mean() == pytest.approx(3.0, rel=0.15)
    assert expected[100:].mean() == pytest.approx(6.0, rel=0.15)


def test_models_and_ages_have_their_own_rates() -> None:
    random = np.random.default_rng(6)
    fleet = [
        Watched(model, int(random.poisson(rate)), 365.0, age, None)
        for model, age, rate in [("A", 0.5, 2.0), ("A", 9.0, 6.0), ("B", 0.5, 1.0)]
        for _ in range(150)
    ]
    expected = expectations(fleet)
    assert expected.sum() == pytest.approx(sum(one.failures for one in fleet))
    for part, rate in zip(np.split(expected, 3), (2.0, 6.0, 1.0), strict=True):
        assert part.mean() == pytest.approx(rate, rel=0.15)


def test_beyond_chance_there_is_a_spread_where_devices_differ() -> None:
    random = np.random.default_rng(8)
    own = random.gamma(2.0, 0.5, 4000)  # mean 1, variance 1/2
    seen = random.poisson(4 * own)
    assert spread(seen, np.full(4000, 4.0)) == pytest.approx(0.5, abs=0.06)
    assert spread(random.poisson(4.0, 4000), np.full(4000, 4.0)) < 0.02


@settings(max_examples=30)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_no_fleet_is_too_odd(counts: list[int]) -> None:
    found = oddness([Watched("M", count, 100.0, None, None) for count in counts])
    assert len(found) == len(counts)
    for one in found:
        assert 0 <= one.p <= one.q + 1e-12 <= 1 + 1e-9
        assert one.low <= one.ratio <= one.high


def test_a_bad_firmware_stands_out_within_its_model_only() -> None:
    random = np.random.default_rng(2)
    devices = tuple(
        device(number, model="AB"[number % 2], firmware="12"[number // 2 % 2], lot="L")
        for number in range(120)
    )
    mean = [20.0 if (one.model, one.firmware) == ("A", "2") else 100.0 for one in devices]
    exits = np.minimum(random.exponential(mean), 90.0) + 0.1
    lives = Lives(np.arange(120), np.zeros(120), exits, exits < 90)
    found = comparisons([Subject("pos", None, devices, lives)], Calendar.GREGORIAN)
    groups = {(one.trait, group.model, group.name): group for one in found for group in one.groups}
    bad = groups[Trait.FIRMWARE, "A", "2"]
    assert bad.stands_out
    assert (bad.against.low or 0) > 1
    assert not groups[Trait.FIRMWARE, "B", "2"].stands_out
    assert Trait.LOT not in {one.trait for one in found}  # one lot tells nothing apart


def test_few_devices_are_shown_but_never_tested() -> None:
    devices = tuple(device(number, model="A" if number < 2 else "B") for number in range(30))
    exits = np.array([1.0, 1.0] + [50.0] * 28)
    lives = Lives(np.arange(30), np.zeros(30), exits, np.ones(30, bool))
    [found] = comparisons([Subject("pos", None, devices, lives)], Calendar.GREGORIAN)
    few = found.groups[0]
    assert few.few
    assert few.sure_p is None
    assert not few.stands_out


def test_a_lot_is_the_quarter_of_installation_in_the_readers_calendar() -> None:
    from kpi.life.groups import lot_of

    one = device(1)
    assert one.installed_on == date(2026, 1, 1)
    assert lot_of(one, Calendar.GREGORIAN) == "2026-Q1"
    assert lot_of(one, Calendar.JALALI) == "1404-Q4"
    assert lot_of(device(1, lot="PO-77"), Calendar.JALALI) == "PO-77"
