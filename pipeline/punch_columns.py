"""Columns of punches into the store, by binary COPY from numpy's own bytes: no loop over records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from collectors.zkteco.columns import EPOCH, Ints, Punches
from storage.database import Conn
from storage.queries import load

_COPY = (
    b"COPY attendance_incoming (user_ref, at, local_time, status, punch, nth)"
    b" FROM STDIN (FORMAT BINARY)"
)
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_TAIL = b"\xff\xff"
_DAY_S = 86_400
_FIELDS = (
    ("at", ">i8"),
    ("local_time", ">i8"),
    ("status", ">i2"),
    ("punch", ">i2"),
    ("nth", ">i4"),
)


def store_columns(
    conn: Conn, device_id: int, serial: str, zone: ZoneInfo, punches: Punches, now: datetime
) -> int:
    """As `pipeline.attendance.store_records`, for records in columns."""
    if not len(punches):
        return 0
    conn.execute(load("attendance")["incoming"])
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(copy_bytes(punches, zone))
    values = {"device_id": device_id, "serial": serial, "now": now}
    return conn.execute(load("attendance")["take_in"], values).rowcount


def copy_bytes(punches: Punches, zone: ZoneInfo) -> bytes:
    """The rows as COPY reads them; those whose users' numbers are equally long come together.

    Source of the format: PostgreSQL's manual on COPY, "Binary Format".
    """
    lengths = np.char.str_len(punches.user)
    parts = [
        _rows(punches.of(lengths == length), int(length), zone) for length in np.unique(lengths)
    ]
    return b"".join([_HEAD, *parts, _TAIL])


def utc_seconds(local_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds from 2000-01-01 UTC to what a wall in `zone` showed `local_s` after `EPOCH`.

    An hour that a time change repeats is its first pass. The zone is asked once a day, and for each
    record only on days on which its offset changes.
    """
    days, place = np.unique(local_s // _DAY_S, return_inverse=True)
    bounds = [(_offset(day * _DAY_S, zone), _offset((day + 1) * _DAY_S - 1, zone)) for day in days]
    offsets = np.array(bounds, np.int64).reshape(-1, 2)[place]
    result = local_s - offsets[:, 0]
    changed = np.flatnonzero(offsets[:, 0] != offsets[:, 1])
    result[changed] = [second - _offset(second, zone) for second in local_s[changed].tolist()]
    return result


def _offset(local_s: int, zone: ZoneInfo) -> int:
    """Seconds that `zone` is ahead of UTC when its walls show this."""
    local = EPOCH + timedelta(seconds=int(local_s))
    utc = local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    return round((local - utc).total_seconds())


def _rows(punches: Punches, length: int, zone: ZoneInfo) -> bytes:
    """Rows of one width: the count of fields, then each one's length and bytes."""
    rows = np.zeros(len(punches), _row_type(length))
    rows["fields"] = 6
    rows["user_ref"] = punches.user
    rows["at"] = utc_seconds(punches.local_s, zone) * 1_000_000
    rows["local_time"] = punches.local_s * 1_000_000
    for name in ("status", "punch", "nth"):
        rows[name] = getattr(punches, name)
    rows["len user_ref"] = length
    for name, kind in _FIELDS:
        rows[f"len {name}"] = np.dtype(kind).itemsize
    return rows.tobytes()


def _row_type(length: int) -> np.dtype[Any]:
    columns: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in (("user_ref", f"S{length}"), *_FIELDS):
        columns += [(f"len {name}", ">i4"), (name, kind)]
    return np.dtype(columns)
