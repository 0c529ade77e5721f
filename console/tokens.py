"""Keys of programs: made once, shown once, kept as a hash. Their times are the wall's."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from console.roles import Right, Scope
from desk.actions import audit
from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Conn, Row
from storage.queries import load

PREFIX = "fct_"
"""What a key begins with, so that a scanner for leaked secrets knows it."""

NAME_LENGTH = range(1, 65)
DAYS = range(1, 731)
_USED_AGAIN_AFTER = timedelta(minutes=1)  # not every request writes

_WALL = SystemClock()


@dataclass(frozen=True, slots=True)
class Token:
    """A key that is good at this moment."""

    name: str
    scopes: tuple[Scope, ...]

    @property
    def actor(self) -> str:
        """The name under which the program acts."""
        return f"token:{self.name}"

    @property
    def rights(self) -> frozenset[Right]:
        return frozenset().union(*(scope.rights for scope in self.scopes))


def make_token(conn: Conn, name: str, scopes: Sequence[str], days: int, *, actor: str) -> str:
    """Makes a key that is good for `days` days and returns it: it can't be shown again.

    Raises BadInputError when the name is taken or empty, a scope unknown, or the time out of range.
    """
    if len(name.strip()) not in NAME_LENGTH:
        raise BadInputError(f"name: {name!r} must have 1 to 64 characters")
    if not scopes or not set(scopes) <= set(Scope):
        raise BadInputError(f"scopes: {', '.join(scopes)!r} must be some of {', '.join(Scope)}")
    if days not in DAYS:
        raise BadInputError(f"days: {days} must be 1 to {DAYS[-1]}")
    key, now = PREFIX + secrets.token_urlsafe(32), _WALL.now()
    row = conn.execute(
        load("people")["make_token"],
        {
            "name": name.strip(),
            "token_sha256": digest(key),
            "scopes": sorted(set(scopes)),
            "actor": actor,
            "at": now,
            "expires_at": now + timedelta(days=days),
        },
    ).fetchone()
    if row is None:
        raise BadInputError(f"name: {name!r} is taken")
    audit(conn, actor, "make_token", f"token/{name.strip()}", {"scopes": ", ".join(scopes)})
    return key


def find_token(conn: Conn, key: str) -> Token | None:
    """The token of that key, unless it was revoked or has expired."""
    now = _WALL.now()
    wanted = {"token_sha256": digest(key), "at": now, "stale": now - _USED_AGAIN_AFTER}
    row = conn.execute(load("people")["use_token"], wanted).fetchone()
    return Token(row["name"], tuple(map(Scope, row["scopes"]))) if row else None


def revoke_token(conn: Conn, name: str, *, actor: str) -> None:
    """Ends a key. Raises NotFoundError when there is none of that name that is good still."""
    ended = {"name": name, "at": _WALL.now()}
    if conn.execute(load("people")["revoke_token"], ended).fetchone() is None:
        raise NotFoundError(f"there is no token {name!r} in force")
    audit(conn, actor, "revoke_token", f"token/{name}", {})


def tokens(conn: Conn) -> list[Row]:
    """Every token ever made, without its key, the newest first; `good`: it is in force."""
    return conn.execute(load("people")["tokens"], {"at": _WALL.now()}).fetchall()


def digest(secret: str) -> str:
    """What is kept of a secret that is too long to be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
