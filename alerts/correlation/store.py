"""The rows of batches: stood up, counted, and told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alerts import steps
from alerts.correlation.evidence import (
    DOWN,
    Declared,
    Evidence,
    declared_headline,
    headline,
    place,
    signature_of,
)
from alerts.correlation.suspects import SPAN
from alerts.desk_port import BatchCase, CaseDesk
from alerts.outbox import Announcement, Topic, announce
from alerts.rules import CASE_SEVERITY
from alerts.sign import Sign
from alerts.steps import Change
from domain.fault import Fault
from domain.report import Severity
from domain.text import Text
from storage.database import Conn, Row
from storage.queries import load

GROWS_FOR = timedelta(hours=1)
"""A fault that comes so long after the last one of a batch has a cause of its own."""

_ORIGIN = "batch"

_KINDS = 5
"""So many kinds of faults, at most, are named of the members of one batch."""


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
    group = {"kind": share.kind, "key": share.key, "name": share.name}
    return stand_up(conn, now, group, signature, evidence, first_at, _worst(conn, alert_ids))


def stand_up(
    conn: Conn,
    now: datetime,
    group: Row,
    signature: str,
    evidence: Evidence | Declared,
    first_at: datetime,
    severity: Severity,
) -> int:
    """As `stand`, for a group - its kind, key and name - that is known already."""
    key = {"kind": group["kind"], "key": group["key"], "signature": signature}
    told = {"now": now, "first_at": first_at, "evidence": Jsonb(evidence.to_json())}
    found = conn.execute(load("correlation")["same_batch"], key).fetchone()
    if found is not None:
        batch_id = int(found["id"])
        conn.execute(load("correlation")["reopen"], told | {"batch_id": batch_id})
    else:
        batch_id = _open(conn, key | told | {"name": group["name"]}, severity)
    held = {"batch_id": batch_id, "first_at": first_at, "now": now}
    conn.execute(load("correlation")["hold"], held)
    alerts = steps.lock(conn, [batch_id])
    raised = [Change(alert, "raise", now) for alert in alerts if not alert.active]
    steps.take(conn, raised)
    return batch_id


def growing(conn: Conn, signs: Sequence[Sign]) -> dict[Fault, int]:
    """Of faults that belong to a batch which stands and still grows: that batch, the oldest one."""
    shared = [sign for sign in signs if signature_of(sign) is not None]
    if not shared or not conn.execute(load("correlation")["open_batches"]).fetchone():
        return {}
    device_ids = [sign.fault.device_id for sign in shared]
    wanted = {"device_ids": device_ids, "before": SPAN, "after": GROWS_FOR}
    rows = conn.execute(load("correlation")["growing"], wanted).fetchall()
    found = {(row["device_id"], row["signature"]): row for row in rows}
    belongs = {sign.fault: _batch_for(sign, found) for sign in shared}
    return {fault: batch_id for fault, batch_id in belongs.items() if batch_id is not None}


def _batch_for(sign: Sign, found: Mapping[tuple[int, str], Row]) -> int | None:
    row = found.get((sign.fault.device_id, signature_of(sign) or ""))
    if row is None or sign.at <= row["since"]:
        return None
    return row["batch_id"] if row["declared"] or sign.at <= row["until"] else None


def tell(conn: Conn, now: datetime, desk: CaseDesk, batch_id: int, topic: Topic) -> int | None:
    """Writes the headline of a batch that has new members, tells of it, and sees to its ticket.

    Returns the ticket; None: its faults are too mild for one.
    """
    count(conn, now, [batch_id])
    row = entitle(conn, batch_id)
    severity, title = Severity(row["severity"]), Text.from_json(row["message"])
    announce(conn, Announcement(topic, f"batch/{batch_id}", now, _told(row, severity, title)))
    if severity.rank < CASE_SEVERITY.rank:
        return None
    if topic is Topic.BATCH_GROWN and row["ticket_open"]:
        return int(row["ticket_id"])
    sentences = [text.to_json() for text in Evidence.from_json(row["evidence"]).sentences()]
    told = {"place": place(row["kind"], row["name"]).to_json(), "evidence": sentences}
    case = BatchCase(batch_id, row["site_id"], severity, title, row["first_at"], told)
    return desk.open_batch(conn, case)


def entitle(conn: Conn, batch_id: int) -> Row:
    """Writes what a batch is called, and how grave it is, as its members are now; returns its row."""
    down = _see(conn, batch_id)
    row = read(conn, batch_id)
    said = {"message": _title(row, down).to_json(), "severity": row["worst"] or row["severity"]}
    written = {"batch_id": batch_id, **said, "message": Jsonb(said["message"])}
    conn.execute(load("correlation")["write_headline"], written)
    return row | said


def _title(row: Row, down: int) -> Text:
    if row["declared_at"] is not None:
        return declared_headline(row["kind"], row["name"], row["members"])
    return headline(row["kind"], row["name"], row["signature"], row["members"], down)


def _see(conn: Conn, batch_id: int) -> int:
    """Which kinds of faults the members have, and how many devices each; kept with the evidence.

    Returns how many devices went down.
    """
    wanted = {"batch_id": batch_id, "limit": _KINDS}
    rows = conn.execute(load("correlation")["seen"], wanted).fetchall()
    seen = [(row["fault"], row["devices"]) for row in rows]
    kept = {"seen": seen, "alerts": rows[0]["alerts"] if rows else 0}
    conn.execute(load("correlation")["keep_seen"], {"batch_id": batch_id, "seen": Jsonb(kept)})
    return int(dict(seen).get(DOWN, 0))


def open_ticket(conn: Conn, batch_id: int) -> int | None:
    """The open ticket of a batch."""
    row = read(conn, batch_id)
    return int(row["ticket_id"]) if row["ticket_open"] else None


def count(conn: Conn, now: datetime, batch_ids: Sequence[int]) -> list[Row]:
    """Counts the members of batches anew; returns those whose counts have changed, and those of
    whose members more is `unseen`: a device that complained went down as well."""
    counted = {"batch_ids": list(batch_ids), "now": now}
    return conn.execute(load("correlation")["count"], counted).fetchall()


def announce_end(conn: Conn, now: datetime, batch_id: int, *, left: int, into: int | None) -> None:
    """Tells that a batch is over, or was taken into another."""
    row = read(conn, batch_id)
    title = Text.from_json(row["message"])
    data = _told(row, Severity(row["severity"]), title) | {"left": left, "into": into}
    announce(conn, Announcement(Topic.BATCH_ENDED, f"batch/{batch_id}", now, data))


def read(conn: Conn, batch_id: int) -> Row:
    """The row of a batch, with its alert's and its last ticket's."""
    wanted = {"batch_id": batch_id, "only_open": False, "limit": 1}
    row = conn.execute(load("correlation")["batches"], wanted).fetchone()
    assert row is not None, f"batch {batch_id} is known to be there"
    return row


def _open(conn: Conn, made: Row, severity: Severity) -> int:
    title = headline(made["kind"], made["name"], made["signature"], members=0, down=0)
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
