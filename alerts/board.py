"""The rows of alerts: raised, joined, returned and closed, each within the caller's transaction.

Whoever changes a case locks its alert's row first and its ticket's row second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.types.json import Jsonb

from alerts.desk_port import News
from alerts.lifecycle import AlertState, allowed, step
from alerts.outbox import Announcement, Topic, announce
from alerts.sign import Origin, Sign
from domain.errors import NotAllowedError, NotFoundError
from domain.fault import Fault, FaultClass
from domain.report import Severity
from storage.database import Conn, Row
from storage.queries import load

SYSTEM = "forecall"
"""The actor of what happens by rule."""

_TOPICS = {
    "raise": Topic.ALERT_RAISED,
    "return": Topic.ALERT_RETURNED,
    "acknowledge": Topic.ALERT_ACKNOWLEDGED,
}


@dataclass(frozen=True, slots=True)
class Alert:
    """An open alert whose row is locked by this transaction."""

    id: int
    fault: Fault
    state: AlertState
    severity: Severity
    active: bool


def raise_or_join(conn: Conn, sign: Sign, now: datetime) -> tuple[int, News]:
    """Puts `sign` on the fault's open alert, opening one if there is none.

    Returns the alert's id and what the sign changed in it.
    """
    alert = _locked_or_opened(conn, sign, now)
    failed_before = _flag(conn, "failed_already", "failed", alert.id)
    news = News(fresh=_hold_condition(conn, alert, sign), broke=sign.failed and not failed_before)
    _add_sign(conn, alert, sign, news)
    if not alert.active and allowed("raise", alert.state):
        _step(conn, alert, "raise", now, SYSTEM, active=True)
    return alert.id, news


def acknowledge(conn: Conn, alert_id: int, now: datetime, actor: str) -> None:
    """Somebody has seen the alert.

    Raises NotFoundError when there is no such alert, NotAllowedError when it is closed or
    acknowledged already.
    """
    alert = _lock(conn, alert_id)
    if alert is None:
        if conn.execute(load("alerts")["exists"], {"alert_id": alert_id}).fetchone() is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        raise NotAllowedError(f"alert {alert_id} is closed")
    alert = _step(conn, alert, "acknowledge", now, actor, active=alert.active)
    _close_if_over(conn, alert, now)


def can_acknowledge(conn: Conn, alert_id: int) -> bool:
    """Whether the alert is open and waits to be acknowledged. Locks its row."""
    alert = _lock(conn, alert_id)
    return alert is not None and allowed("acknowledge", alert.state)


def relieve(conn: Conn, alert_id: int, rules: Sequence[str] | None, at: datetime) -> Fault | None:
    """Ends the conditions `rules` (None: all) of an alert.

    Returns the fault when none is left and the alert thereby returned.
    """
    alert = _lock(conn, alert_id)
    if alert is None:
        return None
    if rules is None:
        conn.execute(load("alerts")["end_all_conditions"], {"alert_id": alert_id})
    else:
        parameters = {"alert_id": alert_id, "rules": list(rules)}
        conn.execute(load("alerts")["end_conditions"], parameters)
    if not alert.active or _flag(conn, "holds", "holds", alert_id):
        return None
    _step(conn, alert, "return", at, SYSTEM, active=False)
    return alert.fault


def conditions(conn: Conn, alert_id: int, origins: Sequence[Origin]) -> list[str]:
    """The names of the rules of such origins whose condition the alert holds."""
    parameters = {"alert_id": alert_id, "origins": list(origins)}
    return [row["rule"] for row in conn.execute(load("alerts")["conditions"], parameters)]


def is_active(conn: Conn, alert_id: int) -> bool:
    """Whether a condition of the open alert still holds. Locks its row."""
    alert = _lock(conn, alert_id)
    return alert is not None and alert.active


def settle(conn: Conn, alert_id: int, now: datetime, actor: str) -> None:
    """The alert's case is over, or it is too old to wait for anybody: it counts as seen.

    Closes it unless a condition still holds; then it stays open, acknowledged.
    """
    alert = _lock(conn, alert_id)
    if alert is None:
        return
    if allowed("acknowledge", alert.state):
        alert = _step(conn, alert, "acknowledge", now, actor, active=alert.active)
    _close_if_over(conn, alert, now)


def close_if_over(conn: Conn, alert_id: int, now: datetime) -> None:
    """Closes an alert that has returned, was acknowledged and has no open ticket."""
    alert = _lock(conn, alert_id)
    if alert is not None:
        _close_if_over(conn, alert, now)


def _locked_or_opened(conn: Conn, sign: Sign, now: datetime) -> Alert:
    # Ends: either the open alert is there to be locked or there is room to insert one. Both can
    # miss only while another transaction closes or opens it, and the next round sees the outcome.
    while True:
        row = conn.execute(load("alerts")["lock_open"], _fault(sign.fault)).fetchone()
        row = row or conn.execute(load("alerts")["open"], _opening(sign, now)).fetchone()
        if row is not None:
            return _alert(row)


def _opening(sign: Sign, now: datetime) -> Row:
    return _fault(sign.fault) | {
        "severity": sign.severity,
        "origin": sign.origin,
        "rule": sign.rule,
        "message": Jsonb(sign.message.to_json()),
        "now": now,
    }


def _hold_condition(conn: Conn, alert: Alert, sign: Sign) -> bool:
    row = conn.execute(
        load("alerts")["hold_condition"],
        {
            "alert_id": alert.id,
            "rule": sign.rule,
            "origin": sign.origin,
            "failed": sign.failed,
            "at": sign.at,
            "expires_at": sign.expires_at,
        },
    ).fetchone()
    assert row is not None
    return bool(row["fresh"])


def _add_sign(conn: Conn, alert: Alert, sign: Sign, news: News) -> None:
    # The headline follows what is new and no milder; a repeat only counts.
    leads = bool(news) and (sign.severity.rank >= alert.severity.rank or not alert.active)
    conn.execute(
        load("alerts")["add_sign" if leads else "add_sign_quietly"],
        {
            "alert_id": alert.id,
            "at": sign.at,
            "severity": sign.severity,
            "message": Jsonb(sign.message.to_json()),
            "probability": sign.probability,
            "reasons": Jsonb([text.to_json() for text in sign.reasons]) if sign.reasons else None,
            "foretold_until": sign.foretold_until,
        },
    )


def _step(conn: Conn, alert: Alert, name: str, at: datetime, actor: str, *, active: bool) -> Alert:
    taken = step(name, alert.state)
    parameters = {
        "alert_id": alert.id,
        "from_state": taken.source,
        "to_state": taken.target,
        "name": name,
        "at": at,
        "actor": actor,
        "active": active,
    }
    conn.execute(load("alerts")["take_step"], parameters)
    _announce(conn, alert.id, _TOPICS.get(name, Topic.ALERT_CHANGED), at, {"step": name})
    return replace(alert, state=taken.target, active=active)


def _close_if_over(conn: Conn, alert: Alert, now: datetime) -> None:
    if alert.active or alert.state is not AlertState.NORMAL:
        return
    row = conn.execute(load("alerts")["has_open_ticket"], _fault(alert.fault)).fetchone()
    assert row is not None
    if not row["there"]:
        conn.execute(load("alerts")["close"], {"alert_id": alert.id, "at": now})
        _announce(conn, alert.id, Topic.ALERT_CLOSED, now, {})


def _announce(conn: Conn, alert_id: int, topic: Topic, at: datetime, data: Row) -> None:
    announce(conn, Announcement(topic, f"alert/{alert_id}", at, data))


def _lock(conn: Conn, alert_id: int) -> Alert | None:
    row = conn.execute(load("alerts")["lock"], {"alert_id": alert_id}).fetchone()
    return _alert(row) if row else None


def _flag(conn: Conn, statement: str, column: str, alert_id: int) -> bool:
    row = conn.execute(load("alerts")[statement], {"alert_id": alert_id}).fetchone()
    assert row is not None
    return bool(row[column])


def _fault(fault: Fault) -> Row:
    return {
        "device_id": fault.device_id,
        "component": fault.component,
        "fault_class": fault.fault_class,
    }


def _alert(row: Row) -> Alert:
    return Alert(
        id=row["id"],
        fault=Fault(row["device_id"], row["component"], FaultClass(row["fault_class"])),
        state=AlertState(row["state"]),
        severity=Severity(row["severity"]),
        active=row["active"],
    )
