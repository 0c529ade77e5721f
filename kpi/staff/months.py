"""Closed months: frozen with their evidence and rules, so that they can be made again, bit for bit.

What was closed is never changed. A month is closed again, as its next version and with a reason, when
disputes were decided or something was recorded late; both versions stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from desk.actions import audit
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from kpi.staff.review import GROUPS, Evidence, Review, read_evidence, review
from kpi.staff.rules import read_rules, rules_text
from kpi.uptime.fleet import Scope
from storage.database import Conn, Database, Row
from storage.queries import load

_LATEST = 0


@dataclass(frozen=True, slots=True)
class Month:
    """One version of a closed month."""

    month: date
    version: int
    time_zone: str
    closed_at: datetime
    closed_by: str
    reason: str
    rules: str
    evidence: Evidence
    reviews: dict[Scope, Review]
    sha256: str


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that differs between two reviews of the same scope. None: it was not there."""

    scope: Scope
    key: str
    measure: str
    before: float | None
    after: float | None


def close_month(
    database: Database, clock: Clock, month: date, zone: ZoneInfo, *, actor: str, reason: str = ""
) -> Month:
    """Freezes a month that is over, by the rules of this version of Forecall.

    Raises NotAllowedError while it lasts, BadInputError when it was closed before and no reason is
    given.
    """
    start, end = bounds(month, zone)
    now = clock.now()
    if end > now:
        raise NotAllowedError(f"{month:%Y-%m} is not over before {end.isoformat()}")
    with database.transaction() as conn:
        conn.execute(load("kpi")["lock_months"])
        before = conn.execute(
            load("kpi")["last_version"], {"month": month.replace(day=1)}
        ).fetchone()
        version = (before["version"] if before else 0) + 1
        if version > 1 and not reason.strip():
            raise BadInputError(f"reason: ''; {month:%Y-%m} was closed before: say why again")
        text = rules_text()
        evidence = read_evidence(conn, start, end)
        reviews = _encoded(make(evidence, text))
        row = {
            "month": month.replace(day=1),
            "version": version,
            "time_zone": zone.key,
            "now": now,
            "actor": actor,
            "reason": reason.strip(),
            "rules": text,
            "evidence": msgspec.json.encode(evidence),
            "reviews": reviews,
            "sha256": hashlib.sha256(reviews).hexdigest(),
        }
        conn.execute(load("kpi")["close_month"], row)
        audit(conn, actor, "close_month", f"month/{month:%Y-%m}", {"version": version})
        return read_month(conn, month, version)


def read_month(conn: Conn, month: date, version: int = _LATEST) -> Month:
    """A closed month as it was closed; without a version, the last one. Raises NotFoundError."""
    asked = {"month": month.replace(day=1), "version": version}
    row = conn.execute(load("kpi")["month"], asked).fetchone()
    if row is None:
        raise NotFoundError(
            f"{month:%Y-%m} was never closed" + (f" as {version}" if version else "")
        )
    return Month(
        **{name: row[name] for name in ("month", "version", "time_zone", "closed_at", "closed_by")},
        **{name: row[name] for name in ("reason", "rules")},
        evidence=msgspec.json.decode(row["evidence"], type=Evidence),
        reviews=msgspec.json.decode(row["reviews"], type=dict[Scope, Review]),
        sha256=row["reviews_sha256"],
    )


def closed_months(conn: Conn, most: int = 100) -> list[Row]:
    """What was closed, the newest first: month, version, time_zone, closed_at, closed_by, reason."""
    return conn.execute(load("kpi")["closed_months"], {"most": most}).fetchall()


def make(evidence: Evidence, text: str) -> dict[Scope, Review]:
    """Every review of a month, from its evidence and a rules file. (A month that was closed before
    there were teams has none.)"""
    found = read_rules(text)
    return {scope: review(evidence, scope, found) for scope in GROUPS if scope in evidence.uptime}


def is_reproduced(month: Month) -> bool:
    """Whether evidence and rules still make the very bytes that were frozen."""
    made = _encoded(make(month.evidence, month.rules))
    return hashlib.sha256(made).hexdigest() == month.sha256


def changes(before: dict[Scope, Review], after: dict[Scope, Review]) -> Iterator[Change]:
    """What a change of rules, or a later version, made of the figures."""
    for scope in (scope for scope in GROUPS if scope in before and scope in after):
        old, new = _values(before[scope]), _values(after[scope])
        for key, measure in sorted({*old, *new}):
            pair = old.get((key, measure)), new.get((key, measure))
            if pair[0] != pair[1]:
                yield Change(scope, key, measure, *pair)


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of a month, and of the next one."""
    first = month.replace(day=1)
    then = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    start, end = (datetime.combine(day, time(), zone) for day in (first, then))
    return start, end


def _values(found: Review) -> dict[tuple[str, str], float | None]:
    values: dict[tuple[str, str], float | None] = {}
    for row in found.rows:
        if row.uptime is not None:
            values[row.key, "uptime"] = row.uptime.ratio
        for figure in row.figures:
            values[row.key, figure.measure] = figure.value
            values[row.key, f"{figure.measure}, adjusted"] = figure.adjusted
    return values


def _encoded(reviews: dict[Scope, Review]) -> bytes:
    plain: dict[str, Any] = {scope.value: found for scope, found in reviews.items()}
    return msgspec.json.encode(plain)
