"""Brings alerts into the state that what holds them back - or nothing - asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import steps
from alerts.lifecycle import HOLDS, AlertState
from alerts.raising import PART_OF
from alerts.steps import Alert, Change
from domain.text import N_, Text
from storage.database import Conn, Row
from storage.queries import load

_WHY = {
    "out_of_service": N_("Out of service: {reason}"),
    "shelf": N_("Shelved: {reason}"),
    "window": N_("Maintenance window {id}: {reason}"),
    "parent": N_("{reason}, on which it hangs, is down (alert {id})"),
    "batch": PART_OF,
}
_OVER = N_("Nothing holds it back any more")


def cover(conn: Conn, now: datetime, alert_ids: Sequence[int] | None = None) -> None:
    """Holds back and releases alerts - those of `alert_ids`, or all - as it is at `now`."""
    if alert_ids is not None and not alert_ids:
        return
    found = conn.execute(load("suppression")["anything"], {"now": now}).fetchone()
    if found is None or not found["something"]:
        return
    rows = {row["id"]: row for row in _misplaced(conn, now, alert_ids, every=False)}
    alerts = steps.lock(conn, rows)
    held = [alert for alert in alerts if alert.state.held_back]
    free = steps.take(conn, [_release(alert, rows[alert.id], now) for alert in held])
    ready = [alert for alert in alerts if not alert.state.held_back and alert.active] + free
    steps.take(conn, [_hold(alert, rows[alert.id], now) for alert in ready if _wanted(alert, rows)])


def why_held(conn: Conn, alert_ids: Sequence[int], now: datetime) -> dict[int, Text]:
    """Of those alerts that something holds back at `now`: what, and why."""
    rows = _misplaced(conn, now, alert_ids, every=True)
    return {row["id"]: _why(row) for row in rows if row["kind"] is not None}


def _misplaced(
    conn: Conn, now: datetime, alert_ids: Sequence[int] | None, *, every: bool
) -> list[Row]:
    ids = None if alert_ids is None else list(alert_ids)
    parameters = {"now": now, "alert_ids": ids, "all": every}
    return conn.execute(load("suppression")["misplaced"], parameters).fetchall()


def _wanted(alert: Alert, rows: dict[int, Row]) -> bool:
    return rows[alert.id]["wanted"] is not None


def _release(alert: Alert, row: Row, now: datetime) -> Change:
    over = Text(_OVER) if row["wanted"] is None else None
    return Change(alert, "release", now, held_until=now, cause=over, stays=row["member"])


def _hold(alert: Alert, row: Row, now: datetime) -> Change:
    name = HOLDS[AlertState(row["wanted"])]
    more = ((row["kind"], row["by_id"]),)
    return Change(alert, name, now, row["actor"] or steps.SYSTEM, cause=_why(row), more=more)


def _why(row: Row) -> Text:
    return Text(_WHY[row["kind"]], {"id": row["by_id"], "reason": row["reason"]})
