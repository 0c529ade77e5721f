"""Accounts and sessions: what is stored is a hash, and what has ended stays ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console import accounts
from console.accounts import Account
from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Database

NAME, PASSWORD = "mina", "a long password"


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction() as conn:
        accounts.create_account(conn, NAME, PASSWORD, "operator")
        found = accounts.check_password(conn, NAME, PASSWORD)
    assert found is not None
    return found


def test_only_the_right_password_opens(database: Database, account: Account) -> None:
    with database.transaction() as conn:
        assert accounts.check_password(conn, NAME, PASSWORD) == account
        assert accounts.check_password(conn, NAME, PASSWORD + " ") is None
        assert accounts.check_password(conn, "nobody", PASSWORD) is None


def test_neither_password_nor_secret_is_stored(database: Database, account: Account) -> None:
    with database.transaction() as conn:
        secret = accounts.open_session(conn, account)
        rows = [
            *conn.execute("SELECT password_hash AS kept FROM account"),
            *conn.execute("SELECT token_sha256 AS kept FROM account_session"),
        ]
    assert rows[0]["kept"].startswith("$argon2id$")
    assert not any(PASSWORD in row["kept"] or secret in row["kept"] for row in rows)


def test_a_session_ends_by_logout_by_time_and_by_a_new_password(
    database: Database, account: Account
) -> None:
    with database.transaction() as conn:
        secrets = [accounts.open_session(conn, account) for _ in range(3)]
        assert all(accounts.find_session(conn, secret) for secret in secrets)
        accounts.close_session(conn, secrets[0])
        assert accounts.find_session(conn, secrets[0]) is None
        past = SystemClock().now() - timedelta(seconds=1)
        conn.execute("UPDATE account_session SET expires_at = %s", [past])
        assert accounts.find_session(conn, secrets[1]) is None
        fresh = accounts.open_session(conn, account)
        accounts.set_password(conn, NAME, "another password")
        assert accounts.find_session(conn, fresh) is None
        assert accounts.check_password(conn, NAME, "another password") == account


def test_a_disabled_account_is_out(database: Database, account: Account) -> None:
    with database.transaction() as conn:
        secret = accounts.open_session(conn, account)
        conn.execute("UPDATE account SET disabled_at = %s", [SystemClock().now()])
        assert accounts.find_session(conn, secret) is None
        assert accounts.check_password(conn, NAME, PASSWORD) is None


@pytest.mark.parametrize(
    ("name", "password", "role", "named"),
    [
        (NAME, PASSWORD, "operator", "taken"),
        ("", PASSWORD, "operator", "name"),
        ("x" * 65, PASSWORD, "operator", "name"),
        ("other", "short", "operator", "password"),
        ("other", PASSWORD, "king", "viewer, operator, dispatcher"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    database: Database, account: Account, name: str, password: str, role: str, named: str
) -> None:
    with database.transaction() as conn, pytest.raises(BadInputError, match=named):
        accounts.create_account(conn, name, password, role)


def test_a_new_password_for_nobody(database: Database) -> None:
    with database.transaction() as conn, pytest.raises(NotFoundError):
        accounts.set_password(conn, "nobody", PASSWORD)
