"""A small fleet in a store, and the role that can only look at it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from storage.database import Database
from storage.reader import READER, make_reader
from tests.conftest import copy_of
from tests.kpi.past_fleet import build_past_fleet

PASSWORD = "only to look"


@pytest.fixture(scope="module")
def store(postgres: str, _template: str) -> Iterator[str]:
    """The address of the store, as its owner."""
    with copy_of(_template, postgres) as address:
        database = Database(address)
        build_past_fleet(database, clocks=6, terminals=14, days=50)
        make_reader(database, READER, PASSWORD)
        database.close()
        yield address
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP ROLE {READER}".encode())


@pytest.fixture(scope="module")
def reader(store: str) -> str:
    """The address of the store, as the role that can only look."""
    return make_conninfo(store, user=READER, password=PASSWORD)
