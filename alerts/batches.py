"""What people read of batches: the cause, the evidence for it, and the devices that are part of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.correlation.evidence import Evidence, place
from alerts.lifecycle import AlertState
from domain.errors import NotFoundError
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load

AT_MOST = 500
"""Batches, or members of one, that are read at once."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Faults of many devices that have one cause.

    Attributes:
        id: also of its own alert.
        kind: of what the devices share: `site`, `router`, `firmware`, ...
        cause: the headline of its alert.
        site_id: where most members stand.
        members: so many in all; active: so many still.
        absorbed_by: the wider batch that it became part of.
        ticket_id: its ticket, the last one if there were several.
    """

    id: int
    kind: str
    place: Text
    cause: Text
    site_id: int | None
    severity: Severity
    state: AlertState
    first_at: datetime
    recognised_at: datetime
    ended_at: datetime | None
    members: int
    active: int
    evidence: list[Text]
    absorbed_by: int | None
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A fault that is, or was, part of a batch.

    Attributes:
        left_at: None: it is still part of it.
        ticket_id: its own open ticket, if it has one beside the batch's.
    """

    alert_id: int
    device_id: int
    device_key: str
    component: str
    fault_class: FaultClass
    state: AlertState
    active: bool
    joined_at: datetime
    left_at: datetime | None
    ticket_id: int | None


def batches(conn: Conn, *, only_open: bool = True, limit: int = AT_MOST) -> list[Batch]:
    """Batches, those recognised last first; with those that are over, if not `only_open`."""
    wanted = {"batch_id": None, "only_open": only_open, "limit": min(limit, AT_MOST)}
    return [_batch(row) for row in conn.execute(load("correlation")["batches"], wanted)]


def batch(conn: Conn, batch_id: int) -> Batch:
    """One batch. Raises NotFoundError."""
    wanted = {"batch_id": batch_id, "only_open": False, "limit": 1}
    row = conn.execute(load("correlation")["batches"], wanted).fetchone()
    if row is None:
        raise NotFoundError(f"there is no batch {batch_id}")
    return _batch(row)


def members(conn: Conn, batch_id: int, limit: int = AT_MOST, offset: int = 0) -> list[Member]:
    """The members of a batch: those whose fault still holds first, by their devices' keys."""
    wanted = {"batch_id": batch_id, "limit": min(limit, AT_MOST), "offset": offset}
    return [_member(row) for row in conn.execute(load("correlation")["members"], wanted)]


def batch_of(conn: Conn, fault: Fault) -> tuple[int, int | None] | None:
    """The open batch that a device's fault is part of now, and its open ticket."""
    wanted = {"device_id": fault.device_id, "component": fault.component}
    row = conn.execute(load("correlation")["batch_of_fault"], wanted).fetchone()
    return (row["batch_id"], row["ticket_id"]) if row else None


def _batch(row: Row) -> Batch:
    same = ("id", "kind", "site_id", "first_at", "recognised_at", "ended_at", "members", "active")
    return Batch(
        **{name: row[name] for name in (*same, "absorbed_by", "ticket_id")},
        place=place(row["kind"], row["name"]),
        cause=Text.from_json(row["message"]),
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
        evidence=Evidence.from_json(row["evidence"]).sentences(),
    )


def _member(row: Row) -> Member:
    read = {"fault_class": FaultClass(row["fault_class"]), "state": AlertState(row["state"])}
    return Member(**(row | read))
