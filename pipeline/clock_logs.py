"""The bytes of the clocks' attendance logs, kept as they came and checked when they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from collectors.zkteco.decode import AttendanceLog
from domain.errors import BadInputError, NotFoundError
from storage.database import Conn, Row
from storage.queries import load

KEPT_REPLACED = 3
"""So many logs are kept, of a clock, from before its log shrank: somebody may have lost punches."""

_MANY_SEGMENTS, _LONG_SEGMENT = 128, 65_536


@dataclass(frozen=True, slots=True)
class KeptLog:
    """A clock's attendance log as its bytes came (without their length in front).

    Attributes:
        taken_at: when it was last seen to have grown.
        layout: a name of `collectors.zkteco.decode.LAYOUTS`.
        claimed: records that the clock said it holds.
    """

    taken_at: datetime
    layout: str
    claimed: int
    body: bytes


def keep_log(
    conn: Conn, device_id: int, serial: str, log: AttendanceLog, claimed: int, now: datetime
) -> None:
    """Keeps what is new in the log of the clock `serial`; nothing is written when nothing is.

    Raises BadInputError when the beginning that is known of it is not kept here.
    """
    whose = {"device_id": device_id, "serial": serial}
    row = conn.execute(load("clock_logs")["current"], whose).fetchone()
    if row is not None and _continues(row, log):
        if log.sha256 != row["sha256"]:
            _grow(conn, row, log, claimed, now)
        return
    if log.start:
        raise BadInputError(f"the log of {serial} goes on at {log.start}, but that is not kept")
    if row is not None:
        _replace(conn, row, whose, log, now)
    if row is not None or log.length:
        _begin(conn, whose, log, claimed, now)


def kept_log(conn: Conn, device_id: int, serial: str) -> KeptLog:
    """The newest log that is kept of the clock `serial`, put together.

    Raises NotFoundError when there is none, BadInputError when its bytes are not what they were.
    """
    whose = {"device_id": device_id, "serial": serial}
    row = conn.execute(load("clock_logs")["newest"], whose).fetchone()
    if row is None:
        raise NotFoundError(f"no log is kept of the clock {serial} as device {device_id}")
    rows = conn.execute(load("clock_logs")["segments"], {"id": row["id"]})
    body = b"".join(segment["body"] for segment in rows)
    if sha256(body).hexdigest() != row["sha256"]:
        raise BadInputError(f"the log that is kept of {serial} is damaged: its SHA-256 is another")
    return KeptLog(row["taken_at"], row["layout"], row["claimed"], body)


def _continues(row: Row, log: AttendanceLog) -> bool:
    """Whether `log` begins with the bytes that are kept."""
    if log.start:
        return bool(log.start == row["length"])
    beginning = memoryview(log.tail)[: row["length"]]
    digest: str = row["sha256"]
    return len(beginning) == row["length"] and sha256(beginning).hexdigest() == digest


def _grow(conn: Conn, row: Row, log: AttendanceLog, claimed: int, now: datetime) -> None:
    values = {"id": row["id"], "long": _LONG_SEGMENT, "many": _MANY_SEGMENTS}
    conn.execute(load("clock_logs")["grown"], values | _state(log, claimed, now))
    _append(conn, row["id"], row["length"], log.tail[row["length"] - log.start :])
    conn.execute(load("clock_logs")["merge"], values)


def _replace(
    conn: Conn, row: Row, whose: dict[str, object], log: AttendanceLog, now: datetime
) -> None:
    """A log that shrank is kept for a while; one whose oldest records were overwritten is not:
    its records are stored, and it would be kept anew with each punch."""
    conn.execute(load("clock_logs")["replaced"], {"id": row["id"], "now": now})
    kept = KEPT_REPLACED if log.length < row["length"] else 0
    conn.execute(load("clock_logs")["forget_replaced"], {**whose, "kept": kept})


def _begin(
    conn: Conn, whose: dict[str, object], log: AttendanceLog, claimed: int, now: datetime
) -> None:
    row = conn.execute(
        load("clock_logs")["begin"], {**whose, **_state(log, claimed, now)}
    ).fetchone()
    assert row is not None
    _append(conn, row["id"], 0, log.tail)


def _append(conn: Conn, log_id: int, start: int, body: bytes) -> None:
    if body:
        conn.execute(load("clock_logs")["append"], {"id": log_id, "start": start, "body": body})


def _state(log: AttendanceLog, claimed: int, now: datetime) -> dict[str, object]:
    return {
        "layout": log.layout,
        "claimed": claimed,
        "length": log.length,
        "sha256": log.sha256,
        "now": now,
    }
