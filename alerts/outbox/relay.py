"""From announcements to deliveries: each announcement is planned once, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import psycopg
import structlog
from psycopg.types.json import Jsonb

from alerts.outbox.announcing import Announcement, Topic, announce
from alerts.outbox.delivery import Delivery, Letter, enqueue
from domain.clock import Clock
from storage.database import Conn, Database
from storage.queries import load

log = structlog.get_logger()

_BATCH = 1000
AGAIN = "announcement"
"""The channel of announcements that could not be planned: to send one again is to announce it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An announcement with its number."""

    id: int
    announcement: Announcement


class Planner(Protocol):
    """Decides what follows from announcements."""

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> Sequence[Delivery]:
        """The deliveries that `heard`, in its order, makes necessary.

        What it changes in the store becomes true together with them, or not at all.
        """
        ...


def relay(database: Database, clock: Clock, wall: Clock, planners: Sequence[Planner]) -> int:
    """Plans everything that was announced, and returns how much that was.

    Planners of several workers take turns. A worker that is killed has planned nothing of its
    batch, and the next one does. Raises StoreUnavailableError.
    """
    done = 0
    while True:
        with database.transaction() as conn:
            turn = conn.execute(load("outbox")["take_turn"]).fetchone()
            if turn is None or not turn["mine"]:
                return done
            rows = conn.execute(load("outbox")["take"], {"limit": _BATCH}).fetchall()
            heard = [
                Heard(
                    row["id"],
                    Announcement(Topic(row["kind"]), row["subject"], row["at"], row["data"]),
                )
                for row in rows
            ]
            for planner in planners:
                _plan(conn, planner, heard, clock, wall)
        done += len(heard)
        if len(heard) < _BATCH:
            return done


@dataclass(frozen=True, slots=True)
class Again:
    """Carries announcements that could not be planned: announces them anew."""

    database: Database

    def send(self, letter: Letter) -> None:
        content = letter.content
        told = Announcement(Topic(content["kind"]), letter.subject, letter.made_at, content["data"])
        with self.database.transaction() as conn:
            announce(conn, told)


def _plan(conn: Conn, planner: Planner, heard: Sequence[Heard], clock: Clock, wall: Clock) -> None:
    """Plans a batch; where that fails each by itself, and what fails then is kept as dead."""
    try:
        with conn.transaction():
            enqueue(conn, planner.plan(conn, heard), clock.now(), wall.now())
    except psycopg.OperationalError:
        raise
    except Exception as error:  # one bad announcement must not hold up all those behind it
        if len(heard) > 1:
            for one in heard:
                _plan(conn, planner, [one], clock, wall)
        elif heard:
            log.exception("an announcement could not be planned", announcement=asdict(heard[0]))
            _bury(conn, planner, heard[0], error, wall)


def _bury(conn: Conn, planner: Planner, heard: Heard, error: Exception, wall: Clock) -> None:
    told = heard.announcement
    conn.execute(
        load("outbox")["bury"],
        {
            "key": f"announcement/{heard.id}/{type(planner).__name__}",
            "channel": AGAIN,
            "subject": told.subject,
            "content": Jsonb({"kind": told.kind, "data": dict(told.data)}),
            "made_at": told.at,
            "wall": wall.now(),
            "error": f"{type(error).__name__}: {error}",
        },
    )
