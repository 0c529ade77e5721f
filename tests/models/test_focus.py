"""Few columns for few failures: what tells most, against a slow count, and what learns from it."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.learn.focus import gains, most_telling

NAN = float("nan")


def _explained(label: list[bool]) -> float:
    """Log likelihood of the labels at their own share."""
    share = sum(label) / len(label) if label else 0.0
    return sum(log(share) if each else log(1 - share) for each in label)


def _slow_gain(values: list[float], label: list[bool]) -> float:
    best = 0.0
    for limit in values:
        if limit == limit:
            below = [y for v, y in zip(values, label, strict=True) if v <= limit]
            rest = [y for v, y in zip(values, label, strict=True) if not v <= limit]
            if rest:
                best = max(best, _explained(below) + _explained(rest) - _explained(label))
    return best


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.5, -3.0, NAN]), st.booleans()),
        min_size=2,
        max_size=25,
    )
)
def test_a_gain_is_that_of_the_best_limit(rows: list[tuple[float, bool]]) -> None:
    values, label = [row[0] for row in rows], [row[1] for row in rows]
    (gain,) = gains(np.array(values, np.float32)[:, None], np.array(label))
    assert gain == pytest.approx(_slow_gain(values, label), abs=1e-9)


def test_the_few_columns_that_tell_are_found_among_hundreds_that_do_not() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(3000, 300)).astype(np.float32)
    label = np.zeros(3000, bool)
    label[:40] = True
    values[:15, 7] += 6
    values[10:30, 200] -= 5
    values[random.random(3000) < 0.5, 200] = np.nan
    chosen = most_telling(values, label, 8)
    assert {7, 200} <= set(chosen.tolist())
    assert len(chosen) == 8
    assert (np.diff(chosen) > 0).all()
    assert most_telling(values, label, 300).tolist() == list(range(300))
