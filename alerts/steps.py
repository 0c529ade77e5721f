"""Steps of many alerts at once: each is taken as the table allows, kept, and announced.

The caller's transaction has locked the alerts. Whoever locks several takes them in the order of
their faults, so that two who do never block each other for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.lifecycle import AlertState, step
from alerts.outbox import Announcement, Topic, announce_many
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_ids, as_rows

SYSTEM = "forecall"
"""The actor of what happens by rule."""

_TOPICS = {"return": Topic.ALERT_RETURNED, "acknowledge": Topic.ALERT_ACKNOWLEDGED}
_TOLD_ANEW = frozenset({"raise", "release"})
"""Steps that make news of an alert; it is told when nothing holds it back (alerts.telling)."""

_MAY_WAIT = [AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED]


@dataclass(frozen=True, slots=True)
class Alert:
    """An open alert whose row is locked by this transaction.

    Attributes:
        fault: None for the alert of a batch.
        told: people were told that it is active.
        batch_id: of the batch that it is, or last was, a member of.
    """

    id: int
    fault: Fault | None
    state: AlertState
    severity: Severity
    active: bool
    told: bool
    flapping: bool
    batch_id: int | None

    @property
    def subject(self) -> str:
        """What announcements call it."""
        return f"alert/{self.id}" if self.fault else f"batch/{self.id}"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one alert.

    Attributes:
        held_until: of `raise` and `release`: people are told no earlier.
        cause: why; None where the step's name says it.
        batch_id: of `suppress`: the alert becomes part of that batch.
        stays: of `release`: something else holds it back now, and it stays part of its batch.
        more: what its announcement tells beside the step's name.
    """

    alert: Alert
    name: str
    at: datetime
    actor: str = SYSTEM
    held_until: datetime | None = None
    cause: Text | None = None
    batch_id: int | None = None
    stays: bool = False
    more: tuple[tuple[str, Any], ...] = ()

    @property
    def result(self) -> Alert:
        """The alert after the step. Raises NotAllowedError."""
        target = step(self.name, self.alert.state).target
        flapping = {"flap": True, "calm": False}.get(self.name, self.alert.flapping)
        told = self.alert.told and self.name not in _TOLD_ANEW
        return replace(self.alert, state=target, active=target.active, flapping=flapping, told=told)


def lock(conn: Conn, alert_ids: Iterable[int]) -> list[Alert]:
    """Locks those of the alerts that are open, in the order of their faults."""
    wanted = list(alert_ids)
    if not wanted:
        return []
    rows = conn.execute(load("board")["lock"], {"alert_ids": as_ids(wanted)})
    return [alert_of(row) for row in rows]


def alert_of(row: Row) -> Alert:
    """A row of `alert` as its value."""
    fault = None
    if row["device_id"] is not None:
        fault = Fault(row["device_id"], row["component"], FaultClass(row["fault_class"]))
    return Alert(
        id=row["id"],
        fault=fault,
        state=AlertState(row["state"]),
        severity=Severity(row["severity"]),
        active=row["active"],
        told=row["told_at"] is not None,
        flapping=row["flapping_since"] is not None,
        batch_id=row["batch_id"],
    )


def take(conn: Conn, changes: Sequence[Change]) -> list[Alert]:
    """Takes one step of each of some alerts. Raises NotAllowedError."""
    if not changes:
        return []
    results = [change.result for change in changes]
    rows = as_rows(map(_written, changes, results))
    conn.execute(load("board")["write_steps"], {"waiting": _MAY_WAIT, "rows": rows})
    conn.execute(load("board")["record_steps"], {"rows": as_rows(map(_recorded, changes))})
    announce_many(conn, [_announcement(change) for change in changes if _is_told(change)])
    return results


def close_over(conn: Conn, alert_ids: Sequence[int], now: datetime) -> None:
    """Closes those alerts that have returned, wait for nobody, have calmed down and have no open
    ticket."""
    if not alert_ids:
        return
    parameters = {"alert_ids": list(alert_ids), "now": now}
    rows = conn.execute(load("board")["close_over"], parameters).fetchall()
    told = [row for row in rows if row["told_at"] is not None]
    announce_many(
        conn,
        [
            Announcement(
                Topic.ALERT_CLOSED,
                f"{'batch' if row['device_id'] is None else 'alert'}/{row['id']}",
                now,
            )
            for row in told
        ],
    )


def _written(change: Change, result: Alert) -> Row:
    return {
        "alert_id": result.id,
        "name": change.name,
        "to_state": result.state,
        "active": result.active,
        "anew": change.name in _TOLD_ANEW,
        "held_until": change.held_until,
        "at": change.at,
        "batch_id": change.batch_id,
        "stays": change.stays,
    }


def _recorded(change: Change) -> Row:
    return {
        "alert_id": change.alert.id,
        "from_state": change.alert.state,
        "to_state": step(change.name, change.alert.state).target,
        "name": change.name,
        "at": change.at,
        "actor": change.actor,
        "cause": change.cause and change.cause.to_json(),
    }


def _is_told(change: Change) -> bool:
    """Of what people were never told they are not told the end either; what a person does is."""
    if change.name in _TOLD_ANEW:
        return False
    return change.alert.told or change.name == "acknowledge"


def _announcement(change: Change) -> Announcement:
    topic = _TOPICS.get(change.name, Topic.ALERT_CHANGED)
    data = {"step": change.name, **dict(change.more)}
    return Announcement(topic, change.alert.subject, change.at, data)
