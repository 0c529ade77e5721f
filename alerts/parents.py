"""What devices hang on: declared by people, or proposed by how devices went down together.

Each act is audited; each raises NotFoundError, NotAllowedError, BadInputError or
StoreUnavailableError, and then changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from domain.clock import Clock, SystemClock
from domain.errors import BadInputError, NotFoundError
from storage.database import Conn, Database, Row
from storage.queries import load

KINDS = ("router", "switch", "segment", "power")
MAX_DEVICES = 200_000
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_MAX_NAME = 200

LOOK_BACK = timedelta(days=90)
APART = timedelta(seconds=90)
"""Devices that hang on one thing are missed within so long of each other."""

TIMES = 3
"""So often, at the least, two devices went down together before something is made of it."""

SHARE = 0.8
"""And so many of their outages, at the least, they had together."""

CROWD = 300
"""Where more went down at once, that says nothing of two of them."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A router, switch, network segment or power feed, and the devices that hang on it.

    Attributes:
        device: its key, where it is itself watched.
        down_since: when somebody said that it is down (`alerts.correlation.declare_down`).
        batch_id: of the batch that it thereby is.
    """

    id: int
    key: str
    kind: str
    name: str
    device: str | None
    devices: tuple[str, ...]
    down_since: datetime | None = None
    batch_id: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Devices that perhaps hang on one thing: any two linked ones of them went down together
    `together` times or more, which was `share` of their outages or more."""

    id: int
    devices: tuple[str, ...]
    together: int
    share: float
    since: datetime
    proposed_at: datetime


def declare(
    database: Database,
    clock: Clock,
    key: str,
    kind: str,
    name: str,
    *,
    devices: Sequence[str],
    device: str | None = None,
    actor: str,
) -> int:
    """Says that `devices` (keys), and no others, hang on `key`. A known key is changed.

    `device`: the key of the parent itself, where it is watched. Returns the parent's id.
    """
    _check(key, kind, name)
    with database.transaction() as conn:
        return _declare(conn, clock, key, kind, name, devices, device, actor)


def remove(database: Database, clock: Clock, key: str, *, actor: str) -> None:
    """Nothing hangs on it any more; nor is it down any more, if somebody said so."""
    with database.transaction() as conn:
        conn.execute(load("correlation")["declare_up"], {"key": key, "now": clock.now()})
        if conn.execute(load("parents")["remove"], {"key": key}).fetchone() is None:
            raise NotFoundError(f"there is no parent {key!r}")
        _audit(conn, actor, "remove_parent", key, {})


def parents(conn: Conn) -> list[Parent]:
    """All that is declared, by key."""
    rows = conn.execute(load("parents")["parents"]).fetchall()
    return [Parent(**(row | {"devices": tuple(row["devices"] or ())})) for row in rows]


def propose(database: Database, clock: Clock) -> int:
    """Looks for devices that go down together again and again; returns how many groups it found."""
    now = clock.now()
    since = now - LOOK_BACK
    wanted = {"since": since, "apart": APART, "least": TIMES, "share": SHARE, "crowd": CROWD}
    with database.transaction() as conn:
        found = linked(conn.execute(load("parents")["together"], wanted).fetchall())
        made = [_propose(conn, pairs, since, now) for pairs in found]
    return sum(made)


def proposals(conn: Conn) -> list[Proposal]:
    """Those that nobody has decided about, the largest first."""
    rows = conn.execute(load("parents")["proposals"]).fetchall()
    return [Proposal(**(row | {"devices": tuple(row["devices"] or ())})) for row in rows]


def accept(
    database: Database,
    clock: Clock,
    proposal_id: int,
    key: str,
    kind: str,
    name: str,
    *,
    actor: str,
) -> int:
    """Declares a parent of the proposal's devices; returns its id."""
    _check(key, kind, name)
    with database.transaction() as conn:
        waiting = {one.id: one for one in proposals(conn)}
        if proposal_id not in waiting:
            raise _unknown(proposal_id)
        proposal = waiting[proposal_id]
        made = _declare(conn, clock, key, kind, name, proposal.devices, None, actor)
        _decide(conn, clock, proposal_id, actor, made)
        return made


def refuse(database: Database, clock: Clock, proposal_id: int, *, actor: str) -> None:
    """These devices hang on nothing together; they are not proposed again."""
    with database.transaction() as conn:
        _decide(conn, clock, proposal_id, actor, None)
        _audit(conn, actor, "refuse_parent", f"proposal/{proposal_id}", {})


def linked(pairs: Iterable[Row]) -> list[list[Row]]:
    """Pairs that hang together by their ends, each group apart."""
    group: dict[int, int] = {}
    known = list(pairs)
    for pair in known:
        a, b = (group.setdefault(pair[end], pair[end]) for end in ("a", "b"))
        if a != b:
            group = {device: a if of == b else of for device, of in group.items()}
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for pair in known:
        found[group[pair["a"]]].append(pair)
    return list(found.values())


def _propose(conn: Conn, pairs: Sequence[Row], since: datetime, now: datetime) -> bool:
    device_ids = sorted({pair[end] for pair in pairs for end in ("a", "b")})
    known = conn.execute(load("parents")["known"], {"device_ids": device_ids}).fetchone()
    if known is None or known["known"]:
        return False
    told = {
        "device_ids": device_ids,
        "together": min(pair["together"] for pair in pairs),
        "share": min(pair["share"] for pair in pairs),
        "since": since,
        "now": now,
    }
    return conn.execute(load("parents")["propose"], told).fetchone() is not None


def _declare(
    conn: Conn,
    clock: Clock,
    key: str,
    kind: str,
    name: str,
    devices: Sequence[str],
    device: str | None,
    actor: str,
) -> int:
    ids = _ids(conn, [*devices, *([device] if device else [])])
    declared = {"key": key, "kind": kind, "name": name, "now": clock.now(), "actor": actor}
    declared["device_id"] = ids[device] if device else None
    row = conn.execute(load("parents")["declare"], declared).fetchone()
    assert row is not None
    tied = {"parent_id": row["id"], "device_ids": sorted(ids[each] for each in devices)}
    conn.execute(load("parents")["untie"], tied)
    conn.execute(load("parents")["tie"], tied)
    told = {"kind": kind, "name": name, "device": device, "devices": len(devices)}
    _audit(conn, actor, "declare_parent", key, told)
    return int(row["id"])


def _ids(conn: Conn, keys: Sequence[str]) -> dict[str, int]:
    if len(keys) > MAX_DEVICES:
        raise BadInputError(f"devices: {len(keys)}; allowed: up to {MAX_DEVICES}")
    rows = conn.execute(load("parents")["devices"], {"keys": list(keys)}).fetchall()
    found = {row["key"]: row["id"] for row in rows}
    missing = [key for key in keys if key not in found]
    if missing:
        raise NotFoundError(f"there is no device {missing[0]!r}")
    return found


def _decide(conn: Conn, clock: Clock, proposal_id: int, actor: str, parent_id: int | None) -> None:
    decided = {"id": proposal_id, "now": clock.now(), "actor": actor, "parent_id": parent_id}
    if conn.execute(load("parents")["decide"], decided).fetchone() is None:
        raise _unknown(proposal_id)


def _unknown(proposal_id: int) -> NotFoundError:
    return NotFoundError(f"there is no proposal {proposal_id} that waits to be decided")


def _check(key: str, kind: str, name: str) -> None:
    if not _KEY.fullmatch(key):
        raise BadInputError(f"key: {key!r}; allowed: 1 to 100 of A-Z a-z 0-9 . _ : / -")
    if kind not in KINDS:
        raise BadInputError(f"kind: {kind!r}; allowed: {', '.join(KINDS)}")
    if not 0 < len(name.strip()) <= _MAX_NAME:
        raise BadInputError(f"name: {len(name)} characters; allowed: 1 to {_MAX_NAME}")


def _audit(conn: Conn, actor: str, action: str, target: str, detail: dict[str, Any]) -> None:
    conn.execute(
        load("desk")["audit"],
        {
            "at": SystemClock().now(),  # the audit goes by the wall's time, always
            "actor": actor,
            "action": action,
            "object": f"parent/{target}",
            "detail": Jsonb(detail),
        },
    )
