"""The rows of batches: stood up, counted, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alerts import steps
from alerts.correlation.evidence import Evidence, place
from alerts.correlation.evidence import headline as headline_of
from alerts.desk_port import BatchCase, CaseDesk
from alerts.outbox import Announcement, Topic, announce
from alerts.rules import CASE_SEVERITY
from alerts.steps import Change
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load

_ORIGIN = "batch"


def stand(
    conn: Conn,
    now: datetime,
    signature: str,
    evidence: Evidence,
    first_at: datetime,
    alert_ids: Sequence[int],
) -> int:
    """The batch of a cause: the one that stands, its last one taken up again, or a new one."""
    share = evidence.verdict.share
    key = {"kind": share.kind, "key": share.key, "signature": signature}
    told = {"now": now, "first_at": first_at, "evidence": Jsonb(evidence.to_json())}
    found = conn.execute(load("correlation")["same_batch"], key).fetchone()
    if found is not None:
        batch_id = int(found["id"])
        conn.execute(load("correlation")["reopen"], told | {"batch_id": batch_id})
    else:
        batch_id = _open(conn, key | told | {"name": share.name}, _worst(conn, alert_ids))
    held = {"batch_id": batch_id, "first_at": first_at, "now": now}
    conn.execute(load("correlation")["hold"], held)
    alerts = steps.lock(conn, [batch_id])
    raised = [Change(alert, "raise", now) for alert in alerts if not alert.active]
    steps.take(conn, raised)
    return batch_id


def headline(conn: Conn, batch_id: int) -> Text:
    """What a batch is called now."""
    row = read(conn, batch_id)
    return headline_of(row["kind"], row["name"], row["signature"], row["members"])


def tell(conn: Conn, now: datetime, desk: CaseDesk, batch_id: int) -> int | None:
    """Counts a batch that has new members, writes its headline, tells of it and opens its ticket.

    Returns the ticket; None: its faults are too mild for one.
    """
    known = read(conn, batch_id)["members"]
    count(conn, now, [batch_id])
    row = read(conn, batch_id)
    severity = _worst(conn, [one["id"] for one in members_of(conn, batch_id)])
    title = headline_of(row["kind"], row["name"], row["signature"], row["members"])
    written = {"batch_id": batch_id, "message": Jsonb(title.to_json()), "severity": severity}
    conn.execute(load("correlation")["write_headline"], written)
    topic = Topic.BATCH_GROWN if known else Topic.BATCH_OPENED
    announce(conn, Announcement(topic, f"batch/{batch_id}", now, _told(row, severity, title)))
    if severity.rank < CASE_SEVERITY.rank:
        return None
    if known and row["ticket_id"] is not None and row["ticket_open"]:
        return int(row["ticket_id"])
    sentences = [text.to_json() for text in Evidence.from_json(row["evidence"]).sentences()]
    told = {"place": place(row["kind"], row["name"]).to_json(), "evidence": sentences}
    case = BatchCase(batch_id, row["site_id"], severity, title, row["first_at"], told)
    return desk.open_batch(conn, case)


def count(conn: Conn, now: datetime, batch_ids: Sequence[int]) -> None:
    """Counts the members of batches anew."""
    conn.execute(load("correlation")["count"], {"batch_ids": list(batch_ids), "now": now})


def announce_end(conn: Conn, now: datetime, batch_id: int, *, left: int, into: int | None) -> None:
    """Tells that a batch is over, or was taken into another."""
    row = read(conn, batch_id)
    title = headline_of(row["kind"], row["name"], row["signature"], row["members"])
    data = _told(row, Severity(row["severity"]), title) | {"left": left, "into": into}
    announce(conn, Announcement(Topic.BATCH_ENDED, f"batch/{batch_id}", now, data))


def members_of(conn: Conn, batch_id: int) -> list[Row]:
    return conn.execute(load("correlation")["members_of"], {"batch_ids": [batch_id]}).fetchall()


def read(conn: Conn, batch_id: int) -> Row:
    """The row of a batch, with its alert's and its last ticket's."""
    wanted = {"batch_id": batch_id, "only_open": False, "limit": 1}
    row = conn.execute(load("correlation")["batches"], wanted).fetchone()
    assert row is not None, f"batch {batch_id} is known to be there"
    return row


def _open(conn: Conn, made: Row, severity: Severity) -> int:
    title = headline_of(made["kind"], made["name"], made["signature"], 0)
    row = conn.execute(
        load("correlation")["open_alert"],
        {
            "severity": severity,
            "rule": f"{_ORIGIN}:{made['kind']}",
            "message": Jsonb(title.to_json()),
            "now": made["now"],
        },
    ).fetchone()
    assert row is not None
    conn.execute(load("correlation")["open"], made | {"batch_id": row["id"]})
    return int(row["id"])


def _worst(conn: Conn, alert_ids: Sequence[int]) -> Severity:
    rows = conn.execute(load("correlation")["worst_of"], {"alert_ids": list(alert_ids)}).fetchall()
    found = [Severity(row["severity"]) for row in rows]
    return max(found, key=lambda severity: severity.rank, default=Severity.WARNING)


def _told(row: Row, severity: Severity, title: Text) -> dict[str, Any]:
    return {
        "place": place(row["kind"], row["name"]).to_json(),
        "cause": title.to_json(),
        "members": row["members"],
        "severity": severity,
        "site_id": row["site_id"],
    }
