"""What a kind of device was like, six hours at a time: kept as arrays, so that weeks of a fleet are
read at once instead of being summed up from rollups again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from models.unusual.anomaly import WINDOWS_A_DAY, Bools, Singles
from pipeline.features.frames import Ints
from storage.arrays import read_arrays
from storage.database import Conn
from storage.queries import load

WINDOW = timedelta(days=1) / WINDOWS_A_DAY
SETTLED = timedelta(minutes=30)
"""A window is looked at so long after its end: by then its rollups stand."""

TROUBLE = ":*"
"""Ends the subject that counts a component's warnings and errors."""

_TYPES = {"metric_id": "int2", "device_id": "int4", "level": "float8", "newest": "float8"}
_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One window of one kind: the arrays are (devices, subjects), NaN where unknown.

    Attributes:
        counted: (subjects,) whether a subject's level is a count in the window, else a mean.
        newest: each gauge's last value in the window.
    """

    until: datetime
    device_ids: Ints
    subjects: tuple[str, ...]
    counted: Bools
    level: Singles
    newest: Singles


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Windows one after the other, none left out: `values` is (windows, devices, subjects)."""

    untils: tuple[datetime, ...]
    values: Singles


def last_window(now: datetime) -> datetime:
    """The end of the newest window that can be looked at."""
    return _EPOCH + (now - SETTLED - _EPOCH) // WINDOW * WINDOW


def read_window(conn: Conn, kind: str, until: datetime) -> Window:
    """The window that ends at `until`, from rollups and events."""
    span = {"kind": kind, "start": until - WINDOW, "until": until}
    found = read_arrays(conn, sql.SQL(load("watch_fleet")["window"]), _TYPES, span, by="metric_id")
    trouble = conn.execute(load("watch_fleet")["trouble"], span).fetchall()
    metrics = conn.execute(load("watch_fleet")["metrics"]).fetchall()
    seen = [row["device_id"] for row in trouble]
    device_ids = np.unique(np.concatenate([found["device_id"], np.array(seen, np.int64)]))
    known = [row for row in metrics if (found["metric_id"] == row["id"]).any()]
    parts = sorted({row["component"] for row in trouble})
    shape = (len(device_ids), len(known) + len(parts))
    level, newest = (np.full(shape, np.nan, np.float32) for _ in range(2))
    for column, row in enumerate(known):
        here = found["metric_id"] == row["id"]
        at = np.searchsorted(device_ids, found["device_id"][here])
        level[at, column], newest[at, column] = found["level"][here], found["newest"][here]
    level[:, len(known) :] = 0
    for row in trouble:
        column = len(known) + parts.index(row["component"])
        level[np.searchsorted(device_ids, row["device_id"]), column] = row["count"]
    subjects = (*(row["name"] for row in known), *(f"{part}{TROUBLE}" for part in parts))
    counted = [row["kind"] == "counter" for row in known] + [True] * len(parts)
    return Window(until, device_ids, subjects, np.array(counted, bool), level, newest)


def keep_window(
    conn: Conn,
    kind: str,
    window: Window,
    apart: Singles,
    unusual: Singles,
    components: Sequence[str],
    score: Singles,
) -> None:
    """Stores a window with what was made of it; `score` is (components, devices)."""
    row: dict[str, Any] = {
        "kind": kind,
        "until": window.until,
        "device_ids": window.device_ids.astype("<i4").tobytes(),
        "subjects": list(window.subjects),
        "counted": window.counted.tolist(),
        "components": list(components),
        "score": score.astype("<f4").tobytes(),
    }
    matrices = {"level": window.level, "newest": window.newest, "apart": apart, "unusual": unusual}
    packed = {name: matrix.T.astype("<f4").tobytes() for name, matrix in matrices.items()}
    conn.execute(load("watch_fleet")["add"], row | packed)


def read_past(
    conn: Conn,
    kind: str,
    what: str,
    device_ids: Ints,
    subjects: Sequence[str],
    span: tuple[datetime, datetime],
) -> Past:
    """What was kept of `what` (a query: `apart`, `unusual`, `score`, ...) for these devices and
    subjects, in the windows that end after `span[0]` and not after `span[1]`."""
    rows = conn.execute(
        load("watch_fleet")[what], {"kind": kind, "since": span[0], "until": span[1]}
    ).fetchall()
    first = rows[0]["until"] if rows else span[1]
    count = int((span[1] - first) / WINDOW) + 1 if rows else 0
    values = np.full((count, len(device_ids), len(subjects)), np.nan, np.float32)
    for row in rows:
        number = int((row["until"] - first) / WINDOW)
        _place(values[number], row, row[what_column(what)], device_ids, subjects)
    return Past(tuple(first + number * WINDOW for number in range(count)), values)


def what_column(what: str) -> str:
    """The column that the query `what` reads."""
    return {"levels": "level", "newest_values": "newest"}.get(what, what)


def _place(
    into: Singles,
    row: Mapping[str, Any],
    packed: bytes,
    device_ids: Ints,
    subjects: Sequence[str],
) -> None:
    theirs = np.frombuffer(row["device_ids"], "<i4")
    values: NDArray[Any] = np.frombuffer(packed, "<f4").reshape(len(row["subjects"]), len(theirs))
    if not len(theirs):
        return
    at = np.minimum(np.searchsorted(theirs, device_ids), len(theirs) - 1)
    there = theirs[at] == device_ids
    columns = {subject: number for number, subject in enumerate(row["subjects"])}
    for number, subject in enumerate(subjects):
        if subject in columns:
            into[there, number] = values[columns[subject], at[there]]
        elif subject.endswith(TROUBLE):
            into[there, number] = 0  # nobody had any
