"""Customers' links: each shows one device, without an account, until it is revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from console.tokens import DAYS, NAME_LENGTH, digest
from desk.actions import audit
from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Conn, Row
from storage.queries import load

_WALL = SystemClock()
_USED_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Link:
    """A link in force, and the device that it is for."""

    id: int
    name: str
    device_id: int

    @property
    def actor(self) -> str:
        """The name under which the customer acts."""
        return f"link:{self.id}"


def make_link(
    conn: Conn, device_key: str, name: str, days: int | None = None, *, actor: str
) -> str:
    """Makes a link for somebody named `name` and returns its secret: it can't be shown again.

    `days`: how long it is good; None: until it is revoked. Raises BadInputError, NotFoundError.
    """
    if len(name.strip()) not in NAME_LENGTH:
        raise BadInputError(f"name: {name!r} must have 1 to 64 characters")
    if days is not None and days not in DAYS:
        raise BadInputError(f"days: {days} must be 1 to {DAYS[-1]}")
    secret, now = secrets.token_urlsafe(24), _WALL.now()
    row = conn.execute(
        load("people")["make_link"],
        {
            "key": device_key,
            "name": name.strip(),
            "token_sha256": digest(secret),
            "actor": actor,
            "at": now,
            "expires_at": None if days is None else now + timedelta(days=days),
        },
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is no device {device_key!r}")
    audit(conn, actor, "make_link", f"device/{device_key}", {"for": name.strip()})
    return secret


def find_link(conn: Conn, secret: str) -> Link:
    """The link of that secret. Raises NotFoundError when it was revoked or has expired."""
    now = _WALL.now()
    wanted = {"token_sha256": digest(secret), "at": now, "stale": now - _USED_AGAIN_AFTER}
    row = conn.execute(load("people")["use_link"], wanted).fetchone()
    if row is None:
        raise NotFoundError("this link is not in force; ask for a new one")
    return Link(row["id"], row["name"], row["device_id"])


def revoke_link(conn: Conn, device_key: str, link_id: int, *, actor: str) -> None:
    """Ends a link. Raises NotFoundError when the device has none of that number in force."""
    ended = {"key": device_key, "id": link_id, "at": _WALL.now()}
    row = conn.execute(load("people")["revoke_link"], ended).fetchone()
    if row is None:
        raise NotFoundError(f"device {device_key!r} has no link {link_id} in force")
    audit(conn, actor, "revoke_link", f"device/{device_key}", {"for": row["name"]})


def links(conn: Conn, device_id: int) -> list[Row]:
    """The links in force of a device, the newest first."""
    wanted = {"device_id": device_id, "at": _WALL.now()}
    return conn.execute(load("people")["links"], wanted).fetchall()
