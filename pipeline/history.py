"""A folder of recorded history: devices, readings, events, maintenance, failures.

Each is a CSV or Parquet file of that name; all but `devices` may be missing. Readings are long
(time, device_id, metric, value) or wide (time, device_id, one column a metric). Times carry their
zone. A value that does not fit is refused with its file, row, column and what is allowed. Everything
is kept as arrays: millions of rows are cheap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.dialects import canonical_event
from domain.errors import BadInputError
from domain.report import MetricKind, Severity
from domain.vocabulary import is_known_metric, metric
from pipeline.history_sheet import Sheet, Words, files, optional_sheet, read_sheet

_KNOWN_DEVICE_COLUMNS = ("device_id", "kind", "model", "firmware", "installed_on", "site")
_SEVERITIES = tuple(severity.value for severity in Severity)
_MOST_METRICS = 5_000
_FEWEST_RISES = 3
_TIMES = 5_000
_MOST_FALLS = 0.02  # of a counter's changes: its resets


@dataclass(frozen=True, slots=True)
class HistoryDevice:
    """One row of `devices`; what Forecall has no column for is in `attributes`."""

    key: str
    kind: str
    model: str
    firmware: str
    installed_on: str
    site: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class MetricReadings:
    """All readings of one metric: equally long arrays, ordered by device, then by time.

    The metrics of a wide file share `at`, `device` and `first`.

    Attributes:
        at: datetime64[us], UTC.
        device: index into `History.devices`.
        value: NaN where a wide file has nothing.
        first: (devices + 1,) the first row of each device.
    """

    metric: str
    at: NDArray[Any]
    device: NDArray[np.int32]
    value: NDArray[np.float64]
    first: NDArray[np.int64]

    @property
    def kind(self) -> MetricKind:
        """What it is by its name; where that is unknown, by how it behaves: see `behaves_as`."""
        known = is_known_metric(self.metric)
        return metric(self.metric).kind if known else behaves_as(self)

    def of(self, devices: NDArray[Any]) -> MetricReadings:
        """The rows of some devices (ascending indexes), which are numbered anew from 0."""
        begin, end = self.first[devices], self.first[devices + 1]
        counts = end - begin
        first = np.concatenate([[0], np.cumsum(counts)])
        device = np.repeat(np.arange(len(devices), dtype=np.int32), counts)
        rows: Any = np.arange(first[-1]) + np.repeat(begin - first[:-1], counts)
        if len(devices) and first[-1] == end[-1] - begin[0]:
            rows = slice(begin[0], end[-1])  # one stretch: no copy is needed
        return replace(self, at=self.at[rows], device=device, value=self.value[rows], first=first)

    def where(self, rows: NDArray[Any]) -> MetricReadings:
        """Some of its rows (a mask), still ordered."""
        device = self.device[rows]
        first = np.searchsorted(device, np.arange(len(self.first)))
        return replace(self, at=self.at[rows], device=device, value=self.value[rows], first=first)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryEvents:
    """Events as equally long columns, ordered by time; `device` is an index into the devices."""

    at: NDArray[Any]
    device: NDArray[np.int32]
    component: Words
    code: Words
    severity: Words

    def where(self, rows: NDArray[Any]) -> HistoryEvents:
        """Some of the events: a mask or indexes."""
        words = (column.of(rows) for column in (self.component, self.code, self.severity))
        return HistoryEvents(self.at[rows], self.device[rows], *words)


@dataclass(frozen=True, slots=True, eq=False)
class HistoryRecords:
    """Repairs (`action` says which) or failures (it is empty), as columns ordered by time."""

    at: NDArray[Any]
    device: NDArray[np.int32]
    component: Words
    action: Words

    def where(self, rows: NDArray[Any] | slice) -> HistoryRecords:
        """Some of the records: a mask, indexes or a slice."""
        words = (column.of(rows) for column in (self.component, self.action))
        return HistoryRecords(self.at[rows], self.device[rows], *words)

    def between(self, start: datetime, end: datetime) -> HistoryRecords:
        """Those from `start` until before `end`."""
        return self.where(slice(*np.searchsorted(self.at, [tick(start), tick(end)]).tolist()))

    def __iter__(self) -> Iterator[tuple[datetime, int, str, str]]:
        """(when, device, component, action) of each."""
        return zip(
            moments(self.at),
            self.device.tolist(),
            self.component.texts(),
            self.action.texts(),
            strict=True,
        )


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A folder, read and checked.

    Attributes:
        digest: SHA-256 over the files' contents: the same folder has the same digest.
        times: a sample of when something was measured, of all devices: what buckets are laid by.
        began, ended: the first and last moment of anything that a device measured or told, or, where
            none did, of a failure or repair; `ended` is the last moment of all.
    """

    folder: Path
    digest: str
    devices: tuple[HistoryDevice, ...]
    readings: tuple[MetricReadings, ...]
    events: HistoryEvents
    maintenance: HistoryRecords
    failures: HistoryRecords
    times: NDArray[Any]
    began: datetime
    ended: datetime

    def of(self, devices: NDArray[Any]) -> History:
        """The part of some devices (ascending indexes), which are numbered anew from 0."""
        place = np.full(len(self.devices), -1, np.int32)
        place[devices] = np.arange(len(devices), dtype=np.int32)

        def kept(table: Any) -> Any:
            rows = place[table.device] >= 0
            part = table.where(rows)
            return replace(part, device=place[part.device])

        return replace(
            self,
            devices=tuple(self.devices[index] for index in devices.tolist()),
            readings=tuple(readings.of(devices) for readings in self.readings),
            events=kept(self.events),
            maintenance=kept(self.maintenance),
            failures=kept(self.failures),
        )


def read_history(folder: Path) -> History:
    """Reads and checks `folder`. Raises BadInputError on the first thing that does not fit."""
    devices = _devices(read_sheet(folder, "devices", ("device_id", "kind")))
    keys = {device.key: position for position, device in enumerate(devices)}
    sheets = {
        "readings": ("time", "device_id"),
        "events": ("time", "device_id", "code"),
        "maintenance": ("time", "device_id", "component", "action"),
        "failures": ("time", "device_id", "component"),
    }
    if not any(path.stem in sheets for path in files(folder)):
        raise BadInputError(f"history: {folder} has none of {', '.join(sheets)}; one is needed")
    # One after the other, so that only one file is held twice.
    readings = _readings(optional_sheet(folder, "readings", sheets["readings"]), keys)
    events = _events(optional_sheet(folder, "events", sheets["events"]), keys)
    maintenance, failures = (
        _records(optional_sheet(folder, name, sheets[name]), keys)
        for name in ("maintenance", "failures")
    )
    pa.default_memory_pool().release_unused()
    began, ended = _span(readings, events, maintenance, failures)
    return History(
        folder,
        _digest(folder),
        devices,
        readings,
        events,
        maintenance,
        failures,
        _sample(readings),
        began,
        ended,
    )


def behaves_as(readings: MetricReadings) -> MetricKind:
    """Whether a metric of unknown name is a counter: never below zero, and of all its changes from
    one reading of a device to the next at most 2 % are falls, as a counter's resets are."""
    value = readings.value
    if np.nanmin(value, initial=0.0) < 0:
        return MetricKind.GAUGE
    there = ~np.isnan(value)
    value, device = value[there], readings.device[there]
    step = np.diff(value)[device[1:] == device[:-1]]
    rises, falls = int((step > 0).sum()), int((step < 0).sum())
    counts = rises >= _FEWEST_RISES and falls <= _MOST_FALLS * (rises + falls)
    return MetricKind.COUNTER if counts else MetricKind.GAUGE


def moments(at: NDArray[Any]) -> list[datetime]:
    """datetime64[us] in UTC as aware datetimes."""
    return [moment.replace(tzinfo=UTC) for moment in at.astype("datetime64[us]").tolist()]


def tick(moment: datetime) -> np.datetime64:
    """An aware moment as it stands in the arrays."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in files(folder):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _devices(sheet: Sheet) -> tuple[HistoryDevice, ...]:
    keys = sheet.required("device_id")
    seen: set[str] = set()
    for row, key in enumerate(keys):
        if key in seen:
            raise sheet.refuse(row, "device_id", key, "each device stands once")
        seen.add(key)
    columns = zip(
        keys,
        sheet.required("kind"),
        sheet.text("model"),
        sheet.text("firmware"),
        sheet.dates("installed_on"),
        sheet.text("site"),
        _attributes(sheet),
        strict=True,
    )
    return tuple(HistoryDevice(*values) for values in columns)


def _attributes(sheet: Sheet) -> list[dict[str, str]]:
    names = [name for name in sheet.columns if name not in _KNOWN_DEVICE_COLUMNS]
    cells = [sheet.text(name) for name in names]
    rows = zip(*cells, strict=True) if cells else iter([()] * sheet.table.num_rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _readings(sheet: Sheet | None, keys: dict[str, int]) -> tuple[MetricReadings, ...]:
    if sheet is None:
        return ()
    at, device = sheet.times(), sheet.devices(keys)
    if {"metric", "value"} <= set(sheet.columns):
        return _long(sheet, at, device, len(keys))
    names = [name for name in sheet.columns if name not in ("time", "device_id")]
    _limit(sheet, names)
    order = np.lexsort((at, device))
    at, device = at[order], device[order]
    first = np.searchsorted(device, np.arange(len(keys) + 1))
    return tuple(
        MetricReadings(name, at, device, sheet.numbers(name)[order], first) for name in names
    )


def _long(
    sheet: Sheet, at: NDArray[Any], device: NDArray[np.int32], devices: int
) -> tuple[MetricReadings, ...]:
    metrics, value = sheet.words("metric", needed=True), sheet.numbers("value")
    _limit(sheet, metrics.names)
    there = ~np.isnan(value)
    order = np.lexsort((at, device, metrics.index))
    order = order[there[order]]
    at, device, value, which = at[order], device[order], value[order], metrics.index[order]
    found: list[MetricReadings] = []
    for place in np.argsort(np.array(metrics.names)):
        rows = slice(*np.searchsorted(which, [place, place + 1]).tolist())
        if rows.start < rows.stop:
            first = np.searchsorted(device[rows], np.arange(devices + 1))
            name = metrics.names[place]
            found.append(MetricReadings(name, at[rows], device[rows], value[rows], first))
    return tuple(found)


def _limit(sheet: Sheet, names: Sequence[str]) -> None:
    if len(names) > _MOST_METRICS:
        raise BadInputError(f"{sheet.file}: {len(names)} metrics; at most {_MOST_METRICS}")


def _events(sheet: Sheet | None, keys: dict[str, int]) -> HistoryEvents:
    none = Words(("",), np.zeros(0, np.int32))
    if sheet is None:
        return HistoryEvents(*_nothing(), none, none, none)
    events = HistoryEvents(
        sheet.times(),
        sheet.devices(keys),
        sheet.words("component"),
        sheet.words("code", needed=True),
        sheet.one_of("severity", ["", *_SEVERITIES]),
    )
    events = replace(events, severity=_judged(events))
    return events.where(np.argsort(events.at, kind="stable"))


def _judged(events: HistoryEvents) -> Words:
    """How severe each event is; where the file does not say, as its code is known to be."""
    told, codes = events.severity, events.code
    by_word = [_SEVERITIES.index(name) if name else -1 for name in told.names]
    by_code = [_SEVERITIES.index(canonical_event(code).severity) for code in codes.names]
    said = np.array(by_word, np.int32)[told.index]
    return Words(_SEVERITIES, np.where(said < 0, np.array(by_code, np.int32)[codes.index], said))


def _records(sheet: Sheet | None, keys: dict[str, int]) -> HistoryRecords:
    none = Words(("",), np.zeros(0, np.int32))
    if sheet is None:
        return HistoryRecords(*_nothing(), none, none)
    records = HistoryRecords(
        sheet.times(),
        sheet.devices(keys),
        sheet.words("component", needed=True),
        sheet.words("action"),
    )
    return records.where(np.argsort(records.at, kind="stable"))


def _nothing() -> tuple[NDArray[Any], NDArray[np.int32]]:
    return np.zeros(0, "datetime64[us]"), np.zeros(0, np.int32)


def _sample(readings: Sequence[MetricReadings]) -> NDArray[Any]:
    if not readings:
        return np.zeros(0, "datetime64[us]")
    at = max((each.at for each in readings), key=len)
    return at[:: max(1, len(at) // _TIMES)].copy()


def _span(
    readings: Sequence[MetricReadings],
    events: HistoryEvents,
    maintenance: HistoryRecords,
    failures: HistoryRecords,
) -> tuple[datetime, datetime]:
    told = [column for column in (*(each.at for each in readings), events.at) if len(column)]
    recorded = [column for column in (maintenance.at, failures.at) if len(column)]
    if not told and not recorded:
        raise BadInputError("history: its files have no rows; at least one is needed")
    began = min(column.min() for column in told or recorded)
    ended = max(column.max() for column in (*told, *recorded))
    first, last = moments(np.array([began, ended]))
    return first, last
