"""The codes that no dialect table knows, gathered from the stored events for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.dialects import translate
from storage.database import Conn, Database
from storage.queries import load

_LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that devices say and no table knows.

    Attributes:
        seen: in how many events, at least: one stored long after it arrived may be left out.
        device: the key of a device that says it.
    """

    dialect: str
    raw_code: str
    component: str
    first_at: datetime
    last_at: datetime
    seen: int
    device: str


def note_unknown_codes(database: Database, clock: Clock) -> int:
    """Notes what the events of the last day say and no table knows; returns how many codes.

    A code that a table has come to know is forgotten. Raises StoreUnavailableError.
    """
    noted = 0
    with database.transaction() as conn:
        rows = conn.execute(load("codes")["said"], {"since": clock.now() - _LOOK_BACK}).fetchall()
        for row in rows:
            known = translate(row["dialect"], row["raw_code"], row["component"]) is not None
            if not known and row["seen"]:
                conn.execute(load("codes")["note"], row)
            noted += not known
        for code in unknown_codes(conn):
            if translate(code.dialect, code.raw_code, code.component) is not None:
                conn.execute(
                    load("codes")["forget"],
                    {
                        "dialect": code.dialect,
                        "raw_code": code.raw_code,
                        "component": code.component,
                    },
                )
    return noted


def unknown_codes(conn: Conn) -> list[UnknownCode]:
    """All that are noted, the most frequent first."""
    return [UnknownCode(**row) for row in conn.execute(load("codes")["unknown"]).fetchall()]
