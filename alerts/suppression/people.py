"""What people do to hold alerts back. Each act is bounded, has a reason, and is audited.

Each raises NotFoundError, NotAllowedError, BadInputError or StoreUnavailableError, and then changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alerts.suppression.cover import cover
from domain.clock import Clock, SystemClock, require_aware
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from domain.fault import Fault, FaultClass
from storage.database import Conn, Database, Row
from storage.queries import load

MAX_SHELF = timedelta(days=30)
"""A shelf that is meant to last longer is a fault that somebody should mend."""

MAX_WINDOW = timedelta(days=92)
_MAX_REASON = 500
_SCOPES = ("device", "site", "customer")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose alerts are held back: `what` is `device`, `site` or `customer`."""

    what: str
    id: int


@dataclass(frozen=True, slots=True)
class Window:
    """What holds alerts back, now or later: a maintenance window, a shelf, or out of service.

    Attributes:
        name: of the device, site or customer.
        fault: of a shelf.
        ends_at: None: until somebody ends it.
    """

    id: int
    scope: Scope
    name: str
    fault: Fault | None
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    actor: str
    in_force: bool


def shelve(
    database: Database,
    clock: Clock,
    alert_id: int,
    until: datetime,
    *,
    reason: str,
    actor: str,
) -> int:
    """Holds a fault back until `until`, at most MAX_SHELF, also when it goes and comes again."""
    with database.transaction() as conn:
        now = clock.now()
        fault = _fault_of(conn, alert_id)
        _bounded("until", now, until, MAX_SHELF)
        where = {
            "device_id": fault.device_id,
            "component": fault.component,
            "fault_class": fault.fault_class,
        }
        made = _add(conn, "shelf", where, now, until, reason, actor, now)
        cover(conn, now, [alert_id])
        _audit(
            conn, actor, "shelve", f"alert/{alert_id}", {"until": until.isoformat()} | _why(reason)
        )
        return made


def unshelve(database: Database, clock: Clock, alert_id: int, *, actor: str) -> None:
    """Ends the shelf of an alert's fault before its time."""
    with database.transaction() as conn:
        now = clock.now()
        _fault_of(conn, alert_id)
        ended = {"alert_id": alert_id, "now": now, "actor": actor}
        if not conn.execute(load("suppression")["end_shelves"], ended).fetchall():
            raise NotAllowedError(f"alert {alert_id} is not shelved")
        cover(conn, now, [alert_id])
        _audit(conn, actor, "unshelve", f"alert/{alert_id}", {})


def take_out_of_service(
    database: Database, clock: Clock, device_id: int, *, reason: str, actor: str
) -> int:
    """Holds back whatever is seen of a device until it is returned to service."""
    with database.transaction() as conn:
        now = clock.now()
        named = _named(conn, Scope("device", device_id))
        made = _add(conn, "out_of_service", {"device_id": device_id}, now, None, reason, actor, now)
        cover(conn, now)
        _audit(conn, actor, "take_out_of_service", named, _why(reason))
        return made


def return_to_service(database: Database, clock: Clock, device_id: int, *, actor: str) -> None:
    """Ends that a device is out of service; what still holds is told and opens its case."""
    with database.transaction() as conn:
        now = clock.now()
        named = _named(conn, Scope("device", device_id))
        ended = {"device_id": device_id, "now": now, "actor": actor}
        if not conn.execute(load("suppression")["end_of_device"], ended).fetchall():
            raise NotAllowedError(f"{named} is not out of service")
        cover(conn, now)
        _audit(conn, actor, "return_to_service", named, {})


def add_window(
    database: Database,
    clock: Clock,
    scope: Scope,
    starts_at: datetime,
    ends_at: datetime,
    *,
    reason: str,
    actor: str,
) -> int:
    """Plans a maintenance window of at most MAX_WINDOW; one that has begun already counts from now.

    Returns its id.
    """
    with database.transaction() as conn:
        now = clock.now()
        named = _named(conn, scope)
        start = max(require_aware(starts_at, "starts_at"), now)
        _bounded("ends_at", start, ends_at, MAX_WINDOW)
        where = {f"{scope.what}_id": scope.id}
        made = _add(conn, "window", where, start, ends_at, reason, actor, now)
        cover(conn, now)
        detail = {"from": start.isoformat(), "to": ends_at.isoformat()} | _why(reason)
        _audit(conn, actor, "add_window", named, detail | {"window": made})
        return made


def cancel_window(database: Database, clock: Clock, window_id: int, *, actor: str) -> None:
    """Ends a maintenance window before its time, or calls off one that has not begun."""
    with database.transaction() as conn:
        now = clock.now()
        ended = {"id": window_id, "kind": "window", "now": now, "actor": actor}
        if conn.execute(load("suppression")["end"], ended).fetchone() is None:
            raise NotFoundError(f"there is no maintenance window {window_id} that is not over")
        cover(conn, now)
        _audit(conn, actor, "cancel_window", f"window/{window_id}", {})


def windows(conn: Conn, now: datetime) -> list[Window]:
    """The maintenance windows in force and to come, by their begin."""
    return _present(conn, "window", now)


def shelves(conn: Conn, now: datetime) -> list[Window]:
    """What is shelved."""
    return _present(conn, "shelf", now)


def out_of_service(conn: Conn, now: datetime) -> list[Window]:
    """The devices that are out of service."""
    return _present(conn, "out_of_service", now)


def _present(conn: Conn, kind: str, now: datetime) -> list[Window]:
    rows = conn.execute(load("suppression")["present"], {"kind": kind, "now": now}).fetchall()
    return [_window(row) for row in rows]


def _window(row: Row) -> Window:
    [scope] = [Scope(what, row[f"{what}_id"]) for what in _SCOPES if row[f"{what}_id"] is not None]
    fault = None
    if row["component"] is not None:
        fault = Fault(row["device_id"], row["component"], FaultClass(row["fault_class"]))
    taken = ("id", "name", "starts_at", "ends_at", "reason", "actor", "in_force")
    return Window(scope=scope, fault=fault, **{name: row[name] for name in taken})


def _add(
    conn: Conn,
    kind: str,
    where: Row,
    starts_at: datetime,
    ends_at: datetime | None,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    if not 0 < len(reason.strip()) <= _MAX_REASON:
        raise BadInputError(f"reason: {len(reason)} characters; allowed: 1 to {_MAX_REASON}")
    nowhere = dict.fromkeys(("device_id", "component", "fault_class", "site_id", "customer_id"))
    said = {"kind": kind, "starts_at": starts_at, "ends_at": ends_at, "now": now}
    said |= {"reason": reason.strip(), "actor": actor}
    row = conn.execute(load("suppression")["add"], nowhere | where | said).fetchone()
    assert row is not None
    return int(row["id"])


def _bounded(field: str, start: datetime, end: datetime, most: timedelta) -> None:
    if not start < require_aware(end, field) <= start + most:
        raise BadInputError(
            f"{field}: {end.isoformat()}; allowed: after {start.isoformat()} and within {most.days} days"
        )


def _fault_of(conn: Conn, alert_id: int) -> Fault:
    row = conn.execute(load("board")["fault"], {"alert_id": alert_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no alert {alert_id}")
    if row["device_id"] is None:
        raise NotAllowedError(f"alert {alert_id} is a batch; acknowledge it, or shelve its members")
    return Fault(row["device_id"], row["component"], FaultClass(row["fault_class"]))


def _named(conn: Conn, scope: Scope) -> str:
    """What the audit calls it: `device/` and its key. Raises BadInputError, NotFoundError."""
    if scope.what not in _SCOPES:
        raise BadInputError(f"what: {scope.what!r}; allowed: {', '.join(_SCOPES)}")
    asked = {"what": scope.what, "id": scope.id}
    row = conn.execute(load("suppression")["key_of"], asked).fetchone()
    if row is None or row["key"] is None:
        raise NotFoundError(f"there is no {scope.what} {scope.id}")
    return f"{scope.what}/{row['key']}"


def _why(reason: str) -> dict[str, Any]:
    return {"reason": reason.strip()}


def _audit(conn: Conn, actor: str, action: str, target: str, detail: dict[str, Any]) -> None:
    conn.execute(
        load("desk")["audit"],
        {
            "at": SystemClock().now(),  # the audit goes by the wall's time, always
            "actor": actor,
            "action": action,
            "object": target,
            "detail": Jsonb(detail),
        },
    )
