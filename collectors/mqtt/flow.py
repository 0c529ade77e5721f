"""How messages flow through a collector, measured between two of its beats."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from statistics import median

from domain.report import DeviceReport, Flow

_BELIEVED_S = (-300.0, 30 * 86_400.0)  # a device whose clock is farther off says nothing of delay


class FlowMeter:
    """Counts what is committed; `read` tells and begins anew. `speed`: the clock's."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._wait_s = 0.0
        self._age_s: float | None = None

    def committed(self, oldest: float, reports: Sequence[DeviceReport], now: datetime) -> None:
        """Notes a batch that was just committed.

        `oldest`: when its first message was received, on `time.monotonic()`.
        """
        self._wait_s = max(self._wait_s, time.monotonic() - oldest)
        ages = [(now - report.at).total_seconds() / self._speed for report in reports]
        believed = [age for age in ages if _BELIEVED_S[0] <= age <= _BELIEVED_S[1]]
        if believed:
            self._age_s = median(believed)

    def read(self, in_flight: int, oldest: float | None) -> Flow:
        """The flow since this was last read. `oldest`: when the oldest in flight was received."""
        oldest_s = 0.0 if oldest is None else time.monotonic() - oldest
        flow = Flow(in_flight, oldest_s, max(self._wait_s, oldest_s), self._age_s)
        self._wait_s, self._age_s = 0.0, None
        return flow
