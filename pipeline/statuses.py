"""The one writer of `device_status` and `device_transition`: ingest, sweep and watch share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from msgspec.structs import astuple

from domain.device import DeviceState, Transition
from domain.errors import StoreUnavailableError
from pipeline.state import Status, Step
from storage.copy import copy_rows
from storage.database import Conn, Row
from storage.literals import moments, numbers, texts
from storage.queries import load

_COLUMNS = Status.__struct_fields__
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


def lock_statuses(
    conn: Conn, collector: str, devices: Sequence[int], now: datetime
) -> dict[int, Status]:
    """The statuses of `devices`, locked until the transaction ends; made where there were none."""
    wanted = {"devices": numbers(devices), "collector": collector, "now": now}
    rows = conn.execute(load("state")["lock"], wanted).fetchall()
    if len(rows) < len(devices):
        conn.execute(load("state")["make"], wanted)
        rows = conn.execute(load("state")["lock"], wanted).fetchall()
    return {row["device_id"]: status_of(row) for row in rows}


def status_of(row: Row) -> Status:
    """A row of `device_status` as a value."""
    device_id, collector, state, *rest = [row[name] for name in _COLUMNS]
    return Status(device_id, collector, DeviceState(state), *rest)


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
    if changed:
        _write_statuses(conn, changed)
    made = [
        (step.transition, step.status.version)
        for taken in steps
        for step in taken
        if step.transition is not None
    ]
    if made:
        _write_transitions(conn, made, now)
    return len(made)


def _write_statuses(conn: Conn, changed: Sequence[tuple[Status, Status]]) -> None:
    rows = zip(*[astuple(after) for _, after in changed], strict=True)
    columns = {name: _LITERALS[name](column) for name, column in zip(_COLUMNS, rows, strict=True)}
    columns["read_version"] = numbers([before.version for before, _ in changed])
    written = conn.execute(load("state")["write"], columns).rowcount
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
