"""A folder of recorded history: devices, readings, events, maintenance, failures.

Each is a CSV or Parquet file of that name. Readings are long (time, device_id, metric, value) or wide
(time, device_id, one column a metric). Times carry their zone. A value that does not fit is refused
with its file, row, column and what is allowed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import BadInputError
from domain.report import Severity

_FIRST_DATA_ROW = 2  # row 1 of a file is its header
_TIME = pa.timestamp("us", tz="UTC")
_SUFFIXES = (".csv", ".parquet")
_KNOWN_DEVICE_COLUMNS = ("device_id", "kind", "model", "firmware", "installed_on", "site")


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
    """All readings of one metric: equally long arrays, ordered by time.

    Attributes:
        at: datetime64[us], UTC.
        device: index into `History.devices`.
    """

    metric: str
    at: NDArray[Any]
    device: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    at: datetime
    device: int
    component: str
    code: str
    severity: str


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """A repair (`action` says which) or a failure (`action` is empty)."""

    at: datetime
    device: int
    component: str
    action: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A folder, read and checked.

    Attributes:
        digest: SHA-256 over the files' contents: the same folder has the same digest.
    """

    folder: Path
    digest: str
    devices: tuple[HistoryDevice, ...]
    readings: tuple[MetricReadings, ...]
    events: tuple[HistoryEvent, ...]
    maintenance: tuple[HistoryRecord, ...]
    failures: tuple[HistoryRecord, ...]


def read_history(folder: Path) -> History:
    """Reads and checks `folder`. Raises BadInputError on the first thing that does not fit."""
    devices = _devices(_read(folder, "devices", ("device_id", "kind")))
    keys = {device.key: position for position, device in enumerate(devices)}
    return History(
        folder,
        _digest(folder),
        devices,
        _readings(_read(folder, "readings", ("time", "device_id")), keys),
        _events(_optional(folder, "events", ("time", "device_id", "code", "severity")), keys),
        _records(
            _optional(folder, "maintenance", ("time", "device_id", "component", "action")), keys
        ),
        _records(_optional(folder, "failures", ("time", "device_id", "component")), keys),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """One file as a table of columns."""

    file: str
    table: pa.Table

    def refuse(self, row: int, column: str, value: object, allowed: str) -> BadInputError:
        return BadInputError(
            f"{self.file}, row {row + _FIRST_DATA_ROW}, column {column}: {value!r}; {allowed}"
        )

    def text(self, column: str) -> list[str]:
        if column not in self.table.column_names:
            return [""] * self.table.num_rows
        values = self.table[column].cast(pa.string()).fill_null("").to_pylist()
        return [str(value) for value in values]

    def required(self, column: str) -> list[str]:
        values = self.text(column)
        if "" in values:
            raise self.refuse(values.index(""), column, "", "a name is needed")
        return values

    def times(self) -> NDArray[Any]:
        column = self.table["time"]
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            raise self.refuse(0, "time", column[0].as_py(), "give a time zone, such as +00:00")
        cast = self._cast(column, _TIME, "time", "an RFC 3339 time with its zone")
        moments: NDArray[Any] = cast.cast(pa.timestamp("us")).to_numpy()
        return moments

    def moments(self) -> list[datetime]:
        ticks = self.times().astype("datetime64[us]").tolist()
        return [moment.replace(tzinfo=UTC) for moment in ticks]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of numbers; NaN where the file has nothing."""
        cast = self._cast(self._blank_to_null(column), pa.float64(), column, "a number")
        values: NDArray[np.float64] = cast.to_numpy().astype(np.float64)
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            raise self.refuse(int(infinite[0]), column, values[infinite[0]], "a finite number")
        return values

    def devices(self, keys: dict[str, int]) -> NDArray[np.int64]:
        column = self.table["device_id"].cast(pa.string())
        found = pc.index_in(column, value_set=pa.array(list(keys), pa.string()))
        unknown = pc.index(found.is_null(), True).as_py()
        if unknown >= 0:
            value = column[unknown].as_py()
            raise self.refuse(unknown, "device_id", value, "it must stand in devices")
        index: NDArray[np.int64] = found.to_numpy().astype(np.int64)
        return index

    def _blank_to_null(self, column: str) -> pa.ChunkedArray:
        values = self.table[column]
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            return pc.if_else(pc.equal(values, ""), None, values)
        return values

    def _cast(
        self, values: pa.ChunkedArray, kind: pa.DataType, column: str, allowed: str
    ) -> pa.ChunkedArray:
        try:
            cast = values.cast(kind)
        except pa.ArrowInvalid as error:
            row = _first_that_fails(values, kind)
            raise self.refuse(row, column, values[row].as_py(), allowed) from error
        if kind == _TIME and cast.null_count:
            row = pc.index(cast.is_null(), True).as_py()
            raise self.refuse(row, column, None, allowed)
        return cast


def _first_that_fails(values: pa.ChunkedArray, kind: pa.DataType) -> int:
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            values.slice(low, middle - low).cast(kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInputError(f"history: {folder} is no folder")
    return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(folder):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _optional(folder: Path, name: str, needed: Sequence[str]) -> _Sheet | None:
    there = any(path.stem == name for path in _files(folder))
    return _read(folder, name, needed) if there else None


def _read(folder: Path, name: str, needed: Sequence[str]) -> _Sheet:
    paths = [path for path in _files(folder) if path.stem == name]
    if len(paths) != 1:
        raise BadInputError(
            f"history: {folder} has {len(paths)} files for {name}; one is needed, "
            f"{name}.csv or {name}.parquet"
        )
    path = paths[0]
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except pa.ArrowInvalid as error:
        raise BadInputError(f"{path.name}: it can't be read: {error}") from error
    for column in needed:
        if column not in table.column_names:
            raise BadInputError(f"{path.name}: column {column} is missing; needed: {needed}")
    return _Sheet(path.name, table)


def _read_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline().strip().split(",")
    as_text = pa_csv.ConvertOptions(
        column_types={column.strip('"'): pa.string() for column in header}
    )
    return pa_csv.read_csv(path, convert_options=as_text)


def _devices(sheet: _Sheet) -> tuple[HistoryDevice, ...]:
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
        _dates(sheet),
        sheet.text("site"),
        _attributes(sheet),
        strict=True,
    )
    return tuple(HistoryDevice(*values) for values in columns)


def _attributes(sheet: _Sheet) -> list[dict[str, str]]:
    names = [name for name in sheet.table.column_names if name not in _KNOWN_DEVICE_COLUMNS]
    cells = [sheet.text(name) for name in names]
    rows = zip(*cells, strict=True) if cells else iter([()] * sheet.table.num_rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _dates(sheet: _Sheet) -> list[str]:
    dates = sheet.text("installed_on")
    for row, date in enumerate(dates):
        try:
            if date:
                datetime.fromisoformat(date)
        except ValueError as error:
            raise sheet.refuse(row, "installed_on", date, "a date, YYYY-MM-DD") from error
    return [date[:10] for date in dates]


def _readings(sheet: _Sheet, keys: dict[str, int]) -> tuple[MetricReadings, ...]:
    at, device = sheet.times(), sheet.devices(keys)
    order = np.argsort(at, kind="stable")
    if {"metric", "value"} <= set(sheet.table.column_names):
        metrics = np.array(sheet.required("metric"))[order]
        values = sheet.numbers("value")[order]
        return tuple(
            _of_metric(name, at[order], device[order], np.where(metrics == name, values, np.nan))
            for name in sorted(set(metrics.tolist()))
        )
    names = [name for name in sheet.table.column_names if name not in ("time", "device_id")]
    return tuple(
        _of_metric(name, at[order], device[order], sheet.numbers(name)[order]) for name in names
    )


def _of_metric(
    name: str, at: NDArray[Any], device: NDArray[np.int64], value: NDArray[np.float64]
) -> MetricReadings:
    there = ~np.isnan(value)
    return MetricReadings(name, at[there], device[there], value[there])


def _events(sheet: _Sheet | None, keys: dict[str, int]) -> tuple[HistoryEvent, ...]:
    if sheet is None:
        return ()
    severities = sheet.text("severity")
    allowed = [severity.value for severity in Severity]
    for row, severity in enumerate(severities):
        if severity not in allowed:
            raise sheet.refuse(row, "severity", severity, f"allowed: {', '.join(allowed)}")
    rows = zip(
        sheet.moments(),
        sheet.devices(keys).tolist(),
        sheet.text("component"),
        sheet.required("code"),
        severities,
        strict=True,
    )
    return tuple(sorted((HistoryEvent(*row) for row in rows), key=lambda event: event.at))


def _records(sheet: _Sheet | None, keys: dict[str, int]) -> tuple[HistoryRecord, ...]:
    if sheet is None:
        return ()
    rows = zip(
        sheet.moments(),
        sheet.devices(keys).tolist(),
        sheet.required("component"),
        sheet.text("action"),
        strict=True,
    )
    return tuple(sorted((HistoryRecord(*row) for row in rows), key=lambda record: record.at))
