"""Time is injected and aware: no room reads the machine's clock by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from domain.errors import BadInputError


class Clock(Protocol):
    """What tells the time. `speed` is how many seconds of it pass in one second of the wall's."""

    @property
    def speed(self) -> float: ...

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    speed = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A simulation's clock: it showed `epoch` when the wall's clock showed `wall_epoch`.

    Processes that share these three values agree on the time without talking to each other.
    """

    epoch: datetime
    wall_epoch: datetime
    speed: float

    def now(self) -> datetime:
        wall_seconds = time.time() - self.wall_epoch.timestamp()
        return self.epoch + timedelta(seconds=wall_seconds * self.speed)


class ManualClock:
    """A clock that moves when it is told to: replays and tests."""

    speed = 1.0

    def __init__(self, start: datetime) -> None:
        self._now = require_aware(start, "start")

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        """Moves to `moment`. Raises BadInputError when it lies in the past."""
        if require_aware(moment, "moment") < self._now:
            raise BadInputError(f"clock: {moment} lies before {self._now}")
        self._now = moment

    def advance(self, by: timedelta) -> None:
        self.set(self._now + by)


def wall_seconds(clock: Clock, span: timedelta) -> float:
    """How long `span` of `clock`'s time takes on the wall, in seconds."""
    return span.total_seconds() / clock.speed


def require_aware(moment: datetime, field: str) -> datetime:
    """Returns `moment` in UTC. Raises BadInputError when it has no time zone."""
    if moment.tzinfo is None:
        raise BadInputError(
            f"{field}: {moment.isoformat()} has no time zone; give one, such as +00:00"
        )
    return moment.astimezone(UTC)
