"""What people dispute: a case, or a stretch of a device's downtime, that should not count against them.

An accepted dispute takes a case out of the adjusted figures, and downtime out of the uptime; the raw
figures keep the case. A month that is closed already changes only when it is closed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from desk.actions import audit
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from storage.database import Conn, Database, Row
from storage.queries import load

MAX_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Downtime:
    """A stretch of a device's time."""

    device_id: int
    start: datetime
    end: datetime


def raise_dispute(
    database: Database,
    clock: Clock,
    about: int | Downtime,
    reason: str,
    *,
    actor: str,
    own: str | None = None,
) -> int:
    """Disputes a ticket (its id) or a downtime; returns the dispute's id.

    `own` is the key of the engineer whose figures alone may be disputed; None: anybody's, empty:
    nobody's. Raises BadInputError without a reason or with an empty stretch, NotFoundError when
    there is no such ticket or device, or it counts for somebody else.
    """
    row = _about(about) | {"reason": _words("reason", reason), "actor": actor, "now": clock.now()}
    try:
        with database.transaction() as conn:
            if own is not None:
                _require_own(conn, row | {"own": own}, about)
            found = conn.execute(load("kpi")["raise_dispute"], row).fetchone()
            assert found is not None
            audit(conn, actor, "dispute", f"dispute/{found['id']}", {"reason": row["reason"]})
            return int(found["id"])
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError(f"there is no such ticket or device: {about}") from error


def decide(
    database: Database, clock: Clock, dispute_id: int, *, accepted: bool, answer: str, actor: str
) -> None:
    """Accepts or refuses a dispute, with the answer to whoever raised it.

    Raises NotFoundError, BadInputError without an answer, NotAllowedError when it is decided already
    or by whoever raised it.
    """
    row = {"id": dispute_id, "accepted": accepted, "answer": _words("answer", answer)}
    with database.transaction() as conn:
        known = conn.execute(load("kpi")["lock_dispute"], {"id": dispute_id}).fetchone()
        if known is None:
            raise NotFoundError(f"there is no dispute {dispute_id}")
        if known["decided_by"] is not None:
            raise NotAllowedError(f"dispute {dispute_id} was decided by {known['decided_by']}")
        if known["raised_by"] == actor:
            raise NotAllowedError("nobody decides about a dispute of their own")
        conn.execute(load("kpi")["decide_dispute"], row | {"actor": actor, "now": clock.now()})
        detail = {"accepted": accepted, "answer": row["answer"]}
        audit(conn, actor, "decide_dispute", f"dispute/{dispute_id}", detail)


def disputes(conn: Conn, *, only_open: bool = False, by: str | None = None) -> list[Row]:
    """All of them, or those that somebody raised, the newest first: see `review_dispute` in the schema."""
    return conn.execute(load("kpi")["disputes"], {"only_open": only_open, "by": by}).fetchall()


def _require_own(conn: Conn, row: Row, about: int | Downtime) -> None:
    """A ticket counts for whom it is assigned to, downtime for whoever had the care of the site where
    the device stood, and may be disputed where that is so for all of it. Raises NotFoundError."""
    query = "ticket_counts_for" if isinstance(about, int) else "downtime_counts_for"
    found = conn.execute(load("kpi")[query], row).fetchone()
    if not (found and found["counts"]):
        raise NotFoundError(f"there is no such ticket or downtime among your own: {about}")


def _about(about: int | Downtime) -> Row:
    if isinstance(about, int):
        return {"ticket_id": about, "device_id": None, "starts_at": None, "ends_at": None}
    if about.end <= about.start:
        raise BadInputError(f"end: {about.end}; allowed: after the start, {about.start}")
    return {
        "ticket_id": None,
        "device_id": about.device_id,
        "starts_at": about.start,
        "ends_at": about.end,
    }


def _words(name: str, text: str) -> str:
    words = text.strip()
    if not words or len(words) > MAX_WORDS:
        raise BadInputError(f"{name}: {len(words)} characters; allowed: 1 to {MAX_WORDS}")
    return words
