"""Recognises batches, lets them grow, shrink and end.

A batch is an alert of its own, without a device. Its members' alerts are suppressed by it: they stay
what they are, are told to nobody, and close by themselves when their devices are well. What is still
down when the cause is gone is released, and gets its own case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts import raising, steps
from alerts.correlation import store, suspects
from alerts.correlation.evidence import Evidence
from alerts.correlation.likelihood import LEAST, verdict
from alerts.desk_port import CaseDesk, Returned
from alerts.lifecycle import allowed
from alerts.outbox import Topic
from alerts.series import Relief
from alerts.steps import Change
from domain.text import Text
from storage.database import Conn
from storage.queries import load

EASED_FOR = timedelta(minutes=10)
"""When nearly all are well and no other became so for so long, the cause is gone."""

REST = 0.1
"""So many of the members, at most, are left when the cause is gone."""

WIDER = 1.5
"""A wider cause takes batches in when it explains so many times as many faults."""

_AT_ONCE = 50
"""Batches found in one go; what is left is found by the next."""


def correlate(conn: Conn, now: datetime, desk: CaseDesk, *, flood: bool) -> list[Returned]:
    """Brings all batches up to date; returns those that are over.

    In a `flood` - more signs wait than are judged at once - a cause is looked for at once, so that the
    signs to come find their batch; and nothing else is done.
    """
    waiting = conn.execute(load("correlation")["waiting"], {"now": now}).fetchone()
    if waiting is not None and waiting["newest"] and (waiting["due"] or flood):
        suspects.gather(conn, waiting["newest"])
        grow(conn, now, desk)
        _recognise(conn, now, desk, waiting["newest"])
    return [] if flood else _bring_up_to_date(conn, now, desk)


def grow(conn: Conn, now: datetime, desk: CaseDesk) -> None:
    """Lets batches that stand take in the suspects that belong to them."""
    found = conn.execute(
        load("correlation")["joiners"], {"before": suspects.SPAN, "after": store.GROWS_FOR}
    ).fetchall()
    joining: defaultdict[int, list[int]] = defaultdict(list)
    for row in found:
        joining[row["batch_id"]].append(row["alert_id"])
    for batch_id, alert_ids in sorted(joining.items()):
        _join(conn, now, batch_id, alert_ids)
        ticket_id = store.open_ticket(conn, batch_id)
        if ticket_id is not None:
            desk.join_batch(conn, ticket_id, alert_ids)
        _settled(conn, alert_ids)


def _recognise(conn: Conn, now: datetime, desk: CaseDesk, newest: datetime) -> None:
    for _ in range(_AT_ONCE):
        found = [
            (sight, judged)
            for sight in suspects.sights(conn, newest, now)
            if (judged := verdict(sight.shares, sight.faults, sight.devices)) is not None
        ]
        if not found:
            return
        for sight, judged in found:
            span_s = suspects.SPAN.total_seconds()
            evidence = Evidence(judged, sight.faults, sight.devices, span_s)
            _take(conn, now, desk, sight.signature, evidence)


def _take(conn: Conn, now: datetime, desk: CaseDesk, signature: str, evidence: Evidence) -> None:
    """Makes a batch of what the evidence names, unless batches that stand explain nearly all."""
    share = evidence.verdict.share
    of_group = {"signature": signature, "kind": share.kind, "key": share.key}
    rows = conn.execute(load("correlation")["of_group"], of_group).fetchall()
    held = [row["alert_id"] for row in rows if row["batch_id"] is not None]
    fresh = [row["alert_id"] for row in rows if row["batch_id"] is None]
    if not fresh or len(rows) < WIDER * len(held):
        _settled(conn, held or fresh)
        return
    narrower = {row["batch_id"] for row in rows if row["batch_id"] is not None}
    alert_ids = [row["alert_id"] for row in rows]
    first_at = min(row["since"] for row in rows)
    batch_id = store.stand(conn, now, signature, evidence, first_at, alert_ids)
    _join(conn, now, batch_id, fresh)
    moved = _absorb(conn, now, batch_id, sorted(narrower - {batch_id}))
    ticket_id = store.tell(conn, now, desk, batch_id, Topic.BATCH_OPENED)
    if ticket_id is not None:
        desk.join_batch(conn, ticket_id, fresh)
        for each in moved:
            desk.end_batch(conn, each, ticket_id)
    _close(conn, now, moved)
    _settled(conn, alert_ids)


def _join(conn: Conn, now: datetime, batch_id: int, alert_ids: Sequence[int]) -> None:
    """Makes alerts members of a batch."""
    cause = Text(raising.PART_OF, {"id": batch_id})
    alerts = [alert for alert in steps.lock(conn, alert_ids) if alert.active]
    steps.take(
        conn,
        [
            Change(
                alert, "suppress", now, cause=cause, batch_id=batch_id, more=(("batch", batch_id),)
            )
            for alert in alerts
            if not alert.state.held_back
        ],
    )


def _absorb(conn: Conn, now: datetime, batch_id: int, narrower: list[int]) -> list[int]:
    """Takes batches whose cause was only a part of this one's into it; returns them."""
    if narrower:
        rows = conn.execute(load("correlation")["members_of"], {"batch_ids": narrower}).fetchall()
        moved = {"alert_ids": [row["id"] for row in rows], "batch_id": batch_id, "now": now}
        conn.execute(load("correlation")["move_members"], moved)
        ended = {"batch_ids": narrower, "batch_id": batch_id, "now": now}
        conn.execute(load("correlation")["absorb"], ended)
        for each in narrower:
            store.announce_end(conn, now, each, left=0, into=batch_id)
    return narrower


def _close(conn: Conn, now: datetime, batch_ids: Sequence[int]) -> None:
    """The alerts of absorbed batches are over, and nobody needs to look at them."""
    raising.relieve(conn, [Relief(each, None, now, restored=False) for each in batch_ids])
    waiting = [
        alert for alert in steps.lock(conn, batch_ids) if allowed("acknowledge", alert.state)
    ]
    steps.take(conn, [Change(alert, "acknowledge", now) for alert in waiting])
    steps.close_over(conn, batch_ids, now)


def _bring_up_to_date(conn: Conn, now: datetime, desk: CaseDesk) -> list[Returned]:
    """Tells of batches that have grown, and ends those whose cause is gone."""
    open_ids = [row["id"] for row in conn.execute(load("correlation")["open_batches"]).fetchall()]
    if not open_ids:
        return []
    for row in store.count(conn, now, open_ids):
        if row["grown_at"] == now:
            store.tell(conn, now, desk, row["id"], Topic.BATCH_GROWN)
        elif row["unseen"]:
            store.entitle(conn, row["id"])
    limits = {"least": LEAST, "rest": REST, "before": now - EASED_FOR}
    over = conn.execute(load("correlation")["over"], limits).fetchall()
    ended = [row["id"] for row in over]
    conn.execute(load("correlation")["end"], {"batch_ids": ended, "now": now})
    for row in over:
        store.announce_end(conn, now, row["id"], left=row["active"], into=None)
    return raising.relieve(conn, [Relief(each, None, now, restored=True) for each in ended])


def _settled(conn: Conn, alert_ids: Sequence[int]) -> None:
    conn.execute(load("correlation")["settled"], {"alert_ids": list(alert_ids)})
