"""Proof that the store holds what a clock holds: counts and digests, clock by clock.

A polled clock's log is kept as its bytes came; they are decoded anew and held against the stored
records. A clock that pushes is asked for its counts, day by day; the protocol has no digest.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from collectors.zkteco.decode import BY_INDEX, read_attendance
from collectors.zkteco.known import Known
from domain.attendance import Punch
from domain.errors import BadInputError
from pipeline.attendance_export import Wanted
from pipeline.attendance_gaps import CLEARINGS
from pipeline.clock_logs import kept_log
from storage.database import Conn, Database, Row
from storage.queries import load

_Record = tuple[str, datetime, int, int, int]
"""User, local time, status, punch, nth."""

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a clock held when its log was last seen, and what is stored of it.

    Attributes:
        taken_at: when its log was last seen to have grown, or was last counted.
        held, stored: records in its log; records stored of the log's time span.
        missing: of `held`, not stored. `more`: of `stored`, not in its log any more.
        cleared_at: when its log was last seen to be emptied, which explains `more`.
        digest_held, digest_stored: SHA-256 of the records in order; empty: the protocol has none.
        error: why nothing can be proved; empty: it can.
    """

    device: str
    serial: str
    site: str
    taken_at: datetime
    held: int = 0
    stored: int = 0
    missing: int = 0
    more: int = 0
    cleared_at: datetime | None = None
    digest_held: str = ""
    digest_stored: str = ""
    error: str = ""

    @property
    def holds(self) -> bool:
        """Whether everything that the clock held is stored."""
        return not self.error and self.missing == 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.error:
            return f"not proved: {self.error}"
        if self.missing:
            return f"missing {self.missing}"
        if not self.more:
            return "equal"
        why = f", cleared at {self.cleared_at.isoformat()}" if self.cleared_at else ""
        return f"all stored, and {self.more} more{why}"


def prove(database: Database, wanted: Wanted) -> Iterator[Proof]:
    """The proof of each clock that `wanted` names; its period is not looked at.

    Raises NotFoundError for a site or a device that is not there.
    """
    with database.transaction() as conn:
        values = wanted.to_sql(conn) | {"codes": list(CLEARINGS)}
        polled = conn.execute(load("attendance")["clocks_to_prove"], values).fetchall()
        pushing = conn.execute(load("attendance")["checks_to_prove"], values).fetchall()
    for row in polled:
        with database.transaction() as conn:  # one clock each: a log may be large
            yield _of_log(conn, row)
    for row in pushing:
        yield Proof(**row)


def _of_log(conn: Conn, clock: Row) -> Proof:
    found = {name: clock[name] for name in ("device", "serial", "site", "taken_at", "cleared_at")}
    try:
        kept = kept_log(conn, clock["device_id"], clock["serial"])
    except BadInputError as error:
        return Proof(**found, error=str(error))
    raw = _LENGTH.pack(len(kept.body)) + kept.body
    log = read_attendance(raw, kept.claimed, Known(layout=kept.layout), {})
    held = {(*_fields(record.punch), record.nth) for record in log.fresh.records()}
    if log.layout in BY_INDEX and held:
        return Proof(**found, held=len(held), error="its log names users by index")
    stored = _stored(conn, clock["serial"], held)
    return Proof(
        **found,
        held=len(held),
        stored=len(stored),
        missing=len(held - stored),
        more=len(stored - held),
        digest_held=digest(held),
        digest_stored=digest(stored),
    )


def digest(records: Collection[_Record]) -> str:
    """SHA-256 over the records in order, one a line, tabs between: user, time, status, punch, nth."""
    lines = sorted(f"{u}\t{t.isoformat()}\t{s}\t{p}\t{n}\n" for u, t, s, p, n in records)
    return sha256("".join(lines).encode()).hexdigest()


def _fields(punch: Punch) -> tuple[str, datetime, int, int]:
    return punch.user_ref, punch.local_time, punch.status, punch.punch


def _stored(conn: Conn, serial: str, held: Collection[_Record]) -> set[_Record]:
    """What is stored of the log's time span."""
    if not held:
        return set()
    times = [record[1] for record in held]
    values = {"serial": serial, "first": min(times), "last": max(times)}
    rows = conn.execute(load("attendance")["stored_of_clock"], values)
    return {
        (row["user_ref"], row["local_time"], row["status"], row["punch"], row["nth"])
        for row in rows
    }
