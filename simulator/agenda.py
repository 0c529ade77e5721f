"""What happens when, in simulated time, on one event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import structlog

from domain.clock import Clock, wall_seconds

log = structlog.get_logger()

_LONGEST_NAP_S = 0.5
_AT_ONCE = 200  # due actions done before the sockets get their turn again

Action = Callable[[], None]


class Agenda:
    """Actions at moments of `clock`'s time. Late ones are done as soon as may be, in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[datetime, int, Action]] = []
        self._number = count()

    def at(self, moment: datetime, action: Action) -> None:
        heapq.heappush(self._due, (moment, next(self._number), action))

    def every(self, span: timedelta, first: datetime, action: Action) -> None:
        """Does `action` at `first` and every `span` after it."""

        def again(moment: datetime) -> None:
            action()
            self.at(moment + span, lambda: again(moment + span))

        self.at(first, lambda: again(first))

    async def run(self, stop: asyncio.Event) -> None:
        """Works through the agenda until `stop` is set."""
        while not stop.is_set():
            if self._do_due() == _AT_ONCE:
                await asyncio.sleep(0)
                continue
            try:
                await asyncio.wait_for(stop.wait(), self._nap_s())
            except TimeoutError:
                continue

    def _do_due(self) -> int:
        done, now = 0, self.clock.now()
        while self._due and self._due[0][0] <= now and done < _AT_ONCE:
            _, _, action = heapq.heappop(self._due)
            action()
            done += 1
        return done

    def _nap_s(self) -> float:
        if not self._due:
            return _LONGEST_NAP_S
        ahead = wall_seconds(self.clock, self._due[0][0] - self.clock.now())
        return min(max(ahead, 0.001), _LONGEST_NAP_S)
