"""What pages and API show of the staff's review, and to whom: an engineer sees their own figures alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from console.errors import NotPermittedError
from console.roles import Right
from console.room import Room, Visit
from domain.errors import BadInputError, NotFoundError
from kpi.staff import months
from kpi.staff.months import Month
from kpi.staff.review import GROUPS, Review, read_evidence, review
from kpi.staff.rules import rules
from kpi.uptime.fleet import Scope
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Shown:
    """A month's review.

    Attributes:
        closed: the version that it is of; None: as things are known now.
        until: where the figures end: the month's end, or now.
        zone: where its days begin.
    """

    month: date
    review: Review
    closed: Month | None
    until: datetime
    zone: ZoneInfo


def month_of(text: str, room: Room, zone: ZoneInfo) -> date:
    """The month that was asked for, this one if none. Raises BadInputError."""
    if not text:
        return room.clock.now().astimezone(zone).date().replace(day=1)
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BadInputError(
            f"month: {text!r}; allowed: a year and a month, such as 2026-03"
        ) from error


def shown(
    conn: Conn, room: Room, visit: Visit, month: date, scope: Scope, version: int | None
) -> Shown:
    """The review of a month by `scope`; of an engineer only their own row.

    Args:
        version: of the closed month; 0: the last one; None: the last one, else what is known now.

    Raises BadInputError for another scope and a month to come, NotFoundError for a version there
    is not, NotPermittedError for an engineer who asks for others.
    """
    if scope not in GROUPS:
        raise BadInputError(f"by: {scope}; allowed: {', '.join(GROUPS)}")
    own = own_key(conn, visit)
    if own is not None and scope is not Scope.ENGINEER:
        raise NotPermittedError("this needs the right to review")
    found = _closed(conn, room, month, scope, version) or _live(conn, room, visit, month, scope)
    if own is None:
        return found
    rows = tuple(row for row in found.review.rows if row.key == own)
    return replace(found, review=replace(found.review, rows=rows, factors=(), unsaid=0))


def own_key(conn: Conn, visit: Visit) -> str | None:
    """The engineer whose figures alone somebody sees; None: everybody's. Empty is nobody."""
    if Right.REVIEW in visit.rights:
        return None
    row = conn.execute(load("kpi")["engineer_of"], {"id": visit.own}).fetchone()
    return str(row["key"]) if row else ""


def around(month: date) -> tuple[date, date]:
    """The first days of the months before and after."""
    before = (month - timedelta(days=1)).replace(day=1)
    return before, (month + timedelta(days=32)).replace(day=1)


def _closed(conn: Conn, room: Room, month: date, scope: Scope, version: int | None) -> Shown | None:
    try:
        found = months.read_month(conn, month, version or 0)
    except NotFoundError:
        if version is None:
            return None
        raise
    if scope not in found.reviews:
        raise NotFoundError(f"{month:%Y-%m} was closed without figures by {scope}")
    made = found.reviews[scope]
    return Shown(month, made, found, made.end, ZoneInfo(found.time_zone))


def _live(conn: Conn, room: Room, visit: Visit, month: date, scope: Scope) -> Shown:
    start, end = months.bounds(month, visit.zone)
    until = min(end, room.clock.now())
    if until <= start:
        raise BadInputError(f"month: {month:%Y-%m} has not begun")
    made = review(read_evidence(conn, start, until, [scope]), scope, rules())
    return Shown(month, made, None, until, visit.zone)
