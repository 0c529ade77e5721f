"""How a contender tells how far it is, on its standard output."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

SAMPLE = 50
"""One message in so many is timed."""


class Progress:
    """Counts committed messages; prints a line of JSON once there are `expected` behind the first
    `unmeasured` ones."""

    def __init__(self, expected: int, unmeasured: int) -> None:
        self._expected = expected + unmeasured
        self._unmeasured = unmeasured
        self._count = 0
        self._delays: list[float] = []
        self.done = False

    def committed(self, count: int, made: Sequence[float]) -> None:
        """`made`: when a sample of the messages was made, in seconds since 1970."""
        now = time.time()
        self._count += count
        if self._count > self._unmeasured:
            self._delays += [now - moment for moment in made]
        if self._count >= self._expected and not self.done:
            self.done = True
            print(json.dumps({"ended": now, "delays": self._delays}), flush=True)
