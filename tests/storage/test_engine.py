"""Series tables, their pieces, and what a migration promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import ConfigurationError
from storage.copy import READING, copy_rows
from storage.database import Database
from storage.engine import detect
from storage.migrate import migrate, pending

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_rows_find_their_piece_once_room_is_made(database: Database) -> None:
    moments = [NOON + timedelta(days=day) for day in range(30)]
    with database.transaction() as conn:
        detect(conn).ensure(conn, moments[0], moments[-1])
        written = copy_rows(conn, "reading", READING, [(at, at, 1, 1, 2.5) for at in moments])
        assert written == 30
        rows = conn.execute("SELECT at FROM reading ORDER BY at").fetchall()
    assert [row["at"] for row in rows] == moments


def test_who_reads_and_writes_does_not_wait_while_pieces_are_made(database: Database) -> None:
    with database.transaction() as conn:
        engine = detect(conn)
        engine.ensure(conn, NOON, NOON)
    with database.transaction() as reader, database.transaction() as maker:
        copy_rows(reader, "reading", READING, [(NOON, NOON, 1, 1, 0.0)])
        reader.execute("SELECT FROM device_event")
        maker.execute("SET LOCAL lock_timeout = '1s'")
        engine.ensure(maker, NOON + timedelta(days=7), NOON + timedelta(days=14))
        reader.execute("SET LOCAL lock_timeout = '1s'")
        reader.execute("SELECT FROM rollup_hourly")
        reader.execute("SELECT FROM reading")


def test_of_two_who_make_the_same_pieces_one_does(database: Database) -> None:
    def make(_: int) -> None:
        with database.transaction() as conn:
            detect(conn).ensure(conn, NOON, NOON + timedelta(days=70))

    with ThreadPoolExecutor(4) as makers:
        list(makers.map(make, range(8)))
    with database.transaction() as conn:
        row = conn.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading'::regclass")
        if detect(conn).name == "postgresql":
            assert row.fetchone() == {"count": 11}


def test_old_pieces_are_dropped_and_newer_ones_stay(database: Database) -> None:
    with database.transaction() as conn:
        engine = detect(conn)
        engine.ensure(conn, NOON, NOON + timedelta(days=27))
        moments = [NOON, NOON + timedelta(days=7), NOON + timedelta(days=21)]
        copy_rows(conn, "reading", READING, [(at, at, 1, 1, 0.0) for at in moments])
        dropped = engine.drop_before(conn, "reading", NOON + timedelta(days=15))
        left = conn.execute("SELECT at FROM reading ORDER BY at").fetchall()
    assert dropped == 2
    assert [row["at"] for row in left] == moments[2:]


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert migrate(database) == []
    with database.transaction() as conn:
        assert pending(conn) == []


def test_a_changed_migration_is_refused_by_name(database: Database) -> None:
    with database.transaction() as conn:
        conn.execute("UPDATE schema_migration SET sha256 = 'x' WHERE name = '0001_fleet.sql'")
    with pytest.raises(ConfigurationError, match=r"0001_fleet\.sql"):
        migrate(database)
