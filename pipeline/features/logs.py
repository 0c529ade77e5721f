"""Counts and times since, over marks that are known at the moment: exact, by binary search.

An event counts when it happened inside the window and was recorded by the moment. Sorting by device
and time into one increasing key lets one binary search answer every row.
"""

from __future__ import annotations

import numpy as np

from pipeline.features.frames import Floats, Ints, Marks
from pipeline.features.windows import Rows

STRIDE = 1e7
"""Hours between the keys of one device and the next: more than any history is long."""
_ORIGIN = 1e6  # lifts times before the frames' start above zero


class Log:
    """The marks of one name, searchable for some rows."""

    def __init__(self, marks: Marks, rows: Rows) -> None:
        at, known = device_key(marks.device, marks.at), device_key(marks.device, marks.known)
        order = np.argsort(known, kind="stable")
        self._marks, self._rows = marks, rows
        self._at = np.sort(at)
        self._known = known[order]
        self._newest = np.maximum.accumulate(at[order])
        self._moment = device_key(rows.device, rows.moment)

    def count(self, window: float) -> Floats:
        """How many happened in (moment - window, moment] and are known at the moment."""
        known = np.searchsorted(self._known, self._moment, side="right")
        older = np.searchsorted(self._at, self._moment - window, side="right")
        return (known - older + self._late(window)).astype(np.float64)

    def since(self) -> Floats:
        """Hours since the last one that is known; NaN where there is none."""
        if not len(self._known):
            return np.full(len(self._moment), np.nan)
        index = np.searchsorted(self._known, self._moment, side="right") - 1
        newest = self._newest[np.maximum(index, 0)]
        own = (index >= 0) & (newest >= self._rows.device * STRIDE)
        return np.where(own, self._moment - newest, np.nan)

    def _late(self, window: float) -> Ints:
        # Marks recorded more than a window late are among `older` before they are among `known`.
        marks, rows = self._marks, self._rows
        late = np.flatnonzero(marks.known - marks.at > window)
        count = np.zeros(len(rows.device), np.int64)
        for mark in late:
            count += (
                (rows.device == marks.device[mark])
                & (rows.moment >= marks.at[mark] + window)
                & (rows.moment < marks.known[mark])
            )
        return count


def device_key(device: Ints, hours: Floats) -> Floats:
    """One increasing number of (device, time): sorting by it sorts by device, then by time."""
    return device.astype(np.float64) * STRIDE + (np.maximum(hours, -_ORIGIN) + _ORIGIN)
