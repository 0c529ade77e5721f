"""Stretches of a fleet's time against sets of ticks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from kpi.uptime.line import Period, Stretches

START = datetime(2026, 3, 1, tzinfo=UTC)
PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)

Pairs = list[tuple[int, int]]


def stretches(pairs: Pairs) -> Stretches:
    begin, end = np.array(pairs, np.int64).reshape(-1, 2).T
    return Stretches.of(begin, end)


def ticks(pairs: Pairs) -> set[int]:
    return {tick for begin, end in pairs for tick in range(begin, end)}


def shown(found: Stretches) -> set[int]:
    assert (found.end > found.begin).all()
    assert (found.begin[1:] >= found.end[:-1]).all()
    return ticks(list(zip(found.begin.tolist(), found.end.tolist(), strict=True)))


@given(PAIRS)
def test_they_cover_what_any_of_them_covers(pairs: Pairs) -> None:
    assert shown(stretches(pairs)) == ticks(pairs)


@given(PAIRS, PAIRS)
def test_they_meet_where_both_are_and_leave_what_the_other_does_not_cover(
    one: Pairs, other: Pairs
) -> None:
    assert shown(stretches(one).meet(stretches(other))) == ticks(one) & ticks(other)
    assert shown(stretches(one).without(stretches(other))) == ticks(one) - ticks(other)


@given(PAIRS, PAIRS)
def test_they_measure_how_much_of_others_they_cover(one: Pairs, asked: Pairs) -> None:
    asked = [(begin, end) for begin, end in asked if begin <= end]
    begin, end = np.array(asked, np.int64).reshape(-1, 2).T
    expected = [len(ticks(one) & set(range(*pair))) for pair in asked]
    assert stretches(one).covered(begin, end).tolist() == expected


def test_devices_lie_end_to_end() -> None:
    period = Period(START, START + timedelta(seconds=10))
    at = np.array(["2026-02-28T23:00", "2026-03-01T00:00:04", "2026-03-02T00:00"], "datetime64[us]")
    device = np.array([0, 1, 1])
    places = period.places(device, at)
    assert places.tolist() == [0, 14_000_000, 20_000_000]
    assert period.moments(places, device).astype(str).tolist() == [
        "2026-03-01T00:00:00.000000",
        "2026-03-01T00:00:04.000000",
        "2026-03-01T00:00:10.000000",
    ]
    whole = Stretches.whole(2, period)
    assert whole.covered(np.array([5_000_000]), np.array([15_000_000])).tolist() == [10_000_000]


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(BadInputError, match="the end must lie after the start"):
        Period(START, START)
