"""What is old goes, in whole pieces."""

from __future__ import annotations

from datetime import timedelta

from domain.clock import Clock
from domain.errors import ConfigurationError
from pipeline.readings import MAX_BEHIND
from storage.database import Database
from storage.engine import SERIES_TIME, detect
from storage.queries import load

SHORTEST_KEEP = MAX_BEHIND + timedelta(days=1)
"""Late data is taken so far back: the pieces that it belongs to must stand."""


def drop_old(database: Database, clock: Clock, keep: timedelta) -> int:
    """Drops the pieces of every series that ended more than `keep` ago; returns how many.

    Also forgets rejected messages of that age, and sessions that began before and are over. Raises
    ConfigurationError when `keep` is shorter than `SHORTEST_KEEP`, StoreUnavailableError when a
    table stays busy or the database is away: the next time will do it.
    """
    if keep < SHORTEST_KEEP:
        raise ConfigurationError(f"keep: {keep.days} days; allowed: {SHORTEST_KEEP.days} or more")
    before = clock.now() - keep
    dropped = 0
    for table in SERIES_TIME:
        with database.transaction() as conn:
            conn.execute(load("ingest")["limit_lock_wait"])
            dropped += detect(conn).drop_before(conn, table, before)
    with database.transaction() as conn:
        conn.execute(load("ingest")["forget_rejected"], {"before": before})
        conn.execute(load("ingest")["forget_sessions"], {"before": before})
    return dropped
