"""Does the store hold what a pushing clock holds? It is asked, day by day, and gaps are fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.adms.commands import Command, CommandKind
from collectors.adms.decode import record_sum
from domain.clock import Clock
from domain.errors import NotFoundError
from pipeline.devices.fleet import audit
from pipeline.zones import zone_of
from storage.database import Conn, Database, Row
from storage.queries import load

ROUNDS = 3
"""A day is counted so often at most: as it stands, after it was fetched whole, after hour by hour."""

DAYS_BACK = 7
"""So many past days are asked for, once each."""

_HEARD_WITHIN = timedelta(hours=1)
_ASKED_AGAIN_AFTER = timedelta(hours=6)  # an answer that has not come by then was lost
_COMMANDS_KEPT, _OPERATIONS_KEPT = timedelta(days=90), timedelta(days=400)
_AT_ONCE = 200
_NOT_SUPPORTED, _REFUSAL_HOLDS = -1002, timedelta(days=30)
_DAY, _HOUR, _SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


def ask(conn: Conn, device_id: int, command: Command, asked_by: str, now: datetime) -> int:
    """Queues a command for a clock that pushes; its number."""
    first, last = command.window or (None, None)
    values = {"first": first, "last": last, "asked_by": asked_by, "now": now}
    row = conn.execute(
        load("adms")["ask"], values | {"device_id": device_id, "kind": command.kind.value}
    ).fetchone()
    assert row is not None
    return int(row["id"])


def prove_days(database: Database, clock: Clock) -> int:
    """Asks clocks that call how many records of each past day they hold; returns how many questions.

    To be run every minute or so. Raises StoreUnavailableError when the database is away.
    """
    now = clock.now()
    values: dict[str, Any] = {
        "days": DAYS_BACK,
        "rounds": ROUNDS,
        "heard_after": now - _HEARD_WITHIN,
        "asked_after": now - _ASKED_AGAIN_AFTER,
        "not_supported": _NOT_SUPPORTED,
        "refused_after": now - _REFUSAL_HOLDS,
        "limit": _AT_ONCE,
    }
    with database.transaction() as conn:
        conn.execute(load("adms")["forget_commands"], {"before": now - _COMMANDS_KEPT})
        conn.execute(load("adms")["forget_operations"], {"before": now - _OPERATIONS_KEPT})
        clocks = conn.execute(load("adms")["provable"], values).fetchall()
        values["devices"] = [row["device_id"] for row in clocks]
        values["todays"] = [
            now.astimezone(zone_of(row["time_zone"]) or UTC).date() for row in clocks
        ]
        rows = conn.execute(load("adms")["unchecked_days"], values).fetchall()
        for row in rows:
            count = Command(CommandKind.VERIFY, _whole_day(row["day"]))
            ask(conn, row["device_id"], count, "forecall", now)
    return len(rows)


def ask_clock(conn: Conn, key: str, command: Command, asked_by: str, now: datetime) -> int:
    """As `ask`, of the device `key`, for a person: noted in the audit.

    Raises NotFoundError when no clock that pushes has that key.
    """
    row = conn.execute(load("adms")["of_key"], {"key": key}).fetchone()
    if row is None:
        raise NotFoundError(f"device: no clock that pushes is called {key!r}")
    number = ask(conn, row["device_id"], command, asked_by, now)
    audit(conn, asked_by, "ask_clock", f"device/{key}", {"command": command.text(number)})
    return number


def judge(
    conn: Conn,
    clock: Row,
    window: tuple[datetime, datetime],
    answer: Mapping[str, str],
    now: datetime,
) -> None:
    """Holds a clock's count of a window against the store. What a whole day lacks is asked for."""
    claimed = record_sum(answer)
    if claimed is None or window != _whole_day(window[0]):
        return
    first, last = window
    values: dict[str, Any] = {
        "device_id": clock["device_id"],
        "serial": clock["serial"],
        "first": first,
        "last": last,
        "day": first.date(),
        "claimed": claimed,
        "now": now,
    }
    counted = conn.execute(load("adms")["stored_between"], values).fetchone()
    assert counted is not None
    written = conn.execute(load("adms")["write_check"], values | counted).fetchone()
    assert written is not None
    if claimed > counted["stored"]:
        for command in _fetching(window, written["rounds"]):
            ask(conn, clock["device_id"], command, "forecall", now)


def _fetching(window: tuple[datetime, datetime], rounds: int) -> Iterator[Command]:
    """What brings the missing records of a day, and counts it again."""
    if rounds >= ROUNDS:
        return
    if rounds == 1:
        yield Command(CommandKind.QUERY, window)
    else:  # in smaller parts, none of which a clock cuts in two
        for hour in range(24):
            start = window[0] + hour * _HOUR
            yield Command(CommandKind.QUERY, (start, start + _HOUR - _SECOND))
    yield Command(CommandKind.VERIFY, window)


def _whole_day(moment: Any) -> tuple[datetime, datetime]:
    """The first and the last second of a day, by the clock's own time."""
    # Naive on purpose: it is what the clock's own wall shows.
    start = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    return start, start + _DAY - _SECOND
