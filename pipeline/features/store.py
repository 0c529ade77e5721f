"""Frames from the store, by binary COPY."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from domain.report import MetricKind
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
    marks,
)
from pipeline.features.peers import group_keys
from pipeline.features.vocabulary import Window, windows_h
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
_VALUES = {
    MetricKind.GAUGE: ("n", "total", "squares", "low", "high", "first", "last"),
    MetricKind.COUNTER: ("n", "total", "last", "growth"),
}
_PEERS = {
    "hour": TIME,
    "place": "int4",
    "metric_id": "int2",
    "n": "int4",
    "total": "float8",
    "squares": "float8",
}
_REPLACED = "replaced"


def load_frames(
    conn: Conn,
    device_ids: Sequence[int],
    start: datetime,
    end: datetime,
    peers: Peers | None = None,
    *,
    with_readings: bool = True,
) -> Frames:
    """What the store holds of `device_ids` from `start` (its hour) until before `end`.

    Events reach further back than `start`, by what features may look back; repairs and failures
    reach back to the first.
    """
    ids = np.array(sorted(device_ids), np.int64)
    first, hours = _hours(start, end)
    span = {"devices": ids.tolist(), "start": first, "end": end}
    devices = conn.execute(load("features")["devices"], span).fetchall()
    marked = _Marked(conn, ids, first, span)
    return Frames(
        start=first,
        buckets=hours,
        device_ids=ids,
        attributes=_attributes(devices),
        installed=np.array([_installed(row, first) for row in devices], np.float64),
        series=_series(conn, ids, first, hours, span) if with_readings else (),
        events=marked.events(),
        severities=marked.severities(),
        maintenance=marked.services(),
        replacements=marked.services(_REPLACED),
        failures=marked.failures(),
        peers=peers,
    )


def load_peers(
    conn: Conn,
    device_ids: Sequence[int],
    groupings: Collection[str],
    start: datetime,
    end: datetime,
) -> Peers:
    """How all devices of the kinds of `device_ids` stood from `start` (its hour) until before `end`,
    by the `groupings` that a vocabulary names as its peers.

    For features as of now, `start` may be as late as the day's window before.
    """
    groups: dict[str, dict[str, int]] = {}
    sums: dict[tuple[str, str], PeerSums] = {}
    first, hours = _hours(start, end)
    if groupings:
        wanted = {"devices": list(device_ids)}
        rows = conn.execute(load("features")["of_kinds"], wanted).fetchall()
        every = {"devices": [row["id"] for row in rows], "start": first, "end": end}
        attributes = _attributes(conn.execute(load("features")["devices"], every).fetchall())
        for grouping in sorted(groupings):
            keys = group_keys(attributes, grouping)
            groups[grouping] = {key: place for place, key in enumerate(sorted(set(keys)))}
            places = [groups[grouping][key] for key in keys]
            shape = (len(groups[grouping]), hours)
            for name, found in _peer_sums(conn, every | {"places": places}, shape).items():
                sums[grouping, name] = found
    return Peers(first, HOUR, groups, sums)


def _hours(start: datetime, end: datetime) -> tuple[datetime, int]:
    first = floor_to(start, HOUR)
    return first, max(0, int(np.ceil((end - first) / HOUR)))


def _peer_sums(
    conn: Conn, parameters: Mapping[str, Any], shape: tuple[int, int]
) -> dict[str, PeerSums]:
    query = sql.SQL(load("features")["peers"])
    columns = read_arrays(conn, query, _PEERS, parameters, by="place")
    hour = _hour_of(columns["hour"], parameters["start"])
    found: dict[str, PeerSums] = {}
    for row in conn.execute(load("features")["metrics"]).fetchall():
        here = np.flatnonzero(columns["metric_id"] == row["id"])
        if len(here):
            sums = PeerSums(*(np.zeros(shape) for _ in range(3)))
            for name in ("n", "total", "squares"):
                getattr(sums, name)[columns["place"][here], hour[here]] = columns[name][here]
            found[row["name"]] = sums
    return found


def _hour_of(at: NDArray[Any], start: datetime) -> Ints:
    origin = np.datetime64(start.replace(tzinfo=None), "us")
    return ((at - origin) // np.timedelta64(1, "h")).astype(np.int64)


def _installed(row: Mapping[str, Any], start: datetime) -> float:
    if row["installed_on"] is None:
        return float("nan")
    midnight = datetime.combine(row["installed_on"], datetime.min.time(), UTC)
    return (midnight - start) / HOUR


def _attributes(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    free = sorted({name for row in rows for name in row["attributes"]})
    named = {name: tuple(str(row["attributes"].get(name, "")) for row in rows) for name in free}
    own = ("kind", "model", "firmware", "site")
    return named | {name: tuple(row[name] for row in rows) for name in own}


def _series(
    conn: Conn, ids: Ints, start: datetime, hours: int, span: Mapping[str, Any]
) -> tuple[Series, ...]:
    columns = read_arrays(conn, sql.SQL(load("features")["rollups"]), _ROLLUP, span, by="device_id")
    metrics = conn.execute(load("features")["metrics"]).fetchall()
    known = {row["id"]: (row["name"], MetricKind(row["kind"])) for row in metrics}
    return series_of(columns, known, ids, start, hours)


def series_of(
    columns: Mapping[str, NDArray[Any]],
    metrics: Mapping[int, tuple[str, MetricKind]],
    ids: Ints,
    start: datetime,
    hours: int,
) -> tuple[Series, ...]:
    """The rollups of `ids` (ascending), as columns of `rollup_hourly`, by metric and hour.

    `metrics`: the name and kind behind each number. Of a counter only what features look at is
    filled in.
    """
    place = np.searchsorted(ids, columns["device_id"]) * hours + _hour_of(columns["hour"], start)
    found: list[Series] = []
    for number, (name, kind) in metrics.items():
        here = np.flatnonzero(columns["metric_id"] == number)
        if len(here):
            series = empty_series(name, kind, (len(ids), hours))
            where = place[here]
            for value in _VALUES[kind]:
                getattr(series, value).reshape(-1)[where] = columns[value][here]
            found.append(series)
    return tuple(found)


class _Marked:
    """Reads what happened to some devices as marks."""

    def __init__(self, conn: Conn, ids: Ints, start: datetime, span: Mapping[str, Any]) -> None:
        self._conn, self._start = conn, start
        longest = timedelta(hours=windows_h(1.0)[Window.LONG])
        self._span = {**span, "events_start": start - longest}
        self._index = {int(device): position for position, device in enumerate(ids)}

    @cached_property
    def _told(self) -> list[tuple[dict[str, Any], tuple[int, float, float]]]:
        return [(row, self._place(row)) for row in self._rows("events")]

    def events(self) -> Marks:
        named = [(event_name(row["component"], row["code"]), *place) for row, place in self._told]
        errors = [(ANY_ERROR, *place) for row, place in self._told if row["severity"] in SERIOUS]
        return marks([*named, *errors])

    def severities(self) -> Marks:
        return marks(
            (event_name(row["component"], row["severity"]), *place) for row, place in self._told
        )

    def services(self, action: str | None = None) -> Marks:
        """All, or those of one `action`."""
        rows = [row for row in self._repairs if action in (None, row["action"])]
        return marks((row["component"], *self._place(row)) for row in rows)

    @cached_property
    def _repairs(self) -> list[dict[str, Any]]:
        return self._rows("maintenance")

    def failures(self) -> Marks:
        return marks((row["component"], *self._place(row)) for row in self._rows("failures"))

    def _rows(self, query: str) -> list[dict[str, Any]]:
        return self._conn.execute(load("features")[query], self._span).fetchall()

    def _place(self, row: Mapping[str, Any]) -> tuple[int, float, float]:
        return (
            self._index[row["device_id"]],
            (row["at"] - self._start) / HOUR,
            (row["known"] - self._start) / HOUR,
        )
