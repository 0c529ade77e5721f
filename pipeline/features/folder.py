"""Frames from a history folder: what the store would hold of it, without a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from domain.vocabulary import is_known_metric, metric
from pipeline.counters import steps
from pipeline.features.frames import (
    ANY_ERROR,
    HOUR,
    SERIOUS,
    Frames,
    Ints,
    Marks,
    Peers,
    PeerSums,
    Series,
    empty_series,
    event_name,
    floor_to,
    hours_since,
    joined,
)
from pipeline.features.logs import device_key
from pipeline.features.peers import group_keys
from pipeline.features.vocabulary import Vocabulary
from pipeline.history import (
    History,
    HistoryDevice,
    HistoryEvents,
    HistoryRecords,
    MetricReadings,
    tick,
)
from pipeline.history_sheet import Words

_REPLACED = "replaced"
_CELLS = 2_000_000  # device x bucket x metric of a chunk's frames: 64 bytes each


def history_frames(
    history: History,
    devices: Ints,
    bucket: timedelta = HOUR,
    until: datetime | None = None,
    peers: Peers | None = None,
) -> Frames:
    """What `history` holds of `devices` (indexes into its devices), up to but without `until`.

    All chunks of one history share its start. Events, repairs and failures are known when they
    happened.
    """
    start, end = history_span(history, until, bucket)
    place = np.full(len(history.devices), -1, np.int64)
    place[devices] = np.arange(len(devices))
    chosen = [history.devices[index] for index in devices.tolist()]
    marked = _Marked(place, start, end)
    replacements = marked.records(_replacements(history))
    columns = _Columns(start, end, bucket, replacements)
    return Frames(
        start=start,
        buckets=columns.count,
        device_ids=np.asarray(devices, np.int64),
        attributes=device_attributes(chosen),
        installed=np.array([_installed(each.installed_on, start) for each in chosen], np.float64),
        series=tuple(
            _series(readings.of(devices), columns, len(devices)) for readings in history.readings
        ),
        events=marked.events(history.events),
        severities=marked.severities(history.events),
        maintenance=marked.records(history.maintenance),
        replacements=replacements,
        failures=marked.records(history.failures),
        bucket=bucket,
        peers=peers,
    )


def history_span(
    history: History, until: datetime | None = None, bucket: timedelta = HOUR
) -> tuple[datetime, datetime]:
    """The first bucket in which anything was measured or told, and the end of the last one.

    Buckets of hours and less begin on the clock's, as the store's do. Longer ones end with the usual
    time of the day's readings, whose moment belongs to them: what was measured then is known then.
    """
    start, end = floor_to(history.began, bucket), floor_to(history.ended, bucket) + bucket
    if bucket > HOUR:
        shift = _usual_end(history, bucket)
        start = floor_to(history.began - shift, bucket) + shift
        start -= bucket * (start == history.began)
        end = start + bucket * max(1, -int((start - history.ended) // bucket))
    return start, min(end, until) if until else end


def _usual_end(history: History, bucket: timedelta) -> timedelta:
    """The last time before the longest pause in which nothing is measured, in the bucket's round."""
    whole = bucket // timedelta(microseconds=1)
    phases = np.unique(history.times.astype(np.int64) % whole)
    if not len(phases):
        return timedelta(0)
    pauses = np.diff(np.append(phases, phases[0] + whole))
    return timedelta(microseconds=int(phases[pauses.argmax()]))


def history_peers(history: History, vocabulary: Vocabulary, until: datetime | None = None) -> Peers:
    """What the devices of the whole fleet are compared with: a first pass over its readings."""
    bucket = vocabulary.bucket
    start, end = history_span(history, until, bucket)
    marked = _Marked(np.arange(len(history.devices)), start, end)
    columns = _Columns(start, end, bucket, marked.records(_replacements(history)))
    attributes = device_attributes(history.devices)
    groups: dict[str, dict[str, int]] = {}
    sums: dict[tuple[str, str], PeerSums] = {}
    for grouping in vocabulary.peers:
        keys = group_keys(attributes, grouping)
        groups[grouping] = {key: place for place, key in enumerate(sorted(set(keys)))}
        group = np.array([groups[grouping][key] for key in keys], np.int64)
        shape = (len(groups[grouping]), columns.count)
        for readings in history.readings:
            counts = readings.metric in vocabulary.counters
            if counts or readings.metric in vocabulary.gauges:
                stood = _stood(readings, columns, counts)
                sums[grouping, readings.metric] = _peer_sums(group, *stood, shape)
    return Peers(start, bucket, groups, sums)


def device_chunks(history: History, devices: Ints, bucket: timedelta) -> Iterator[Ints]:
    """`devices` in parts, so many at a time that their frames take some 128 MB."""
    start, end = history_span(history, None, bucket)
    cells = ((end - start) // bucket + 1) * max(1, len(history.readings))
    size = max(1, int(_CELLS // cells))
    for first in range(0, len(devices), size):
        yield devices[first : first + size]


def device_attributes(devices: Sequence[HistoryDevice]) -> dict[str, tuple[str, ...]]:
    """Name -> each device's text."""
    free = sorted({name for device in devices for name in device.attributes})
    return {name: tuple(device.attributes.get(name, "") for device in devices) for name in free} | {
        name: tuple(getattr(device, name) for device in devices)
        for name in ("kind", "model", "firmware", "site")
    }


def _installed(date: str, start: datetime) -> float:
    if not date:
        return float("nan")
    return (datetime.fromisoformat(date).replace(tzinfo=UTC) - start) / HOUR


def _replacements(history: History) -> HistoryRecords:
    services = history.maintenance
    replaced = np.array([name == _REPLACED for name in services.action.names], bool)
    return services.where(replaced[services.action.index])


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Which readings go into which bucket."""

    start: datetime
    end: datetime
    bucket: timedelta
    replacements: Marks

    @property
    def count(self) -> int:
        return max(0, -int((self.start - self.end) // self.bucket))

    def place(self, readings: MetricReadings) -> _Placed:
        """The readings that there are before the end."""
        kept = ~np.isnan(readings.value) & (readings.at < tick(self.end))
        at, device = readings.at[kept], readings.device[kept].astype(np.int64)
        since = (at - tick(self.start)).astype(np.int64)
        if self.bucket > HOUR:
            since -= 1  # the moment in which a bucket ends is its own
        column = since // (self.bucket // timedelta(microseconds=1))
        return _Placed(device, column, readings.value[kept], hours_since(self.start, at))

    def grown(self, placed: _Placed, name: str) -> NDArray[np.float64]:
        """What each reading adds as a counter; it begins anew with the part that is replaced."""
        before = np.concatenate([[np.nan], placed.value[:-1]])
        replaced = self.replacements.of(metric(name).component)
        keys = np.sort(device_key(replaced.device, replaced.at))
        parts = np.searchsorted(keys, device_key(placed.device, placed.hours), side="right")
        other = (placed.device[1:] != placed.device[:-1]) | (parts[1:] != parts[:-1])
        before[1:][other] = np.nan
        return steps(before, placed.value)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Readings of one metric, ordered by device and time."""

    device: Ints
    column: Ints
    value: NDArray[np.float64]
    hours: NDArray[np.float64]


def _series(readings: MetricReadings, columns: _Columns, devices: int) -> Series:
    kind = metric(readings.metric).kind
    series = empty_series(readings.metric, kind, (devices, columns.count))
    placed = columns.place(readings)
    value = placed.value
    if not len(value):
        return series
    first, last = _runs(placed.device * columns.count + placed.column)
    where = placed.device[first], placed.column[first]
    series.n[where] = last - first + 1
    series.total[where] = np.add.reduceat(value, first)
    series.squares[where] = np.add.reduceat(value**2, first)
    series.low[where] = np.minimum.reduceat(value, first)
    series.high[where] = np.maximum.reduceat(value, first)
    series.first[where], series.last[where] = value[first], value[last]
    if kind is MetricKind.COUNTER or not is_known_metric(readings.metric):
        grown = columns.grown(placed, readings.metric)
        series.growth[where] = np.add.reduceat(grown, first)
    return series


def _stood(
    readings: MetricReadings, columns: _Columns, counts: bool
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """(device, bucket, how the device stood there): a counter's growth, a gauge's mean."""
    placed = columns.place(readings)
    if not len(placed.value):
        return placed.device, placed.column, placed.value
    first, last = _runs(placed.device * columns.count + placed.column)
    if counts:
        level = np.add.reduceat(columns.grown(placed, readings.metric), first)
    else:
        level = np.add.reduceat(placed.value, first) / (last - first + 1)
    return placed.device[first], placed.column[first], level


def _peer_sums(
    group: Ints, device: Ints, column: Ints, level: NDArray[np.float64], shape: tuple[int, int]
) -> PeerSums:
    key, size = group[device] * shape[1] + column, shape[0] * shape[1]

    def summed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(key, weights, size).reshape(shape).astype(np.float64)

    return PeerSums(summed(np.ones_like(level)), summed(level), summed(level**2))


def _runs(key: Ints) -> tuple[Ints, Ints]:
    """The first and last row of each run of equal keys."""
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return first, np.concatenate([first[1:], [len(key)]]) - 1


class _Marked:
    """What happened to the chosen devices, as marks."""

    def __init__(self, place: Ints, start: datetime, end: datetime) -> None:
        self._place, self._start, self._end = place, start, end

    def events(self, events: HistoryEvents) -> Marks:
        grave = np.isin(events.severity.names, SERIOUS)[events.severity.index]
        where = events.at[grave], events.device[grave]
        serious = self._marks([ANY_ERROR], np.zeros(len(where[0]), np.int64), *where)
        return joined(self._told(events, events.code), serious)

    def severities(self, events: HistoryEvents) -> Marks:
        return joined(self._told(events, events.severity))

    def _told(self, events: HistoryEvents, words: Words) -> Marks:
        """The events by their component and one of its words."""
        parts, names = events.component.names, words.names
        pairs, what = np.unique(
            events.component.index.astype(np.int64) * len(names) + words.index,
            return_inverse=True,
        )
        named = [
            event_name(parts[pair // len(names)], names[pair % len(names)])
            for pair in pairs.tolist()
        ]
        return self._marks(named, what, events.at, events.device)

    def records(self, records: HistoryRecords) -> Marks:
        parts = records.component
        return joined(self._marks(parts.names, parts.index, records.at, records.device))

    def _marks(
        self, names: Sequence[str], what: NDArray[Any], at: NDArray[Any], device: NDArray[Any]
    ) -> Marks:
        place = self._place[device]
        kept = (place >= 0) & (at < tick(self._end))
        hours = hours_since(self._start, at[kept])
        return Marks(tuple(names), what[kept].astype(np.int64), place[kept], hours, hours)
