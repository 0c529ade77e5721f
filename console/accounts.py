"""Accounts and their sessions. Their times are the wall's, whatever clock the fleet goes by."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from console.roles import Role
from console.tokens import digest
from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Conn, Row
from storage.queries import load

SESSION_LENGTH = timedelta(days=7)
PASSWORD_LENGTH = range(8, 257)
NAME_LENGTH = range(1, 65)

_WALL = SystemClock()
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex())  # makes an unknown name cost as much as a known one


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is logged in. `engineer_id`: whose tickets an engineer's account sees."""

    id: int
    name: str
    role: Role
    locale: str
    engineer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the account, and the token that its forms must carry."""

    account: Account
    csrf_token: str


def create_account(
    conn: Conn,
    name: str,
    password: str,
    role: str,
    locale: str = "en",
    engineer_id: int | None = None,
) -> int:
    """Adds an account and returns its id.

    Raises BadInputError when the name is taken, the password too short or the role unknown.
    """
    if len(name) not in NAME_LENGTH:
        raise BadInputError(f"name: {name!r} must have 1 to 64 characters")
    check_role(role)
    _check_length(password)
    row = conn.execute(
        load("console")["create_account"],
        {
            "name": name,
            "password_hash": _HASHER.hash(password),
            "role": role,
            "locale": locale,
            "engineer_id": engineer_id,
            "at": _WALL.now(),
        },
    ).fetchone()
    if row is None:
        raise BadInputError(f"name: {name!r} is taken")
    return int(row["id"])


def check_role(role: str) -> Role:
    """Raises BadInputError for a role that there isn't."""
    if role not in set(Role):
        raise BadInputError(f"role: {role!r} is not one of {', '.join(Role)}")
    return Role(role)


def set_password(conn: Conn, name: str, password: str) -> None:
    """Gives the account a new password and ends its sessions.

    Raises NotFoundError when there is no such account, BadInputError for a password too short.
    """
    _check_length(password)
    row = conn.execute(load("console")["account_by_name"], {"name": name}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no account named {name!r}")
    _store_hash(conn, row["id"], password)
    conn.execute(load("console")["end_account_sessions"], {"account_id": row["id"]})


def check_password(conn: Conn, name: str, password: str) -> Account | None:
    """The account when name and password fit, else None; takes about as long either way."""
    row = conn.execute(load("console")["account_by_name"], {"name": name}).fetchone()
    known_hash = row["password_hash"] if row else _NOBODY
    try:
        _HASHER.verify(known_hash, password)
    except VerificationError:
        return None
    if row is None:
        return None
    if _HASHER.check_needs_rehash(known_hash):
        _store_hash(conn, row["id"], password)
    return _account(row)


def open_session(conn: Conn, account: Account) -> str:
    """Logs `account` in and returns the secret for its cookie. Only a hash of it is stored."""
    now = _WALL.now()
    conn.execute(load("console")["drop_expired_sessions"], {"at": now})
    secret = secrets.token_urlsafe(32)
    conn.execute(
        load("console")["open_session"],
        {
            "token_sha256": digest(secret),
            "account_id": account.id,
            "csrf_token": secrets.token_urlsafe(32),
            "at": now,
            "expires_at": now + SESSION_LENGTH,
        },
    )
    return secret


def find_session(conn: Conn, secret: str) -> Session | None:
    """The session of that secret, unless it has expired or the account is disabled."""
    row = conn.execute(
        load("console")["session"], {"token_sha256": digest(secret), "at": _WALL.now()}
    ).fetchone()
    if row is None:
        return None
    return Session(_account(row), row["csrf_token"])


def close_session(conn: Conn, secret: str) -> None:
    conn.execute(load("console")["close_session"], {"token_sha256": digest(secret)})


def set_locale(conn: Conn, account: Account, locale: str) -> None:
    conn.execute(
        load("console")["set_account_locale"], {"account_id": account.id, "locale": locale}
    )


def _account(row: Row) -> Account:
    return Account(row["id"], row["name"], Role(row["role"]), row["locale"], row["engineer_id"])


def _store_hash(conn: Conn, account_id: int, password: str) -> None:
    conn.execute(
        load("console")["set_password_hash"],
        {"account_id": account_id, "password_hash": _HASHER.hash(password)},
    )


def _check_length(password: str) -> None:
    if len(password) not in PASSWORD_LENGTH:
        raise BadInputError("password: must have 8 to 256 characters")
