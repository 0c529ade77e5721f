"""Logins of devices: made, made anew, revoked. The password itself is handed out once and not kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from pipeline.devices.fleet import audit
from pipeline.devices.hashes import mosquitto_hash, nats_hash, new_password
from pipeline.devices.rights import DEVICE, Login, is_behind_a_node, rights_of, username_of
from storage.database import Conn, Row
from storage.queries import load

HASHES: Mapping[str, Callable[[str], str]] = {"mosquitto": mosquitto_hash, "nats": nats_hash}
"""The kinds of broker, and what each wants of a password."""

_WALL = SystemClock()


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A new login, to be given to its device: this is the only time that the password is seen."""

    device: str
    username: str
    password: str


def make(
    conn: Conn,
    broker: str,
    keys: Collection[str] | None,
    *,
    actor: str,
    rotate: bool = False,
    own_topics: Sequence[str] = (),
) -> list[HandedOut]:
    """New logins on `broker` for the devices `keys`; None: for all adopted ones that need one, which
    clocks and devices behind a Sparkplug node do not.

    Who has a login keeps it, unless `rotate` asks for new passwords. A revoked device gets a new one
    when it is named. `own_topics`: further topic filters that they may publish to; see
    `check_topics`. Raises NotFoundError for a device that there is not, BadInputError for one whose key
    can't stand in a topic.
    """
    check_topics(own_topics, keys)
    conn.execute(load("devices")["lock_logins"])
    handed_out = []
    for row in _candidates(conn, broker, keys):
        if rotate or not row["has_login"]:
            password = new_password()
            _put(conn, broker, row, password, own_topics)
            handed_out.append(HandedOut(row["key"], username_of(row["key"]), password))
            detail = {"broker": broker, "topics": list(own_topics)}
            audit(conn, actor, "make_login", f"device/{row['key']}", detail)
    return handed_out


def revoke(conn: Conn, keys: Collection[str], *, actor: str) -> None:
    """Takes the logins of `keys` back, on every broker. Raises NotFoundError if one has none."""
    values = {"keys": sorted(keys), "at": _WALL.now()}
    revoked = {row["key"] for row in conn.execute(load("devices")["revoke"], values)}
    missing = set(keys) - revoked
    if missing:
        raise NotFoundError(f"{', '.join(sorted(missing))}: no login that could be revoked")
    for key in sorted(revoked):
        audit(conn, actor, "revoke_login", f"device/{key}", {})


def logins(conn: Conn, broker: str, tenant: str) -> list[Login]:
    """All logins that were ever made on `broker`, with their rights; `+` lets any tenant level."""
    rows = conn.execute(load("devices")["logins"], {"broker": broker}).fetchall()
    return [
        Login(
            username=row["username"],
            secret=row["password_hash"],
            rights=rights_of(row["key"], tenant, row["publishes"]),
            revoked=row["revoked"],
        )
        for row in rows
    ]


def check_topics(topics: Sequence[str], keys: Collection[str] | None) -> None:
    """Raises BadInputError for what is no topic filter, or might be another device's: it holds
    `{device}` as one level, or is one topic without wildcards, for one device."""
    for topic in topics:
        levels = topic.split("/")
        wild = any(level in ("+", "#") for level in levels)
        torn = any(
            (sign in level and level != sign) for level in levels for sign in ("+", "#", DEVICE)
        )
        own = DEVICE in levels or (keys is not None and len(keys) == 1 and not wild)
        if not own or torn or "#" in levels[:-1] or not topic or re.search(r"[\s*>\0]", topic):
            raise BadInputError(
                f"topic: {topic!r}; allowed: an MQTT topic filter with {DEVICE} as one level, or one "
                "topic without + and # for one device"
            )


def _candidates(conn: Conn, broker: str, keys: Collection[str] | None) -> list[Row]:
    queries, wanted = load("devices"), {"broker": broker, "keys": list(keys or ())}
    rows = conn.execute(queries["without_keys" if keys is None else "with_keys"], wanted).fetchall()
    missing = set(keys or ()) - {row["key"] for row in rows}
    if missing:
        raise NotFoundError(f"there is no device {', '.join(sorted(missing))}")
    if keys is None:
        rows = [row for row in rows if not is_behind_a_node(row["key"])]
    for row in rows:
        rights_of(row["key"], "+")
    return rows


def _put(conn: Conn, broker: str, row: Row, password: str, own_topics: Sequence[str]) -> None:
    values = {
        "device_id": row["id"],
        "broker": broker,
        "username": username_of(row["key"]),
        "password_hash": HASHES[broker](password),
        "publishes": list(own_topics),
        "at": _WALL.now(),
    }
    conn.execute(load("devices")["put_login"], values)
