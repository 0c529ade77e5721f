"""How far behind each collector is, as the store knows it: for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from domain.clock import Clock, wall_seconds
from storage.database import Conn
from storage.queries import load

_CLOCK_OFF_WITHIN = timedelta(hours=25)  # a clock that is off is told of once a day


@dataclass(frozen=True, slots=True)
class CollectorFlow:
    """One collector, or one shard of its topics. Seconds are the wall's, as of its last beat.

    Attributes:
        silent_s: since the last beat; None: it never beat.
        in_flight: messages taken and not acknowledged yet; these four are None where it does not say.
        oldest_s: how long the oldest of them waits.
        wait_s: the longest from received to committed.
        age_s: the median from the device's own time to committed.
        stored, duplicate, rejected: messages ever.
    """

    collector: str
    silent_s: float | None
    in_flight: int | None
    oldest_s: float | None
    wait_s: float | None
    age_s: float | None
    stored: int
    duplicate: int
    rejected: int


_TOLD = tuple(field.name for field in fields(CollectorFlow) if field.name != "silent_s")


def read_flows(conn: Conn, clock: Clock) -> list[CollectorFlow]:
    """Every collector that ever beat or took something in, by name."""
    now = clock.now()
    return [
        CollectorFlow(
            silent_s=row["beat_at"] and round(wall_seconds(clock, now - row["beat_at"]), 1),
            **{name: _rounded(row[name]) for name in _TOLD},
        )
        for row in conn.execute(load("watch")["flows"])
    ]


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def clocks_off(conn: Conn, clock: Clock) -> int:
    """Devices whose messages carried an unbelievable time within a day."""
    values = {"after": clock.now() - _CLOCK_OFF_WITHIN}
    row = conn.execute(load("watch")["clocks_off"], values).fetchone()
    return int(row["devices"]) if row else 0


def shards_without_collector(conn: Conn) -> list[str]:
    """The shards that nobody has a lease on: their devices are not heard."""
    return [row["name"] for row in conn.execute(load("shards")["unleased"])]
