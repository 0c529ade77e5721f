"""Slows down guessing of passwords and links, floods of reports, and programs that ask too much."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from console.errors import TooManyAttemptsError
from domain.clock import Clock

FAILURES = 5
WINDOW = timedelta(minutes=5)
_NAMES_KEPT = 10_000  # so that made-up names can't fill the memory


class Limiter:
    """At most `most` failures, or whatever is counted, within `window` of the wall's time.

    Counted for each of those who may be behind it: a name, an address. The count is the process's
    own: there is one console (docs/administrator.md says what several of them would allow).
    """

    def __init__(self, wall: Clock, most: int = FAILURES, window: timedelta = WINDOW) -> None:
        self._wall, self._most, self._window = wall, most, window
        self._failed: dict[str, deque[datetime]] = {}
        self._lock = Lock()

    def check(self, *who: str) -> None:
        """Raises TooManyAttemptsError while any of `who` must wait."""
        now = self._wall.now()
        with self._lock:
            for key in who:
                recent = self._recent(key, now)
                if len(recent) >= self._most:
                    wait = recent[0] + self._window - now
                    raise TooManyAttemptsError(int(wait.total_seconds()) + 1)

    def spend(self, *who: str) -> None:
        """Counts one for each of `who`. Raises TooManyAttemptsError when one of them must wait."""
        self.check(*who)
        self.failed(*who)

    def failed(self, *who: str) -> None:
        now = self._wall.now()
        with self._lock:
            for key in who:
                self._recent(key, now).append(now)
            while len(self._failed) > _NAMES_KEPT:
                self._failed.pop(next(iter(self._failed)))

    def succeeded(self, *who: str) -> None:
        with self._lock:
            for key in who:
                self._failed.pop(key, None)

    def _recent(self, key: str, now: datetime) -> deque[datetime]:
        recent = self._failed.setdefault(key, deque(maxlen=self._most))
        while recent and recent[0] <= now - self._window:
            recent.popleft()
        return recent
