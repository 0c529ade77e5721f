"""A stretch of the fleet's history as arrays: what features are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR = timedelta(hours=1)
ANY_ERROR = "*"
"""Stands for every event of severity error or critical, whatever its code."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The hourly rollups of one metric: each array is (devices, hours); `n` is 0 where silent.

    `growth`: of a counter, from its last reading before the hour (pipeline/counters.py).
    """

    metric: str
    kind: MetricKind
    n: Floats
    total: Floats
    squares: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    growth: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Things that happened to devices: events, repairs or failures.

    Attributes:
        names: what can happen; for events `component:code`, else the component.
        what: index into `names`, one a mark.
        device: index of the device in its frames.
        at: when it happened, in hours since the frames' start.
        known: when it was recorded, likewise; never before `at`.
    """

    names: tuple[str, ...]
    what: Ints
    device: Ints
    at: Floats
    known: Floats

    def of(self, name: str) -> Marks:
        """The marks called `name` only."""
        index = self.names.index(name) if name in self.names else -1
        here = self.what == index
        return Marks(
            (name,),
            np.zeros(int(here.sum()), np.int64),
            self.device[here],
            self.at[here],
            self.known[here],
        )


def marks(
    rows: Iterable[tuple[str, int, float, float]],
) -> Marks:
    """Marks from (name, device index, at, known) rows."""
    listed = list(rows)
    names = tuple(sorted({row[0] for row in listed}))
    index = {name: position for position, name in enumerate(names)}
    at = np.array([row[2] for row in listed], np.float64)
    known = np.array([row[3] for row in listed], np.float64)
    return Marks(
        names,
        np.array([index[row[0]] for row in listed], np.int64),
        np.array([row[1] for row in listed], np.int64),
        at,
        np.maximum(at, known),
    )


def joined(*parts: Marks) -> Marks:
    """The marks of all parts, which speak of the same devices and count from the same start."""
    used = [[part.names[place] for place in np.unique(part.what).tolist()] for part in parts]
    names = tuple(sorted({name for part in used for name in part}))
    place = {name: position for position, name in enumerate(names)}
    what = [np.array([place.get(n, -1) for n in p.names], np.int64)[p.what] for p in parts]
    return Marks(
        names,
        np.concatenate(what),
        np.concatenate([part.device for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.known for part in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Hourly columns, events, repairs and failures of some devices over some hours.

    Attributes:
        start: the first hour's beginning; every number of hours counts from here.
        hours: how many hours the columns hold.
        device_ids: (devices,) as in the store; folders number their devices from 0.
        models: each device's model, may be empty.
        installed: (devices,) when each was installed, in hours since `start`; NaN: unknown.
        bucket: how long one column lasts.
    """

    start: datetime
    hours: int
    device_ids: Ints
    models: tuple[str, ...]
    installed: Floats
    series: tuple[Series, ...]
    events: Marks
    maintenance: Marks
    failures: Marks
    bucket: timedelta = HOUR

    @property
    def bucket_h(self) -> float:
        return self.bucket / HOUR

    def hours_at(self, moment: datetime) -> float:
        return (moment - self.start) / HOUR

    def moment_at(self, hours: float) -> datetime:
        return self.start + hours * HOUR


def floor_hour(moment: datetime) -> datetime:
    """The beginning of the hour that `moment` lies in, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def event_name(component: str, code: str) -> str:
    """How an event is called in `Marks.names`: `component:code`."""
    return f"{component}:{code}"


def heard(frames: Frames) -> NDArray[np.bool_]:
    """(devices, hours): whether the device measured or told anything in that hour."""
    said = np.zeros((len(frames.device_ids), frames.hours), bool)
    for series in frames.series:
        said |= series.n > 0
    hour = np.floor(frames.events.known).astype(np.int64)
    inside = (hour >= 0) & (hour < frames.hours)
    said[frames.events.device[inside], hour[inside]] = True
    return said


def empty_series(metric: str, kind: MetricKind, shape: Sequence[int]) -> Series:
    """A series in which nothing was measured yet, to be filled in place."""
    return Series(metric, kind, *(np.zeros(shape) for _ in range(8)))
