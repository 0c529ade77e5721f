"""Survival curves against published worked examples, and against an oracle that counts heads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from kpi.life.compare import discoveries, holm, log_rank
from kpi.life.survival import Lives, kaplan_meier, known_span, restricted_mean

# Freireich et al. 1963, weeks of remission: as printed in Klein and Moeschberger, tables 1.1 and 4.1A.
SIX_MP = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def lives(ends: Sequence[float], entries: Sequence[float] | None = None) -> Lives:
    """Ends below 0: last seen alive then."""
    count = len(ends)
    return Lives(
        np.arange(count),
        np.array(entries if entries is not None else [0.0] * count, float),
        np.abs(np.array(ends, float)),
        np.array(ends, float) > 0,
    )


def test_the_curve_of_freireichs_patients_is_the_published_one() -> None:
    curve = kaplan_meier(lives(SIX_MP))
    assert curve.ages.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.survival == pytest.approx(
        [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4
    )
    errors = curve.survival * np.sqrt(np.cumsum(curve.spread))
    assert errors == pytest.approx([0.076, 0.087, 0.096, 0.107, 0.114, 0.128, 0.135], abs=6e-4)


def test_its_interval_is_that_of_the_log_log_scale() -> None:
    # R: survfit(..., conf.type = "log-log") of the same data.
    curve = kaplan_meier(lives(SIX_MP))
    assert curve.low == pytest.approx([0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188], abs=6e-4)
    assert curve.high == pytest.approx([0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680], abs=6e-4)


def test_its_restricted_mean_is_the_published_one() -> None:
    # Klein and Moeschberger, example 4.1 (continued): 23.287 weeks, variance 7.993, until week 35.
    mean = restricted_mean(kaplan_meier(lives(SIX_MP)), 35)
    assert mean.value == pytest.approx(23.29, abs=0.01)
    assert mean.value - mean.low == pytest.approx(1.96 * np.sqrt(7.993), abs=0.01)


def test_the_log_rank_of_the_two_arms_is_the_published_one() -> None:
    both = lives([*SIX_MP, *PLACEBO])
    arm = np.repeat([0, 1], 21)
    found = log_rank(both, arm, np.zeros(42, np.int64))
    assert found.chi2 == pytest.approx(16.79, abs=0.01)
    assert found.freedom == 1
    assert found.groups[0].expected == pytest.approx(19.25, abs=0.01)
    assert found.groups[1].expected == pytest.approx(10.75, abs=0.01)
    assert found.p == pytest.approx(4.2e-5, rel=0.02)
    assert found.groups[0].p == pytest.approx(found.p)  # of two, each against the rest is both


WATCHED = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 12), st.booleans()), min_size=1, max_size=25
)


def _of(watched: list[tuple[int, int, bool]]) -> Lives:
    entry = np.array([one[0] for one in watched], float)
    length = np.array([one[1] for one in watched], float)
    return Lives(
        np.arange(len(watched)), entry, entry + length, np.array([one[2] for one in watched])
    )


@settings(max_examples=40)
@given(WATCHED, st.integers(0, 6))
def test_the_curve_is_that_of_who_counts_heads(
    watched: list[tuple[int, int, bool]], since: int
) -> None:
    curve = kaplan_meier(_of(watched), float(since))
    survival = 1.0
    for age in range(since + 1, 26):
        there = [one for one in watched if one[0] < age <= one[0] + one[1]]
        failed = [one for one in there if one[0] + one[1] == age and one[2]]
        if failed:
            survival *= 1 - len(failed) / len(there)
        assert curve.at(np.array([float(age)]))[0] == pytest.approx([survival])


@settings(max_examples=40)
@given(WATCHED)
def test_a_curve_falls_inside_its_band(watched: list[tuple[int, int, bool]]) -> None:
    curve = kaplan_meier(_of(watched))
    assert (np.diff(curve.survival) <= 0).all()
    assert (curve.low <= curve.survival + 1e-12).all()
    assert (curve.survival <= curve.high + 1e-12).all()
    assert (curve.high <= 1).all()
    assert (curve.low >= 0).all()
    assert (curve.at_risk >= 1).all()


@settings(max_examples=40)
@given(WATCHED)
def test_the_restricted_mean_is_the_area_day_by_day(watched: list[tuple[int, int, bool]]) -> None:
    curve = kaplan_meier(_of(watched))
    days = curve.at(np.arange(20.0))[0]  # it only steps at whole days
    mean = restricted_mean(curve, 20.0)
    assert mean.value == pytest.approx(days.sum())
    assert mean.low <= mean.value <= mean.high


@settings(max_examples=40)
@given(WATCHED)
def test_without_late_entries_and_censoring_it_is_the_share_that_lives(
    watched: list[tuple[int, int, bool]],
) -> None:
    ends = [one[1] for one in watched]
    curve = kaplan_meier(lives(ends))
    for age in range(14):
        alive = sum(end > age for end in ends) / len(ends)
        assert curve.at(np.array([float(age)]))[0] == pytest.approx([alive])


@settings(max_examples=40)
@given(WATCHED, st.lists(st.integers(0, 2), min_size=25, max_size=25))
def test_failures_expected_of_all_groups_are_those_that_came(
    watched: list[tuple[int, int, bool]], drawn: list[int]
) -> None:
    every = _of(watched)
    _, group = np.unique(drawn[: len(every)], return_inverse=True)
    found = log_rank(every, group.astype(np.int64), np.zeros(len(every), np.int64))
    assert sum(one.expected for one in found.groups) == pytest.approx(every.failed.sum())
    assert found.freedom < max(len(found.groups), 1)
    assert 0 <= found.p <= 1
    for number, one in enumerate(found.groups):
        alone = log_rank(every, (group == number).astype(np.int64), np.zeros(len(every), np.int64))
        assert one.p == pytest.approx(alone.groups[-1].p, abs=1e-6)


def test_like_is_compared_with_like() -> None:
    # Two strata of very different lives, and no difference within either.
    every = lives([1, 1, 2, 2, 50, 50, 60, 60] * 3)
    stratum = np.array([0, 0, 0, 0, 1, 1, 1, 1] * 3)
    group = np.array([0, 1] * 12)
    assert log_rank(every, group, stratum).chi2 == pytest.approx(0, abs=1e-9)
    mixed = np.array([0, 0, 0, 1, 1, 1, 0, 1] * 3)
    assert log_rank(every, mixed, np.zeros(24, np.int64)).p < log_rank(every, mixed, stratum).p


def test_a_curve_speaks_from_where_enough_are_watched_until_they_are_too_few() -> None:
    every = lives([-10, -20, -30, -30], [0, 5, 5, 5])
    assert known_span(every, 3) == (5, 20)
    assert known_span(every, 4) == (5, 10)
    assert known_span(every, 5) is None
    early = lives([3, -30, -30, -30], [0, 5, 5, 5])
    assert kaplan_meier(early).survival.tolist() == [0]  # who is alone decides alone
    span = known_span(early, 3)
    assert span is not None
    assert len(kaplan_meier(early, span[0]).ages) == 0


def test_corrections_are_the_published_ones() -> None:
    # Benjamini and Hochberg 1995, section 3.2: four of fifteen are found at 5 %, three by Bonferroni.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
               0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    assert sum(p <= 0.05 for p in discoveries(chances)) == 4
    assert sum(p <= 0.05 for p in holm(chances)) == 3
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_a_correction_keeps_the_order(chances: list[float]) -> None:
    for corrected in (holm(chances), discoveries(chances)):
        assert all(
            after >= before - 1e-12 for before, after in zip(chances, corrected, strict=True)
        )
        ordered = [after for _, after in sorted(zip(chances, corrected, strict=True))]
        assert all(before <= after + 1e-12 for before, after in pairwise(ordered))


def test_a_life_that_ends_before_it_is_watched_is_refused() -> None:
    with pytest.raises(BadInputError, match="lives"):
        lives([5], [5])
