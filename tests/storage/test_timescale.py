"""On a server with TimescaleDB the series are hypertables; every other test runs there unchanged."""

from __future__ import annotations

import pytest

from storage.database import Database
from storage.engine import SERIES_TIME, Timescale, detect

_SERIES = "SELECT hypertable_name FROM timescaledb_information.hypertables"


@pytest.fixture(autouse=True)
def _needs_timescale(database: Database) -> None:
    with database.transaction() as conn:
        if not isinstance(detect(conn), Timescale):
            pytest.skip("FORECALL_TEST_DSN names no server with TimescaleDB")


def test_every_series_is_a_hypertable(database: Database) -> None:
    with database.transaction() as conn:
        rows = conn.execute(_SERIES).fetchall()
    assert {row["hypertable_name"] for row in rows} == set(SERIES_TIME)
