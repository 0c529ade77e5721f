"""Announcements: written by whoever changes a case, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.database import Conn
from storage.queries import load
from storage.rows import as_rows


class Topic(StrEnum):
    """What an announcement is about."""

    ALERT_RAISED = "alert.raised"
    ALERT_RETURNED = "alert.returned"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_CLOSED = "alert.closed"
    ALERT_CHANGED = "alert.changed"  # any other step: shelved, suppressed, out of service, back
    BATCH_OPENED = "batch.opened"
    BATCH_GROWN = "batch.grown"
    BATCH_ENDED = "batch.ended"
    TICKET_OPENED = "ticket.opened"
    TICKET_JOINED = "ticket.joined"
    TICKET_MOVED = "ticket.moved"
    TICKET_ASSIGNED = "ticket.assigned"
    TICKET_NOTED = "ticket.noted"
    TICKET_CLOSED = "ticket.closed"
    SLA_WARNING = "sla.warning"
    SLA_BREACH = "sla.breach"
    REPORT_MADE = "report.made"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that happened to a case.

    Attributes:
        subject: what it happened to: `alert/17`, `batch/3`, `ticket/9` or `report/5`. What is told of
            one subject stays in order, so its row is locked by whoever announces.
        at: when, by the clock that the fleet goes by.
        data: JSON values that the subject's row does not tell.
    """

    kind: Topic
    subject: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


def announce(conn: Conn, announcement: Announcement) -> None:
    """Tells of one change, if the caller's transaction commits."""
    announce_many(conn, [announcement])


def announce_many(conn: Conn, announcements: Sequence[Announcement]) -> None:
    """Tells of many changes in one statement, in their order."""
    if not announcements:
        return
    rows = as_rows(
        {"kind": each.kind, "subject": each.subject, "at": each.at, "data": each.data}
        for each in announcements
    )
    conn.execute(load("outbox")["announce"], {"rows": rows})
