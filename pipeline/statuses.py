"""The one writer of `device_status` and `device_transition`: ingest, sweep and watch share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row

from domain.device import DeviceState, Transition
from domain.errors import StoreUnavailableError
from pipeline.state import Status, Step
from storage.copy import copy_rows
from storage.database import Conn, Row
from storage.literals import moments, numbers, texts
from storage.queries import load

_COLUMNS = Status.__struct_fields__
_REFRESHED = ("device_id", "seq", "last_seen_at", "interval_s", "due_at")
_STATES = {state.value: state for state in DeviceState}
_LITERALS: Mapping[str, Callable[[Sequence[Any]], str]] = {
    **dict.fromkeys(("device_id", "seq", "interval_s", "version"), numbers),
    **dict.fromkeys(("collector", "state", "reported", "component", "boot_id"), texts),
    **dict.fromkeys(("since", "last_seen_at", "due_at"), moments),
}

PENDING_SIGN = {
    "kind": "text",
    "device_id": "int4",
    "at": "timestamptz",
    "component": "text",
    "code": "text",
    "severity": "text",
    "to_state": "text",
    "cause": "text",
    "detail": "text",
}


def make_statuses(conn: Conn, collector: str, devices: Iterable[int], now: datetime) -> None:
    """Gives each device its row, which says that nobody watches it yet, if it has none."""
    values = {"devices": numbers(devices), "collector": collector, "now": now}
    conn.execute(load("state")["make"], values)


def lock_statuses(conn: Conn, devices: Iterable[int]) -> dict[int, Status]:
    """The statuses of those `devices` that have one, locked until the transaction ends."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(load("state")["lock"], {"devices": numbers(devices)})
        return {row[0]: _status(*row) for row in cursor}


def status_of(row: Row) -> Status:
    """A row of `device_status` as a value."""
    return _status(*[row[name] for name in _COLUMNS])


def _status(device_id: int, collector: str, state: str, *rest: Any) -> Status:
    return Status(device_id, collector, _STATES[state], *rest)


def write_steps(
    conn: Conn, read: Sequence[Status], steps: Sequence[Sequence[Step]], now: datetime
) -> int:
    """Writes what became of each status in `read`: the last of its steps, and every transition.

    Compare-and-set on the version that was read. Returns the number of transitions; each leaves a
    sign for the alert rules. Raises StoreUnavailableError when another writer was there first, so
    that the caller does its transaction again.
    """
    changed = [
        (before, taken[-1].status)
        for before, taken in zip(read, steps, strict=True)
        if taken and taken[-1].status != before
    ]
    refreshed = [(before, after) for before, after in changed if _is_refreshed(before, after)]
    if refreshed:
        _write(conn, "refresh", _REFRESHED, refreshed)
    if len(refreshed) < len(changed):
        others = [pair for pair in changed if not _is_refreshed(*pair)]
        _write(conn, "write", _COLUMNS, others)
    made = [
        (step.transition, step.status.version)
        for taken in steps
        for step in taken
        if step.transition is not None
    ]
    if made:
        _write_transitions(conn, made, now)
    return len(made)


def _is_refreshed(before: Status, after: Status) -> bool:
    """Whether the device was only heard again: by far the most changes."""
    return (
        before.version == after.version
        and before.boot_id == after.boot_id
        and before.reported == after.reported
        and before.component == after.component
        and before.collector == after.collector
    )


def _write(
    conn: Conn,
    statement: str,
    names: Sequence[str],
    changed: Sequence[tuple[Status, Status]],
) -> None:
    columns = {
        name: _LITERALS[name]([getattr(after, name) for _, after in changed]) for name in names
    }
    columns["read_version"] = numbers([before.version for before, _ in changed])
    written = conn.execute(load("state")[statement], columns).rowcount
    if written != len(changed):
        raise StoreUnavailableError("a device's status was changed by another writer; try again")


def _write_transitions(conn: Conn, made: Sequence[tuple[Transition, int]], now: datetime) -> None:
    names = [field.name for field in fields(Transition)]
    columns: dict[str, Any] = {
        name: [getattr(transition, name) for transition, _ in made] for name in names
    }
    columns |= {"version": [version for _, version in made], "now": now}
    conn.execute(load("state")["transitions"], columns)
    copy_rows(conn, "pending_sign", PENDING_SIGN, (_sign(transition) for transition, _ in made))


def _sign(made: Transition) -> tuple[Any, ...]:
    words = (made.to_state.value, made.cause.value, made.detail)
    return ("transition", made.device_id, made.at, made.component, "", "", *words)
