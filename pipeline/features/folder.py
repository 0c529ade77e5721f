"""Frames from a history folder: what the store would hold of it, without a store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from domain.vocabulary import metric
from pipeline.counters import steps
from pipeline.features.frames import (
    ANY_ERROR,
    HOUR,
    Frames,
    Ints,
    Marks,
    Series,
    empty_series,
    event_name,
    floor_hour,
    joined,
)
from pipeline.history import History, HistoryEvents, HistoryRecords, MetricReadings, tick

_SERIOUS = ("error", "critical")


def history_frames(
    history: History, devices: Ints, bucket: timedelta = HOUR, until: datetime | None = None
) -> Frames:
    """What `history` holds of `devices` (indexes into its devices), up to but without `until`.

    All chunks of one history share its start. Events, repairs and failures are known when they
    happened.
    """
    start, end = history_span(history, until)
    hours = int(np.ceil((end - start) / HOUR))
    place = np.full(len(history.devices), -1, np.int64)
    place[devices] = np.arange(len(devices))
    chosen = [history.devices[index] for index in devices.tolist()]
    shape = (len(devices), hours)
    marked = _Marked(place, start, end)
    return Frames(
        start=start,
        hours=hours,
        device_ids=np.asarray(devices, np.int64),
        models=tuple(device.model for device in chosen),
        installed=np.array([_installed(device.installed_on, start) for device in chosen]),
        series=tuple(_series(readings, place, start, shape) for readings in history.readings),
        events=marked.events(history.events),
        maintenance=marked.records(history.maintenance),
        failures=marked.records(history.failures),
        bucket=bucket,
    )


def history_span(history: History, until: datetime | None = None) -> tuple[datetime, datetime]:
    """The first hour in which anything was measured or told, and the end of the last one."""
    start, end = floor_hour(history.began), floor_hour(history.ended) + HOUR
    return start, min(end, until) if until else end


def _installed(date: str, start: datetime) -> float:
    if not date:
        return float("nan")
    return (datetime.fromisoformat(date).replace(tzinfo=UTC) - start) / HOUR


def _series(
    readings: MetricReadings, place: Ints, start: datetime, shape: tuple[int, int]
) -> Series:
    kind = metric(readings.metric).kind
    series = empty_series(readings.metric, kind, shape)
    hour = _hours(readings.at, start)
    device = place[readings.device]
    kept = np.flatnonzero(
        (device >= 0) & (hour >= 0) & (hour < shape[1]) & ~np.isnan(readings.value)
    )
    if len(kept):
        _fill(series, device[kept], np.floor(hour[kept]).astype(np.int64), readings.value[kept])
    return series


def _fill(series: Series, device: Ints, hour: Ints, value: NDArray[np.float64]) -> None:
    """The readings, ordered by device and time, into the buckets that they lie in."""
    key = device * series.n.shape[1] + hour
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    last = np.concatenate([first[1:], [len(key)]]) - 1
    where = device[first], hour[first]
    series.n[where] = last - first + 1
    series.total[where] = np.add.reduceat(value, first)
    series.squares[where] = np.add.reduceat(value**2, first)
    series.low[where] = np.minimum.reduceat(value, first)
    series.high[where] = np.maximum.reduceat(value, first)
    series.first[where], series.last[where] = value[first], value[last]
    if series.kind is MetricKind.COUNTER:
        before = np.concatenate([[np.nan], value[:-1]])
        before[np.concatenate([[True], device[1:] != device[:-1]])] = np.nan
        series.growth[where] = np.add.reduceat(steps(before, value), first)


def _hours(at: NDArray[Any], start: datetime) -> NDArray[np.float64]:
    hours: NDArray[np.float64] = (at - tick(start)) / np.timedelta64(1, "h")
    return hours


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
        hours = _hours(at[kept], self._start)
        return Marks(tuple(names), what[kept].astype(np.int64), place[kept], hours, hours)
