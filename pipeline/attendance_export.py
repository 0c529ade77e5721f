"""Attendance records out of the store: for payroll, by site and period, in pages of bounded size."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import psycopg

from domain.attendance import PUNCH_WORDS, STATUS_WORDS
from domain.errors import BadInputError, NotFoundError
from pipeline.devices.fleet import audit
from storage.database import Conn, Database, Row
from storage.queries import load

LONGEST = timedelta(days=366)
"""A period is at most so long."""

HEADER = (
    "site",
    "device",
    "serial",
    "user",
    "local_time",
    "utc_time",
    "time_zone",
    "status",
    "status_code",
    "punch",
    "punch_code",
    "nth",
)
"""The columns of the CSV file, in their order: programs rely on it."""

PLACE = ("at", "serial", "user_ref", "local_time", "status", "punch", "nth")
"""The order of records."""

_ROWS_AT_ONCE = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: of a site or a device or all, made on the days `first` to `last` (both counted)
    by the clocks' own calendars.

    Raises BadInputError for a period that is turned round or too long.
    """

    first: date
    last: date
    site: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.last - self.first < LONGEST:
            raise BadInputError(
                f"from {self.first} to {self.last}: 1 to {LONGEST.days} days are wanted"
            )

    def to_sql(self, conn: Conn) -> dict[str, Any]:
        """Raises NotFoundError for a site or a device that is not there."""
        return {
            "first": self.first,
            "last": self.last,
            "site_id": _number(conn, "site", self.site),
            "device_id": _number(conn, "device", self.device),
        }


def _number(conn: Conn, what: str, key: str | None) -> int | None:
    if key is None:
        return None
    row = conn.execute(load("attendance")[what], {what: key}).fetchone()
    if row is None:
        raise NotFoundError(f"{what}: there is no {key!r}")
    return int(row["id"])


def read_page(conn: Conn, wanted: Wanted, after: Mapping[str, Any] | None, limit: int) -> list[Row]:
    """Up to `limit` records behind the one whose `PLACE` is `after`, oldest first.

    Raises NotFoundError for a site or a device that is not there, BadInputError for no such place.
    """
    place = {name: after[name] if after else None for name in PLACE}
    values = wanted.to_sql(conn) | place | {"limit": limit}
    try:
        return conn.execute(load("attendance")["page"], values).fetchall()
    except psycopg.DataError as error:
        raise BadInputError(f"there is no place {place} in this list") from error


def csv_lines(database: Database, wanted: Wanted) -> Iterator[str]:
    """The records as CSV (RFC 4180), the header first, in pieces of many lines.

    Each piece is read in a transaction of its own: whoever reads slowly holds nothing up.
    """
    yield _csv([HEADER])
    after: Row | None = None
    while True:
        with database.transaction() as conn:
            rows = read_page(conn, wanted, after, _ROWS_AT_ONCE)
        if rows:
            yield _csv([_cells(row) for row in rows])
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = rows[-1]


def note_reading(conn: Conn, actor: str, wanted: Wanted, how: str) -> None:
    """Writes into the audit who read whose punches. `how`: page, json, csv."""
    period = {"from": wanted.first.isoformat(), "to": wanted.last.isoformat(), "as": how}
    whose = f"site/{wanted.site}" if wanted.site else "all sites"
    audit(
        conn,
        actor,
        "read_attendance",
        f"device/{wanted.device}" if wanted.device else whose,
        period,
    )


def status_word(code: int) -> str:
    """How a user was recognised; empty for a code that no table has."""
    return STATUS_WORDS.get(code, "")


def punch_word(code: int) -> str:
    """What a punch was; empty for a code that no table has."""
    return PUNCH_WORDS.get(code, "")


def utc_text(row: Row) -> str:
    """The moment in UTC, ISO 8601."""
    return f"{row['at'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        _harmless(row["site"]),
        _harmless(row["device"]),
        _harmless(row["serial"]),
        _harmless(row["user_ref"]),
        f"{row['local_time']:%Y-%m-%d %H:%M:%S}",
        utc_text(row),
        row["zone"],
        status_word(row["status"]),
        str(row["status"]),
        punch_word(row["punch"]),
        str(row["punch"]),
        str(row["nth"]),
    )


def _harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: list[tuple[str, ...]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()
