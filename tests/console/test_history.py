"""The bar of states covers its period without gap or overlap."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.history import segments
from storage.database import Row

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=24)
STATES = ("up", "down", "unwatched")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Row], str]:
    """Transitions in order and the state after them."""
    minutes = sorted(draw(st.lists(st.integers(0, 24 * 60 - 1), max_size=12)))
    state = draw(st.sampled_from(STATES))
    rows: list[Row] = []
    for minute in minutes:
        after = draw(st.sampled_from([other for other in STATES if other != state]))
        at = START + timedelta(minutes=minute)
        rows.append({"at": at, "from_state": state, "to_state": after})
        state = after
    return rows, state


@given(histories())
def test_the_bar_covers_the_period(history: tuple[list[Row], str]) -> None:
    rows, state = history
    pieces = segments(rows, state, START, END)
    assert pieces[0].start == START
    assert pieces[-1].end == END
    assert pieces[-1].state == state
    assert all(before.end == after.start for before, after in itertools.pairwise(pieces))
    assert abs(sum(piece.width for piece in pieces) - 1000) < 1e-6


@given(histories(), st.integers(0, 24 * 60 - 1))
def test_each_minute_has_the_state_of_its_time(history: tuple[list[Row], str], minute: int) -> None:
    rows, state = history
    moment = START + timedelta(minutes=minute, seconds=30)
    expected = rows[0]["from_state"] if rows else state
    for row in rows:
        if row["at"] <= moment:
            expected = row["to_state"]
    pieces = segments(rows, state, START, END)
    assert [piece.state for piece in pieces if piece.start <= moment < piece.end] == [expected]
