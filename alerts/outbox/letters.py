"""What people see and do with the outbox: what waits, what is dead, and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.errors import NotFoundError
from storage.database import Conn, Database
from storage.queries import load

SENT_KEPT = timedelta(days=14)
DEAD_KEPT = timedelta(days=90)
_MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up. Times are the wall's, but `made_at`, which is the fleet's."""

    id: int
    key: str
    channel: str
    subject: str
    person: str
    made_at: datetime
    ended_at: datetime
    attempts: int
    last_error: str


@dataclass(frozen=True, slots=True)
class ChannelLoad:
    """How one channel stands; `last_error` is of a letter that waits or is dead."""

    channel: str
    waiting: int
    dead: int
    last_error: str


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """What is in the outbox. `late_s`: by how much the oldest letter is overdue, in seconds."""

    announced: int
    waiting: int
    dead: int
    late_s: float


def dead_letters(conn: Conn, limit: int = _MOST_SHOWN) -> list[DeadLetter]:
    """What was given up, newest first."""
    rows = conn.execute(load("outbox")["dead"], {"limit": limit}).fetchall()
    return [DeadLetter(**row) for row in rows]


def retry(conn: Conn, wall: Clock, ids: Sequence[int] | None = None) -> int:
    """Puts dead letters in line again, all of them for None; returns how many.

    Raises NotFoundError when one of `ids` is not among the dead.
    """
    parameters = {"ids": None if ids is None else list(ids), "wall": wall.now()}
    found = {row["id"] for row in conn.execute(load("outbox")["retry"], parameters).fetchall()}
    missing = sorted(set(ids or ()) - found)
    if missing:
        raise NotFoundError(f"no dead letter has the number {', '.join(map(str, missing))}")
    return len(found)


def counts(conn: Conn, wall: Clock) -> OutboxCounts:
    """How full the outbox is."""
    row = conn.execute(load("outbox")["counts"]).fetchone()
    assert row is not None
    oldest = row.pop("oldest_next_at")
    late_s = max((wall.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    return OutboxCounts(**row, late_s=round(late_s, 1))


def channel_loads(conn: Conn) -> list[ChannelLoad]:
    """Each channel that has something waiting or dead."""
    rows = conn.execute(load("outbox")["waiting_by_channel"]).fetchall()
    return [ChannelLoad(**(row | {"last_error": row["last_error"] or ""})) for row in rows]


def tidy(database: Database, clock: Clock, wall: Clock) -> None:
    """Deletes what is long done: sent letters after two weeks, dead ones after three months."""
    with database.transaction() as conn:
        conn.execute(
            load("outbox")["tidy_deliveries"],
            {"sent_before": wall.now() - SENT_KEPT, "dead_before": wall.now() - DEAD_KEPT},
        )
        conn.execute(load("outbox")["tidy_notices"], {"before": clock.now() - DEAD_KEPT})
