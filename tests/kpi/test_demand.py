"""Refills and parts that will be needed: against drawing the future by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi.demand.parts import OTHERS, Past, Rate, chances, need, rate_of, together
from kpi.demand.refills import Stock, amount, refills


def test_a_store_that_is_used_evenly_is_refilled_when_it_is_empty() -> None:
    even = Stock(left=30.0, refill=100.0, per_day=10.0, spread=0.0, days=28)
    assert amount(refills([even], 2)).mean == 0
    assert amount(refills([even], 4)).mean == 1
    assert amount(refills([even], 14)).enough == 2
    assert amount(refills([even] * 3, 14)).mean == 6


def test_what_was_never_used_needs_nothing() -> None:
    assert amount(refills([Stock(5.0, 100.0, 0.0, 0.0, 28)], 90)).enough == 0
    assert amount(refills([], 90)).mean == 0


def test_what_is_unsure_needs_more_in_store() -> None:
    calm = amount(refills([Stock(0.0, 10.0, 5.0, 0.5, 28)] * 5, 30))
    wild = amount(refills([Stock(0.0, 10.0, 5.0, 8.0, 28)] * 5, 30))
    short = amount(refills([Stock(0.0, 10.0, 5.0, 8.0, 7)] * 5, 30))
    assert calm.mean == pytest.approx(wild.mean, rel=0.05)
    assert calm.enough < wild.enough < short.enough
    assert wild.low <= wild.mean <= wild.high


def test_a_stock_suffices_as_often_as_it_promises() -> None:
    # Rates as the gamma has them, counts as Poisson draws them.
    random = np.random.default_rng(1)
    own, days = Rate(shape=5.0, days=1000.0), 300.0
    drawn = random.poisson(random.gamma(own.shape, 1 / own.days, 200_000) * days)
    found = need(chances(own, days, ()))
    assert found.mean == pytest.approx(drawn.mean(), rel=0.02)
    for cover, enough in zip((0.8, 0.95), found.enough, strict=True):
        assert (drawn <= enough).mean() >= cover - 0.005
        assert (drawn <= enough - 1).mean() < cover + 0.005


@settings(max_examples=40)
@given(st.lists(st.floats(0.05, 0.95), max_size=8))
def test_foretold_failures_count_with_their_probabilities(foretold: list[float]) -> None:
    found = chances(None, 0.0, foretold)
    assert found.sum() == pytest.approx(1)
    assert need(found).mean == pytest.approx(sum(foretold))
    assert len(found) == len(foretold) + 1


def test_regions_need_together_what_each_needs() -> None:
    parts = [chances(Rate(2.0, 100.0), 50.0, ()), chances(Rate(9.0, 100.0), 20.0, (0.5,))]
    assert need(together(parts)).mean == pytest.approx(sum(need(part).mean for part in parts))
    alone = sum(need(part).enough[1] for part in parts)
    assert need(together(parts)).enough[1] <= alone  # they help each other out


def test_little_of_an_own_past_leans_on_the_kind() -> None:
    kind = Past(100, 10_000.0)
    fresh, known = rate_of(Past(0, 10.0), kind), rate_of(Past(40, 1000.0), kind)
    assert fresh is not None
    assert known is not None
    assert fresh.mean == pytest.approx(0.01, rel=0.05)
    assert 0.01 < known.mean < 0.04
    assert known.mean == pytest.approx((OTHERS + 40) / (OTHERS / 0.01 + 1000))
    assert rate_of(Past(0, 10.0), Past(0, 10_000.0)) is None
