"""Frames from a history folder: what the store would hold of it, without a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

_SERIOUS = ("error", "critical")
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
    shape = (len(devices), max(0, -int((start - end) // bucket)))
    marked = _Marked(place, start, end)
    services = history.maintenance
    replaced = np.array([name == _REPLACED for name in services.action.names], bool)
    return Frames(
        start=start,
        buckets=shape[1],
        device_ids=np.asarray(devices, np.int64),
        attributes=device_attributes(chosen),
        installed=np.array([_installed(each.installed_on, start) for each in chosen], np.float64),
        series=tuple(
            _series(readings.of(devices), start, end, bucket, shape)
            for readings in history.readings
        ),
        events=marked.events(history.events),
        maintenance=marked.records(services),
        replacements=marked.records(services.where(replaced[services.action.index])),
        failures=marked.records(history.failures),
        bucket=bucket,
        peers=peers,
    )


def history_span(
    history: History, until: datetime | None = None, bucket: timedelta = HOUR
) -> tuple[datetime, datetime]:
    """The first bucket in which anything was measured or told, and the end of the last one."""
    start, end = floor_to(history.began, bucket), floor_to(history.ended, bucket) + bucket
    return start, min(end, until) if until else end


def history_peers(history: History, vocabulary: Vocabulary, until: datetime | None = None) -> Peers:
    """What the devices of the whole fleet are compared with: a first pass over its readings."""
    bucket = vocabulary.bucket
    start, end = history_span(history, until, bucket)
    buckets = max(0, -int((start - end) // bucket))
    attributes = device_attributes(history.devices)
    groups: dict[str, dict[str, int]] = {}
    sums: dict[tuple[str, str], PeerSums] = {}
    for grouping in vocabulary.peers:
        keys = group_keys(attributes, grouping)
        groups[grouping] = {key: place for place, key in enumerate(sorted(set(keys)))}
        group = np.array([groups[grouping][key] for key in keys], np.int64)
        shape = (len(groups[grouping]), buckets)
        for readings in history.readings:
            counts = readings.metric in vocabulary.counters
            if counts or readings.metric in vocabulary.gauges:
                stood = _stood(readings, start, end, bucket, counts)
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


def _series(
    readings: MetricReadings,
    start: datetime,
    end: datetime,
    bucket: timedelta,
    shape: tuple[int, int],
) -> Series:
    kind = metric(readings.metric).kind
    series = empty_series(readings.metric, kind, shape)
    device, column, value = _placed(readings, start, end, bucket)
    if not len(value):
        return series
    first, last = _runs(device * shape[1] + column)
    where = device[first], column[first]
    series.n[where] = last - first + 1
    series.total[where] = np.add.reduceat(value, first)
    series.squares[where] = np.add.reduceat(value**2, first)
    series.low[where] = np.minimum.reduceat(value, first)
    series.high[where] = np.maximum.reduceat(value, first)
    series.first[where], series.last[where] = value[first], value[last]
    if kind is MetricKind.COUNTER or not is_known_metric(readings.metric):
        series.growth[where] = np.add.reduceat(_grown(device, value), first)
    return series


def _stood(
    readings: MetricReadings, start: datetime, end: datetime, bucket: timedelta, counts: bool
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """(device, bucket, how the device stood there): a counter's growth, a gauge's mean."""
    device, column, value = _placed(readings, start, end, bucket)
    if not len(value):
        return device, column, value
    first, last = _runs(device * (int(column.max()) + 1) + column)
    if counts:
        level = np.add.reduceat(_grown(device, value), first)
    else:
        level = np.add.reduceat(value, first) / (last - first + 1)
    return device[first], column[first], level


def _peer_sums(
    group: Ints, device: Ints, column: Ints, level: NDArray[np.float64], shape: tuple[int, int]
) -> PeerSums:
    key, size = group[device] * shape[1] + column, shape[0] * shape[1]

    def summed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(key, weights, size).reshape(shape).astype(np.float64)

    return PeerSums(summed(np.ones_like(level)), summed(level), summed(level**2))


def _placed(
    readings: MetricReadings, start: datetime, end: datetime, bucket: timedelta
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """(device, bucket, value) of each reading that there is before `end`."""
    kept = ~np.isnan(readings.value) & (readings.at < tick(end))
    column = (readings.at[kept] - tick(start)) // np.timedelta64(bucket)
    return readings.device[kept].astype(np.int64), column.astype(np.int64), readings.value[kept]


def _runs(key: Ints) -> tuple[Ints, Ints]:
    """The first and last row of each run of equal keys."""
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return first, np.concatenate([first[1:], [len(key)]]) - 1


def _grown(device: Ints, value: NDArray[np.float64]) -> NDArray[np.float64]:
    before = np.concatenate([[np.nan], value[:-1]])
    before[1:][device[1:] != device[:-1]] = np.nan
    return steps(before, value)


class _Marked:
    """What happened to the chosen devices, as marks."""

    def __init__(self, place: Ints, start: datetime, end: datetime) -> None:
        self._place, self._start, self._end = place, start, end

    def events(self, events: HistoryEvents) -> Marks:
        components, codes = events.component.names, events.code.names
        pairs, what = np.unique(
            events.component.index.astype(np.int64) * len(codes) + events.code.index,
            return_inverse=True,
        )
        names = [
            event_name(components[pair // len(codes)], codes[pair % len(codes)])
            for pair in pairs.tolist()
        ]
        grave = np.isin(events.severity.names, _SERIOUS)[events.severity.index]
        serious = self._marks([ANY_ERROR], 0 * what[grave], events.at[grave], events.device[grave])
        return joined(self._marks(names, what, events.at, events.device), serious)

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
