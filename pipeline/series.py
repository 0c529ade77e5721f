"""Room in the series tables: a piece is made before its first row comes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Set
from datetime import UTC, date, datetime, time, timedelta

from storage.database import Conn, Database
from storage.engine import detect
from storage.queries import load

_AHEAD = timedelta(days=7)  # so that the turn of a week finds its piece already there


class SeriesRoom:
    """Makes the pieces that rows need, and remembers for which days it has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: set[date] = set()
        self._lock = threading.Lock()

    def ensure(self, days: Set[date]) -> None:
        """Makes room for rows of `days` (UTC), in a transaction of its own.

        Its own, because who makes a piece waits for others who do: on top of a batch's locks two
        writers could wait for each other. Raises StoreUnavailableError when the database is away or busy.
        """
        with self._lock:
            missing = days - self._days
            if missing:
                with self._database.transaction() as conn:
                    _make(conn, sorted(missing))
                self._days |= missing


def _make(conn: Conn, days: Iterable[date]) -> None:
    conn.execute(load("ingest")["limit_lock_wait"])
    engine = detect(conn)
    for day in days:
        start = datetime.combine(day, time(), UTC)
        engine.ensure(conn, start, start + _AHEAD)
