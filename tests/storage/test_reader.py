"""The role that can only look: PostgreSQL itself refuses the rest."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from domain.errors import ConfigurationError, NotAllowedError
from storage.database import Database
from storage.engine import SERIES_TIME
from storage.reader import IN_PART, OPEN, make_reader

CLOSED = {
    "account", "account_session", "alert_cursor", "announcement", "api_token", "attendance_check",
    "attendance_record", "audit_entry", "clock_log", "clock_log_segment", "collector_shard",
    "collector_worker", "customer_link", "delivery", "device_login", "device_session", "feed_turn",
    "intake_count", "notice", "parent_proposal", "pending_sign", "punch_pattern",
    "push_clock", "push_command", "push_operation", "rejected_message", "report", "report_figures",
    "report_turn", "rollup_touched", "state_wait", "ticket_sync",
}  # fmt: skip
"""Secrets, persons, messages, and the insides of the machinery."""


@pytest.fixture
def name(postgres: str) -> Iterator[str]:
    """A role's name of this test's own: roles are the whole server's."""
    name = f"reader_{uuid.uuid4().hex[:12]}"
    yield name
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {name}".encode())


@pytest.fixture
def reader(database: Database, dsn: str, name: str) -> Iterator[psycopg.Connection]:
    """A connection of the role."""
    assert make_reader(database, name, "a word of its own")
    with psycopg.connect(make_conninfo(dsn, user=name, password="a word of its own")) as conn:
        conn.autocommit = True
        yield conn
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"DROP OWNED BY {name}".encode())


def test_every_table_is_open_or_closed_by_decision(database: Database) -> None:
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v') AND NOT relispartition"
        ).fetchall()
    assert {row["relname"] for row in rows} == {*OPEN, *IN_PART, *CLOSED}


def test_it_reads_what_is_open(reader: psycopg.Connection) -> None:
    for table in OPEN:
        reader.execute(f"SELECT * FROM {table} LIMIT 1".encode())
    for table, columns in IN_PART.items():
        reader.execute(f"SELECT {', '.join(columns)} FROM {table}".encode())
    assert set(SERIES_TIME) <= set(OPEN)


def test_it_reads_no_secret_and_nothing_of_persons(reader: psycopg.Connection) -> None:
    for table in CLOSED:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"SELECT * FROM {table}".encode())
    for column, table in (("comm_key", "clock_poll"), ("phone", "site"), ("caller", "call")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"SELECT {column} FROM {table}".encode())


def test_it_writes_nothing_even_where_it_makes_itself_free_to(reader: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMP TABLE mine (id integer)")
    reader.execute("SET default_transaction_read_only = off")
    for statement in (
        "INSERT INTO customer (key, name) VALUES ('k', 'n')",
        "UPDATE device SET model = ''",
        "DELETE FROM ticket",
        "TRUNCATE reading",
        "CREATE TABLE mine (id integer)",
        "DROP TABLE device",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement.encode())


def test_what_takes_too_long_is_ended(reader: psycopg.Connection) -> None:
    limit = reader.execute("SHOW statement_timeout").fetchone()
    assert limit == ("5min",)


def test_made_again_it_has_the_rights_of_today(
    database: Database, reader: psycopg.Connection, name: str
) -> None:
    with database.transaction() as conn:
        conn.execute(f"GRANT SELECT ON account TO {name}".encode())
    assert not make_reader(database, name, "another")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT * FROM account")


def test_a_role_that_may_more_is_left_alone(database: Database, name: str) -> None:
    with database.transaction() as conn:
        conn.execute(f"CREATE ROLE {name} CREATEDB".encode())
    with pytest.raises(ConfigurationError, match="may do more"):
        make_reader(database, name, "")


def test_who_may_not_make_roles_is_told(reader: psycopg.Connection, dsn: str, name: str) -> None:
    own = Database(make_conninfo(dsn, user=name, password="a word of its own"))
    with pytest.raises(NotAllowedError, match="CREATEROLE"):
        make_reader(own, f"{name}_2", "")
    own.close()
