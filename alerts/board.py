"""What people and the desk do to one alert, each within the caller's transaction.

Whoever changes a case locks its alert's row first and its ticket's row second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import raising, steps
from alerts.lifecycle import allowed
from alerts.series import Relief
from alerts.sign import Origin
from alerts.steps import SYSTEM, Alert, Change
from domain.errors import NotAllowedError, NotFoundError
from domain.fault import Fault
from storage.database import Conn
from storage.queries import load

__all__ = ["SYSTEM"]


def acknowledge(conn: Conn, alert_id: int, now: datetime, actor: str) -> None:
    """Somebody has seen the alert.

    Raises NotFoundError when there is no such alert, NotAllowedError when it is closed, held back or
    acknowledged already.
    """
    alert = _lock(conn, alert_id)
    if alert is None:
        if conn.execute(load("board")["fault"], {"alert_id": alert_id}).fetchone() is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        raise NotAllowedError(f"alert {alert_id} is closed")
    steps.take(conn, [Change(alert, "acknowledge", now, actor)])
    steps.close_over(conn, [alert_id], now)


def can_acknowledge(conn: Conn, alert_id: int) -> bool:
    """Whether the alert is open and waits to be acknowledged. Locks its row."""
    alert = _lock(conn, alert_id)
    return alert is not None and allowed("acknowledge", alert.state)


def relieve(conn: Conn, alert_id: int, rules: Sequence[str] | None, at: datetime) -> Fault | None:
    """Ends the conditions `rules` (None: all) of an alert.

    Returns the fault when none is left and the alert thereby returned.
    """
    named = None if rules is None else list(rules)
    returned = raising.relieve(conn, [Relief(alert_id, named, at, restored=False)])
    return returned[0].fault if returned else None


def conditions(conn: Conn, alert_id: int, origins: Sequence[Origin]) -> list[str]:
    """The names of the rules of such origins whose condition the alert holds."""
    parameters = {"alert_id": alert_id, "origins": list(origins)}
    return [row["rule"] for row in conn.execute(load("board")["conditions"], parameters)]


def is_active(conn: Conn, alert_id: int) -> bool:
    """Whether a condition of the open alert still holds. Locks its row."""
    alert = _lock(conn, alert_id)
    return alert is not None and alert.active


def settle(conn: Conn, alert_id: int, now: datetime, actor: str) -> None:
    """The alert's case is over: it counts as seen.

    Closes it unless a condition still holds; then it stays open, acknowledged.
    """
    settle_all(conn, [alert_id], now, actor)


def settle_all(conn: Conn, alert_ids: Sequence[int], now: datetime, actor: str) -> None:
    """The cases of alerts are over, or they are too old to wait for anybody: they count as seen."""
    alerts = steps.lock(conn, alert_ids)
    waiting = [alert for alert in alerts if allowed("acknowledge", alert.state)]
    steps.take(conn, [Change(alert, "acknowledge", now, actor) for alert in waiting])
    steps.close_over(conn, [alert.id for alert in alerts], now)


def _lock(conn: Conn, alert_id: int) -> Alert | None:
    found = steps.lock(conn, [alert_id])
    return found[0] if found else None
