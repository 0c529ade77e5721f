"""Frames from the store, by binary COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from domain.report import MetricKind
from pipeline.features.definitions import EVENT_LOOKBACK_H
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
    marks,
)
from storage.arrays import TIME, read_arrays
from storage.database import Conn
from storage.queries import load

_ROLLUP = {
    "hour": TIME,
    "device_id": "int4",
    "metric_id": "int2",
    "n": "int4",
    **dict.fromkeys(("total", "squares", "low", "high", "first", "last", "growth"), "float8"),
}
_VALUES = ("n", "total", "squares", "low", "high", "first", "last", "growth")


def load_frames(conn: Conn, device_ids: Sequence[int], start: datetime, end: datetime) -> Frames:
    """What the store holds of `device_ids` from `start` (its hour) until before `end`.

    Events reach further back than `start`, by what features may look back; repairs and failures
    reach back to the first.
    """
    ids = np.array(sorted(device_ids), np.int64)
    first = floor_hour(start)
    hours = max(0, int(np.ceil((end - first) / HOUR)))
    span = {"devices": ids.tolist(), "start": first, "end": end}
    devices = conn.execute(load("features")["devices"], span).fetchall()
    marked = _Marked(conn, ids, first, span)
    return Frames(
        start=first,
        hours=hours,
        device_ids=ids,
        models=tuple(row["model"] for row in devices),
        installed=np.array([_installed(row, first) for row in devices], np.float64),
        series=_series(conn, ids, first, hours, span),
        events=marked.events(),
        maintenance=marked.records("maintenance"),
        failures=marked.records("failures"),
    )


def _installed(row: Mapping[str, Any], start: datetime) -> float:
    if row["installed_on"] is None:
        return float("nan")
    midnight = datetime.combine(row["installed_on"], datetime.min.time(), UTC)
    return (midnight - start) / HOUR


def _series(
    conn: Conn, ids: Ints, start: datetime, hours: int, span: Mapping[str, Any]
) -> tuple[Series, ...]:
    columns = read_arrays(conn, sql.SQL(load("features")["rollups"]), _ROLLUP, span, by="device_id")
    origin = np.datetime64(start.replace(tzinfo=None), "us")
    hour = ((columns["hour"] - origin) // np.timedelta64(1, "h")).astype(np.int64)
    device = np.searchsorted(ids, columns["device_id"])
    found: list[Series] = []
    for row in conn.execute(load("features")["metrics"]).fetchall():
        here = np.flatnonzero(columns["metric_id"] == row["id"])
        if len(here):
            series = empty_series(row["name"], MetricKind(row["kind"]), (len(ids), hours))
            _fill(series, columns, device, hour, here)
            found.append(series)
    return tuple(found)


def _fill(
    series: Series, columns: Mapping[str, NDArray[Any]], device: Ints, hour: Ints, here: Ints
) -> None:
    for name in _VALUES:
        getattr(series, name)[device[here], hour[here]] = columns[name][here]


class _Marked:
    """Reads what happened to some devices as marks."""

    def __init__(self, conn: Conn, ids: Ints, start: datetime, span: Mapping[str, Any]) -> None:
        self._conn, self._start = conn, start
        self._span = {**span, "events_start": start - timedelta(hours=EVENT_LOOKBACK_H)}
        self._index = {int(device): position for position, device in enumerate(ids)}

    def events(self) -> Marks:
        rows = []
        for row in self._rows("events"):
            place = self._place(row)
            rows.append((event_name(row["component"], row["code"]), *place))
            if row["severity"] in ("error", "critical"):
                rows.append((ANY_ERROR, *place))
        return marks(rows)

    def records(self, query: str) -> Marks:
        return marks((row["component"], *self._place(row)) for row in self._rows(query))

    def _rows(self, query: str) -> list[dict[str, Any]]:
        return self._conn.execute(load("features")[query], self._span).fetchall()

    def _place(self, row: Mapping[str, Any]) -> tuple[int, float, float]:
        return (
            self._index[row["device_id"]],
            (row["at"] - self._start) / HOUR,
            (row["known"] - self._start) / HOUR,
        )
