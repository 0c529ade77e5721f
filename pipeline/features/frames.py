"""A stretch of the fleet's history as arrays: what features are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind, Severity
from pipeline.features.vocabulary import ANY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ANY_ERROR = ANY
"""Stands for every event of severity error or critical, whatever its code."""
SERIOUS = (Severity.ERROR.value, Severity.CRITICAL.value)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The rollups of one metric: each array is (devices, buckets); `n` is 0 where silent.

    `growth`: as a counter, from its last reading before the bucket (pipeline/counters.py).
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
        names: what can happen; for events `component:code` or `component:severity`, else the component.
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
        here = self.where(self.what == index)
        return replace(here, names=(name,), what=np.zeros_like(here.what))

    def where(self, rows: NDArray[np.bool_]) -> Marks:
        """Some of the marks."""
        return Marks(
            self.names, self.what[rows], self.device[rows], self.at[rows], self.known[rows]
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
class PeerSums:
    """Over the devices of each group that measured in a bucket, each by its mean there (a counter by
    its growth): how many, their sum, the sum of squares; (groups, buckets)."""

    n: Floats
    total: Floats
    squares: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Peers:
    """How the devices of one model, or of one site, stood in each bucket.

    Sums add up over chunks of devices. A bucket's sums hold what was measured in it, so a window that
    ends before a moment reads nothing of what came after.

    Attributes:
        start, bucket: when the first bucket begins, and how long each lasts.
        groups: of `model` and `site`: which row of the sums each group has.
        sums: by (`model` or `site`, metric).
    """

    start: datetime
    bucket: timedelta
    groups: Mapping[str, Mapping[str, int]]
    sums: Mapping[tuple[str, str], PeerSums]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Columns of readings, events, repairs and failures of some devices over a stretch of time.

    Attributes:
        start: the first bucket's beginning; every number of hours counts from here.
        buckets: how many columns there are.
        device_ids: (devices,) as in the store; folders number their devices from 0.
        attributes: of `kind`, `model`, `firmware`, `site` and what else is known: each device's text,
            empty where it is not known.
        installed: (devices,) when each was installed, in hours since `start`; NaN: unknown.
        severities: the events once more, each by how severe it was.
        replacements: those repairs by which a component was replaced.
        bucket: how long one column lasts.
        peers: what its devices are compared with; needed by vocabularies that have peers.
    """

    start: datetime
    buckets: int
    device_ids: Ints
    attributes: Mapping[str, Sequence[str]]
    installed: Floats
    series: tuple[Series, ...]
    events: Marks
    severities: Marks
    maintenance: Marks
    replacements: Marks
    failures: Marks
    bucket: timedelta = HOUR
    peers: Peers | None = None

    @property
    def bucket_h(self) -> float:
        return self.bucket / HOUR

    @property
    def hours(self) -> float:
        """How many hours the columns hold."""
        return self.buckets * self.bucket_h

    def hours_at(self, moment: datetime) -> float:
        return (moment - self.start) / HOUR

    def moment_at(self, hours: float) -> datetime:
        return self.start + hours * HOUR


def floor_to(moment: datetime, bucket: timedelta) -> datetime:
    """The beginning of the bucket that `moment` lies in, in UTC; days begin at midnight."""
    moment = moment.astimezone(UTC)
    return moment - (moment - _EPOCH) % bucket


def hours_since(start: datetime, at: NDArray[Any]) -> Floats:
    """datetime64[us] in UTC as hours since `start`."""
    origin = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "us")
    hours: Floats = (at - origin) / np.timedelta64(1, "h")
    return hours


def event_name(component: str, code: str) -> str:
    """How an event is called in `Marks.names`: `component:code`; its severity likewise."""
    return f"{component}:{code}"


def of_severity(severities: Marks, subject: str) -> Marks:
    """The events that `subject` stands for: `component:severity`, or `*:severity` of any component."""
    component, _, grade = subject.rpartition(":")
    if component != ANY:
        return severities.of(subject)
    meant = np.array([name.rpartition(":")[2] == grade for name in severities.names], bool)
    here = severities.where(meant[severities.what])
    return replace(here, names=(subject,), what=np.zeros_like(here.what))


def heard(frames: Frames) -> NDArray[np.bool_]:
    """(devices, buckets): whether the device measured or told anything in that bucket."""
    said = np.zeros((len(frames.device_ids), frames.buckets), bool)
    for series in frames.series:
        said |= series.n > 0
    bucket = np.floor(frames.events.known / frames.bucket_h).astype(np.int64)
    inside = (bucket >= 0) & (bucket < frames.buckets)
    said[frames.events.device[inside], bucket[inside]] = True
    return said


def empty_series(metric: str, kind: MetricKind, shape: Sequence[int]) -> Series:
    """A series in which nothing was measured yet, to be filled in place."""
    return Series(metric, kind, *(np.zeros(shape) for _ in range(8)))
