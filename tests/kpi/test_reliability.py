"""Means and rates of failures."""

from __future__ import annotations

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi.uptime.reliability import poisson_interval, reliability


def test_what_failures_and_times_make_of_each_other() -> None:
    found = reliability(4, up_s=2000 * 3600, down_s=6 * 3600)
    assert (found.mtbf_h, found.mttr_h, found.rate) == (500, 1.5, 2.0)
    assert found.rate_low == pytest.approx(0.545, abs=0.001)  # Poisson tables: 1.09 to 10.24
    assert found.rate_high == pytest.approx(5.12, abs=0.001)


def test_no_failure_still_says_how_bad_it_could_be() -> None:
    found = reliability(0, up_s=1000 * 3600, down_s=0)
    assert (found.mtbf_h, found.mttr_h, found.rate, found.rate_low) == (None, None, 0, 0)
    assert found.rate_high == pytest.approx(3.69, abs=0.01)  # -ln(2.5 %)


def test_of_nothing_watched_nothing_is_known() -> None:
    assert reliability(0, 0, 0).rate_high is None


@given(st.integers(0, 60))
def test_the_interval_s_ends_are_as_rare_as_they_say(count: int) -> None:
    low, high = poisson_interval(count)
    assert _at_most(count, high) == pytest.approx(0.025, rel=1e-6)
    if count:
        assert 1 - _at_most(count - 1, low) == pytest.approx(0.025, rel=1e-6)


def _at_most(count: int, mean: float) -> float:
    return sum(exp(-mean) * mean**k / factorial(k) for k in range(count + 1))
