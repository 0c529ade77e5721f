"""Recognises batches, lets them grow, shrink and end.

A batch is an alert of its own, without a device. Its members' alerts are suppressed by it: they stay
what they are, are told to nobody, and close by themselves when their devices are well. What is still
down when the cause is gone is released, and gets its own case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from alerts import raising, steps
from alerts.correlation import store, suspects
from alerts.correlation.evidence import Evidence
from alerts.correlation.likelihood import LEAST, verdict
from alerts.desk_port import CaseDesk, Returned
from alerts.series import Relief
from alerts.steps import Change
from domain.text import N_, Text
from storage.database import Conn
from storage.queries import load

GROWS_FOR = timedelta(hours=1)
"""A fault that comes so long after the last one of a batch has a cause of its own."""

EASED_FOR = timedelta(minutes=10)
"""When nearly all are well and no other became so for so long, the cause is gone."""

_REST = 0.1
"""So many of the members, at most, are left when the cause is gone."""

_WIDER = 1.5
"""A wider cause takes batches in when it explains so many times as many faults."""

_AT_ONCE = 50
"""Batches found in one go; what is left is found by the next."""

_PART_OF = N_("Part of batch {id}: {headline}")


def correlate(conn: Conn, now: datetime, desk: CaseDesk) -> list[Returned]:
    """Brings all batches up to date; returns those that are over."""
    waiting = conn.execute(load("correlation")["waiting"], {"now": now}).fetchone()
    if waiting is not None and waiting["due"]:
        suspects.gather(conn, waiting["newest"])
        _grow(conn, now, desk)
        _recognise(conn, now, desk, waiting["newest"])
    return _ebb(conn, now)


def _grow(conn: Conn, now: datetime, desk: CaseDesk) -> None:
    found = conn.execute(
        load("correlation")["joiners"], {"before": suspects.SPAN, "after": GROWS_FOR}
    ).fetchall()
    joining: defaultdict[int, list[int]] = defaultdict(list)
    for row in found:
        joining[row["batch_id"]].append(row["alert_id"])
    for batch_id, alert_ids in sorted(joining.items()):
        _join(conn, now, desk, batch_id, alert_ids)
        _settled(conn, alert_ids)


def _recognise(conn: Conn, now: datetime, desk: CaseDesk, newest: datetime) -> None:
    for _ in range(_AT_ONCE):
        found = [
            (sight, judged)
            for sight in suspects.sights(conn, newest)
            if (judged := verdict(sight.shares, sight.faults, sight.devices)) is not None
        ]
        if not found:
            return
        for sight, judged in found:
            evidence = Evidence(judged, sight.faults, sight.devices, suspects.SPAN.total_seconds())
            _take(conn, now, desk, sight.signature, evidence)


def _take(conn: Conn, now: datetime, desk: CaseDesk, signature: str, evidence: Evidence) -> None:
    """Makes a batch of what the evidence names, unless batches that stand explain nearly all."""
    share = evidence.verdict.share
    of_group = {"signature": signature, "kind": share.kind, "key": share.key}
    rows = conn.execute(load("correlation")["of_group"], of_group).fetchall()
    held = [row["alert_id"] for row in rows if row["batch_id"] is not None]
    fresh = [row["alert_id"] for row in rows if row["batch_id"] is None]
    if not fresh or len(rows) < _WIDER * len(held):
        _settled(conn, held or fresh)
        return
    narrower = {row["batch_id"] for row in rows if row["batch_id"] is not None}
    alert_ids = [row["alert_id"] for row in rows]
    first_at = min(row["since"] for row in rows)
    batch_id = store.stand(conn, now, signature, evidence, first_at, alert_ids)
    ticket_id = _join(conn, now, desk, batch_id, fresh)
    _absorb(conn, now, desk, batch_id, ticket_id, narrower - {batch_id})
    _settled(conn, alert_ids)


def _join(
    conn: Conn, now: datetime, desk: CaseDesk, batch_id: int, alert_ids: Sequence[int]
) -> int | None:
    """Makes alerts members of a batch; returns its ticket."""
    alerts = [alert for alert in steps.lock(conn, alert_ids) if not alert.state.held_back]
    cause = Text(_PART_OF, {"id": batch_id, "headline": store.headline(conn, batch_id)})
    steps.take(
        conn,
        [
            Change(alert, "suppress", now, cause=cause, batch_id=batch_id)
            for alert in alerts
            if alert.active
        ],
    )
    ticket_id = store.tell(conn, now, desk, batch_id)
    if ticket_id is not None:
        desk.join_batch(conn, ticket_id, alert_ids)
    return ticket_id


def _absorb(
    conn: Conn,
    now: datetime,
    desk: CaseDesk,
    batch_id: int,
    ticket_id: int | None,
    narrower: Iterable[int],
) -> None:
    """Takes batches whose cause was only a part of this one's into it."""
    batch_ids = sorted(narrower)
    if not batch_ids:
        return
    rows = conn.execute(load("correlation")["members_of"], {"batch_ids": batch_ids}).fetchall()
    moved = {"alert_ids": [row["id"] for row in rows], "batch_id": batch_id, "now": now}
    conn.execute(load("correlation")["move_members"], moved)
    ended = {"batch_ids": batch_ids, "batch_id": batch_id, "now": now}
    conn.execute(load("correlation")["absorb"], ended)
    for each in batch_ids:
        if ticket_id is not None:
            desk.end_batch(conn, each, ticket_id)
        store.announce_end(conn, now, each, left=0, into=batch_id)
    raising.relieve(conn, [Relief(each, None, now, restored=False) for each in batch_ids])
    seen = [
        Change(alert, "acknowledge", now)
        for alert in steps.lock(conn, batch_ids)
        if not alert.active
    ]
    steps.take(conn, seen)
    steps.close_over(conn, batch_ids, now)
    store.tell(conn, now, desk, batch_id)


def _ebb(conn: Conn, now: datetime) -> list[Returned]:
    open_ids = [row["id"] for row in conn.execute(load("correlation")["open_batches"]).fetchall()]
    if not open_ids:
        return []
    store.count(conn, now, open_ids)
    limits = {"least": LEAST, "rest": _REST, "before": now - EASED_FOR}
    over = conn.execute(load("correlation")["over"], limits).fetchall()
    ended = [row["id"] for row in over]
    conn.execute(load("correlation")["end"], {"batch_ids": ended, "now": now})
    for row in over:
        store.announce_end(conn, now, row["id"], left=row["active"], into=None)
    return raising.relieve(conn, [Relief(each, None, now, restored=True) for each in ended])


def _settled(conn: Conn, alert_ids: Sequence[int]) -> None:
    conn.execute(load("correlation")["settled"], {"alert_ids": list(alert_ids)})
