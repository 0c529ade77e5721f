"""What time alone does to devices: deadlines pass, collectors go away."""

from __future__ import annotations

from datetime import datetime

from domain.clock import Clock
from domain.device import Cause
from pipeline.state import miss
from pipeline.statuses import status_of, write_steps
from pipeline.watch import away_span, break_span, lose_devices
from storage.database import Conn, Database
from storage.queries import load


def sweep(database: Database, clock: Clock) -> int:
    """Marks silent devices down and those of absent collectors unwatched; returns how many.

    To be run every second or so; any number may run at once. Raises StoreUnavailableError when the
    database is away.
    """
    now = clock.now()
    with database.transaction() as conn:
        unwatched = _lose_unheard(conn, clock, now)
    with database.transaction() as conn:
        return unwatched + _mark_silent(conn, clock, now)


def _lose_unheard(conn: Conn, clock: Clock, now: datetime) -> int:
    away = conn.execute(load("watch")["away"], {"heard_after": now - away_span(clock)}).fetchall()
    return sum(
        lose_devices(conn, row["collector"], row["beat_at"], now, Cause.COLLECTOR_AWAY)
        for row in away
    )


def _mark_silent(conn: Conn, clock: Clock, now: datetime) -> int:
    values = {"now": now, "heard_after": now - break_span(clock)}
    rows = conn.execute(load("state")["overdue"], values).fetchall()
    statuses = [status_of(row) for row in rows]
    steps = [
        [miss(status, now, row["watching_since"])]
        for status, row in zip(statuses, rows, strict=True)
    ]
    return write_steps(conn, statuses, steps, now)
