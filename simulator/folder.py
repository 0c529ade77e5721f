"""A simulated fleet's past as a history folder, with the truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from domain.device import DeviceKind
from domain.errors import BadInputError
from simulator.clockwork import METRICS as CLOCK_METRICS
from simulator.fleet import Device, Fleet, plan_kinds
from simulator.history import DeviceHistory, device_history
from simulator.lives import life_of
from simulator.script import MARGIN
from simulator.signals import SIGNALS, CounterSignal, GaugeSignal, StockSignal
from simulator.truth import TRUTH_FILE, Truth, truth_of, write_truth

Progress = Callable[[str, float], None]

MAX_DEVICES, MAX_DAYS = 100_000, 1500
_TIME = pa.timestamp("s", tz="UTC")
_BATCH = 50  # devices written at once


@dataclass(frozen=True, slots=True)
class Examination:
    """What fleet to write.

    Attributes:
        seed: fleets of different seeds have nothing in common but their sites.
        daily: one reading a day, at its end; else one an hour.
        seldom: parts fail so many times more rarely than usual.
    """

    devices: int
    days: int
    seed: int
    kinds: tuple[DeviceKind, ...]
    end: datetime
    daily: bool = False
    seldom: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.kinds) <= self.devices <= MAX_DEVICES:
            raise BadInputError(
                f"devices: {self.devices}; allowed: {len(self.kinds)} to {MAX_DEVICES}"
            )
        if not 1 <= self.days <= MAX_DAYS:
            raise BadInputError(f"days: {self.days}; allowed: 1 to {MAX_DAYS}")
        if not 0.1 <= self.seldom <= 1000:
            raise BadInputError(f"seldom: {self.seldom}; allowed: 0.1 to 1000")

    @property
    def start(self) -> datetime:
        return self.end - timedelta(days=self.days)

    def fleet(self) -> Fleet:
        share, rest = divmod(self.devices, len(self.kinds))
        counts = {kind: share + (n < rest) for n, kind in enumerate(self.kinds)}
        return plan_kinds(counts, self.end.date(), self.seed)


@dataclass(frozen=True, slots=True)
class Written:
    devices: int
    readings: int
    events: int
    failures: int
    visible: int


def write_history(
    folder: Path, wanted: Examination, *, as_csv: bool, progress: Progress
) -> Written:
    """Writes devices, readings (wide), events, maintenance, failures and `truth.csv` into `folder`.

    Raises BadInputError when the folder holds something already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadInputError(f"history: {folder} is not empty")
    fleet = wanted.fleet()
    zones = {site.key: site.time_zone for site in fleet.sites}
    truth: list[Truth] = []
    with _Sheets(folder, _metrics(wanted.kinds), as_csv) as sheets:
        for first in range(0, len(fleet.devices), _BATCH):
            progress("history", first / len(fleet.devices))
            for device in fleet.devices[first : first + _BATCH]:
                truth += _add(sheets, device, zones[device.site], wanted)
            sheets.flush()
    write_truth(folder / TRUTH_FILE, sorted(truth, key=lambda row: row.at))
    progress("history", 1.0)
    failed = [row for row in truth if row.outcome == "failed"]
    visible = sum(row.visible_from is not None for row in failed)
    counts = sheets.counts
    return Written(
        counts["devices"], counts["readings"], counts["events"], counts["failures"], visible
    )


def _metrics(kinds: Sequence[DeviceKind]) -> list[str]:
    names: dict[str, None] = {}
    for kind in kinds:
        if kind is DeviceKind.CLOCK:
            names |= dict.fromkeys(CLOCK_METRICS)
            continue
        signals = SIGNALS[kind]
        measured: list[CounterSignal | GaugeSignal | StockSignal] = [*signals.counters]
        measured += [*signals.gauges, *signals.stocks]
        names |= dict.fromkeys(signal.metric for signal in measured)
    return list(names)


def _add(sheets: _Sheets, device: Device, time_zone: str, wanted: Examination) -> list[Truth]:
    start, end = wanted.start, wanted.end
    life = life_of(device, start - MARGIN, end + MARGIN, wanted.seldom)
    past = device_history(device, time_zone, life, start, end)
    sheets.add("devices", _device_row(device))
    for event in past.events:
        row = (event.at, device.key, event.component, event.code, event.severity)
        sheets.add("events", row)
    for repair in past.repairs:
        sheets.add("maintenance", (repair.at, device.key, repair.component, repair.action))
    for rise in past.failures:
        sheets.add("failures", (rise.peak, device.key, rise.component))
    sheets.add_readings(device.key, past, daily=wanted.daily)
    return list(truth_of(device, time_zone, life, start, end))


def _device_row(device: Device) -> tuple[Any, ...]:
    installed = device.installed_on.isoformat()
    return device.key, device.kind.value, device.model, device.firmware, installed, device.site


class _Sheets:
    """The folder's files, open; rows are collected and written batch by batch."""

    def __init__(self, folder: Path, metrics: Sequence[str], as_csv: bool) -> None:
        self._metrics = metrics
        text, time = pa.string(), _TIME
        self._schemas = {
            "devices": _schema(
                dict.fromkeys(
                    ("device_id", "kind", "model", "firmware", "installed_on", "site"), text
                )
            ),
            "events": _schema(
                {"time": time} | dict.fromkeys(("device_id", "component", "code", "severity"), text)
            ),
            "maintenance": _schema(
                {"time": time} | dict.fromkeys(("device_id", "component", "action"), text)
            ),
            "failures": _schema({"time": time, "device_id": text, "component": text}),
            "readings": _schema(
                {"time": time, "device_id": text} | dict.fromkeys(metrics, pa.float64())
            ),
        }
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self._schemas}
        self._readings: list[pa.RecordBatch] = []
        self.counts = dict.fromkeys(self._schemas, 0)
        ending, opened = ("csv", pa_csv.CSVWriter) if as_csv else ("parquet", pq.ParquetWriter)
        self._writers = {
            name: opened(folder / f"{name}.{ending}", schema)
            for name, schema in self._schemas.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, name: str, row: tuple[Any, ...]) -> None:
        self._rows[name].append(row)

    def add_readings(self, key: str, past: DeviceHistory, *, daily: bool) -> None:
        moments = next(iter(past.series.values())).moments
        chosen = _ends_of_days(moments) if daily else np.arange(len(moments))
        columns: list[pa.Array] = [
            pa.array(moments[chosen].astype("int64"), pa.int64()).cast(_TIME),
            pa.array([key] * len(chosen), pa.string()),
        ]
        for metric in self._metrics:
            series = past.series.get(metric)
            values = None if series is None else series.values[chosen]
            columns.append(
                pa.nulls(len(chosen), pa.float64()) if values is None else pa.array(values)
            )
        self._readings.append(pa.record_batch(columns, schema=self._schemas["readings"]))

    def flush(self) -> None:
        """Writes what was collected."""
        for name, rows in self._rows.items():
            if rows:
                self._write(name, _table(self._schemas[name], rows))
                rows.clear()
        self._write("readings", pa.Table.from_batches(self._readings, self._schemas["readings"]))
        self._readings.clear()

    def _write(self, name: str, table: pa.Table) -> None:
        self._writers[name].write_table(table)
        self.counts[name] += table.num_rows


def _schema(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema(list(columns.items()))


def _table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(_seconds(column) if field.type == _TIME else column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.table(arrays, schema=schema)


def _seconds(moments: Sequence[datetime]) -> list[datetime]:
    return [moment.astimezone(UTC).replace(microsecond=0) for moment in moments]


def _ends_of_days(moments: Any) -> Any:
    """Indexes of the last moment of each day (UTC)."""
    days = moments // 86400
    return np.flatnonzero(np.append(days[1:] != days[:-1], True)) if len(days) else np.arange(0)
