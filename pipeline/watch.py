"""Who is listening. A device is down only if somebody was there to hear it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.device import Cause
from domain.report import Flow
from pipeline.state import lose_sight
from pipeline.statuses import status_of, write_steps
from storage.database import Conn, Database
from storage.queries import load

_BREAK_WALL_S = 5.0
_AWAY_WALL_S = 15.0
_AHEAD = timedelta(days=1)  # of us: such a beat was made by a machine whose clock was wrong


def break_span(clock: Clock) -> timedelta:
    """A collector silent for longer missed beats: its devices' deadlines count from its return."""
    return timedelta(seconds=_BREAK_WALL_S * clock.speed)


def away_span(clock: Clock) -> timedelta:
    """A collector silent for longer is away: nobody watches its devices."""
    return timedelta(seconds=_AWAY_WALL_S * clock.speed)


class CollectorWatch:
    """Keeps `collector_watch`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def beat(self, collector: str, flow: Flow | None = None) -> None:
        """Says that `collector` is listening now; to be called every 2 s of the wall's time.

        After a break the watch starts anew, and after a long one its devices were unwatched since
        the last beat. Raises StoreUnavailableError when the database is away.
        """
        now = self._clock.now()
        values = {
            "collector": collector,
            "now": now,
            "heard_after": now - break_span(self._clock),
            "heard_before": now + _AHEAD,
        }
        with self._database.transaction() as conn:
            if conn.execute(load("watch")["beat"], values).rowcount == 0:
                self._return(conn, collector, now)
            if flow is not None:
                conn.execute(load("watch")["flow"], {"collector": collector, **asdict(flow)})

    def _return(self, conn: Conn, collector: str, now: datetime) -> None:
        values = {"collector": collector, "now": now}
        row = conn.execute(load("watch")["lock"], values).fetchone()
        if row and now - row["beat_at"] > away_span(self._clock):
            lose_devices(conn, collector, row["beat_at"], now, Cause.COLLECTOR_AWAY)
        conn.execute(load("watch")["begin"], values)


def pause_simulation(conn: Conn, now: datetime) -> int:
    """Marks that nobody watched since the collectors' last beats, and that none watches now.

    For a simulation that goes on later. The devices stopped as well, and start after those who listen:
    until each is heard again it has promised nothing. Returns the number of transitions.
    """
    beats = conn.execute(load("watch")["end_all"]).fetchall()
    lost = sum(
        lose_devices(conn, row["collector"], row["beat_at"], now, Cause.SIMULATION_PAUSED)
        for row in beats
    )
    conn.execute(load("state")["free_of_promises"])
    return lost


def forget_collector(conn: Conn, collector: str, now: datetime) -> None:
    """Ends the watch of a collector that will not come back; what it took in stays counted."""
    row = conn.execute(load("watch")["end"], {"collector": collector}).fetchone()
    if row:
        lose_devices(conn, collector, row["beat_at"], now, Cause.COLLECTOR_AWAY)


def lose_devices(conn: Conn, collector: str, at: datetime, now: datetime, cause: Cause) -> int:
    """Makes every device of `collector` unwatched since `at`; returns how many were not."""
    rows = conn.execute(load("state")["watched"], {"collector": collector}).fetchall()
    statuses = [status_of(row) for row in rows]
    return write_steps(
        conn, statuses, [[lose_sight(status, at, cause)] for status in statuses], now
    )
