"""What people say of routers, switches, segments and power feeds that nobody watches: it is down, it is up.

A parent that was declared down is a batch from the start: one alert and one ticket, and what hangs on it
and goes down is a member until somebody says that it is up again.
"""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb

from alerts.correlation import store, suspects
from alerts.correlation.correlate import grow
from alerts.correlation.evidence import DOWN, Declared
from alerts.desk_port import CaseDesk
from alerts.outbox import Topic
from domain.clock import Clock, SystemClock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from domain.report import Severity
from storage.database import Conn, Database, Row
from storage.queries import load

_MAX_REASON = 500


def declare_down(
    database: Database, clock: Clock, desk: CaseDesk, key: str, *, reason: str, actor: str
) -> int:
    """Says that a parent which is not watched is down; returns its batch.

    Raises NotFoundError; NotAllowedError where it is watched, or declared down already; BadInputError.
    """
    if not 0 < len(reason.strip()) <= _MAX_REASON:
        raise BadInputError(f"reason: {len(reason)} characters; allowed: 1 to {_MAX_REASON}")
    with database.transaction() as conn:
        now = clock.now()
        conn.execute(load("alerts")["wait_turn"])
        parent = _unwatched(conn, key)
        batch_id = _stand(conn, parent, now, Declared(actor, reason.strip()))
        declared = {"batch_id": batch_id, "now": now}
        if conn.execute(load("correlation")["declare_down"], declared).fetchone() is None:
            raise NotAllowedError(f"{key} is declared down already")
        store.tell(conn, now, desk, batch_id, Topic.BATCH_OPENED)
        suspects.gather(conn, now)
        grow(conn, now, desk)
        _audit(conn, actor, "declare_down", key, {"reason": reason.strip(), "batch": batch_id})
        return batch_id


def declare_up(database: Database, clock: Clock, key: str, *, actor: str) -> None:
    """Says that it is up again. Its batch ends when all that hangs on it is up, or after ten minutes: who
    is still down then has a fault of its own.

    Raises NotAllowedError where nobody said that it is down.
    """
    with database.transaction() as conn:
        cleared = {"key": key, "now": clock.now()}
        if conn.execute(load("correlation")["declare_up"], cleared).fetchone() is None:
            raise NotAllowedError(f"nobody said that {key!r} is down")
        _audit(conn, actor, "declare_up", key, {})


def _stand(conn: Conn, parent: Row, now: datetime, said: Declared) -> int:
    """The open batch of the parent, whoever recognised it, or a new one."""
    key = {"kind": parent["kind"], "key": parent["key"], "signature": DOWN}
    found = conn.execute(load("correlation")["same_batch"], key).fetchone()
    if found is not None and found["ended_at"] is None:
        return int(found["id"])
    return store.stand_up(conn, now, parent, DOWN, said, now, Severity.ERROR)


def _unwatched(conn: Conn, key: str) -> Row:
    row = conn.execute(load("parents")["lock"], {"key": key}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no parent {key!r}")
    if row["device_id"] is not None:
        raise NotAllowedError(f"{key} is watched itself: its own device says whether it is down")
    return row


def _audit(conn: Conn, actor: str, action: str, key: str, detail: dict[str, object]) -> None:
    conn.execute(
        load("desk")["audit"],
        {
            "at": SystemClock().now(),  # the audit goes by the wall's time, always
            "actor": actor,
            "action": action,
            "object": f"parent/{key}",
            "detail": Jsonb(detail),
        },
    )
