"""The faults that came of late, and what the devices that have them share."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.correlation.evidence import CUT_OFF_PARTS, CUT_OFF_RULES
from alerts.correlation.likelihood import LEAST, Share
from storage.database import Conn, Row
from storage.queries import load

SPAN = timedelta(minutes=10)
"""Faults that lie no further apart came at the same time: devices are heard every few minutes, so
that an outage is seen of one after the other."""

PAST = timedelta(days=30)
"""How far back a group's own faults are counted."""

_RARELY = 1 / timedelta(days=90).total_seconds()
"""Faults a device and second that are expected at the least: no past is so good that two faults at
once would be a wonder."""

_COUNTED = timedelta(minutes=10)
"""So long the sizes of groups are good for."""

YOUNG = timedelta(days=1)
"""A shorter past than this is taken for as long."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one kind of fault.

    Attributes:
        shares: of all that suspects have in common.
        faults: suspects; devices: all that were up, or are suspects.
    """

    signature: str
    shares: list[Share]
    faults: int
    devices: int


def gather(conn: Conn, newest: datetime) -> None:
    """Fills the transaction's table of suspects as of the newest fault."""
    conn.execute(load("correlation")["suspects"])
    conn.execute(load("correlation")["clear"])
    conn.execute(
        load("correlation")["fill"],
        {
            "since": newest - SPAN,
            "cut_off_parts": sorted(CUT_OFF_PARTS),
            "cut_off_rules": sorted(CUT_OFF_RULES),
        },
    )
    conn.execute(load("correlation")["analyze"])


def sights(conn: Conn, newest: datetime, now: datetime) -> list[Sight]:
    """What is seen of each kind of fault that enough devices have."""
    rows = _shares(conn, now)
    if any(row["past"] is None for row in rows):
        _count_groups(conn, newest, now)
        rows = _shares(conn, now)
    if not rows:
        return []
    watched = conn.execute(load("correlation")["watched_since"]).fetchone()
    since = watched["at"] if watched and watched["at"] else newest
    past_s = (newest - max(newest - PAST, min(since, newest - YOUNG))).total_seconds()
    by_signature: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_signature[row["signature"]].append(row)
    return [_sight(signature, rows, past_s) for signature, rows in by_signature.items()]


def _shares(conn: Conn, now: datetime) -> list[Row]:
    wanted = {"least": LEAST, "now": now, "since": now - _COUNTED}
    return conn.execute(load("correlation")["shares"], wanted).fetchall()


def _count_groups(conn: Conn, newest: datetime, now: datetime) -> None:
    conn.execute(load("correlation")["forget_sizes"])
    conn.execute(
        load("correlation")["count_sizes"],
        {"now": now, "past_from": newest - PAST, "past_until": newest - SPAN},
    )


def _sight(signature: str, rows: list[Row], past_s: float) -> Sight:
    [fleet] = [row for row in rows if row["kind"] == "fleet"]
    usual = fleet["past"] / (fleet["devices"] * past_s)
    shares = [
        Share(
            kind=row["kind"],
            key=row["key"],
            name=row["name"],
            faults=row["faults"],
            devices=row["devices"],
            chance=chance(max(usual, row["past"] / (row["devices"] * past_s))),
        )
        for row in rows
    ]
    return Sight(signature, shares, fleet["faults"], fleet["devices"])


def chance(rate: float) -> float:
    """Of at least one fault of a device within the span, at `rate` a second or what is rare."""
    return -math.expm1(-max(rate, _RARELY) * SPAN.total_seconds())
