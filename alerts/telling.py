"""People are told of alerts, and cases are opened, once nothing holds the news back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.desk_port import CaseDesk
from alerts.lifecycle import AlertState
from alerts.outbox import Announcement, Topic, announce_many
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_ids


def tell(conn: Conn, now: datetime, desk: CaseDesk, alert_ids: Sequence[int] | None = None) -> None:
    """Tells what is due - of `alert_ids`, or of all - and opens the cases that it wants.

    A fault that went away while it was held back is not due: it gets no case.
    """
    parameters = {"now": now, "alert_ids": None if alert_ids is None else as_ids(alert_ids)}
    rows = conn.execute(load("board")["due"], parameters).fetchall()
    if not rows:
        return
    news = [
        Announcement(Topic.ALERT_RAISED, f"alert/{row['id']}", now, {"step": "raise"})
        for row in rows
        if row["told_at"] is None and row["state"] == AlertState.UNACKNOWLEDGED
    ]
    announce_many(conn, news)
    told = {"alert_ids": as_ids(row["id"] for row in rows), "now": now}
    conn.execute(load("board")["told"], told)
    wanted = [(row["id"], _speaking(row)) for row in rows if row["wants_case"]]
    if wanted:
        desk.open(conn, wanted)


def _speaking(row: Row) -> Sign:
    """The sign that speaks for an alert: its headline, and what its strongest condition says."""
    expires = row["expires_at"]
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass(row["fault_class"])),
        origin=Origin(row["origin"]),
        rule=row["rule"],
        severity=Severity(row["severity"]),
        message=Text.from_json(row["message"]),
        at=row["since"],
        failed=row["failed"],
        lasts=None if expires is None else expires - row["since"],
        reasons=tuple(Reason.from_json(reason) for reason in row["reasons"]),
        probability=row["probability"],
    )
