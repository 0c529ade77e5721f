"""Arrays come back from the server as they were written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.literals import moments, numbers, texts

zones = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.floats(allow_nan=False)),
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    st.lists(
        st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001
    ),
)
def test_arrays_arrive_as_they_were(
    database: Database,
    ids: list[int],
    values: list[float],
    words: list[str],
    times: list[datetime | None],
) -> None:
    with database.transaction() as conn:
        row = conn.execute(
            "SELECT %s::int8[] AS ids, %s::float8[] AS floats, %s::text[] AS texts,"
            " %s::timestamptz[] AS moments",
            [numbers(ids), numbers(values), texts(words), moments(times)],
        ).fetchone()
    assert row == {"ids": ids, "floats": values, "texts": words, "moments": times}
