"""The rows of notices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.notify.ladder import Notice
from storage.database import Conn
from storage.queries import load


def open_notices(conn: Conn, subjects: Iterable[str]) -> dict[str, Notice]:
    """The open notices of these cases, by subject; locked."""
    rows = conn.execute(load("notify")["open_notices"], {"subjects": list(subjects)}).fetchall()
    return {row["subject"]: Notice(**row) for row in rows}


def due_notices(conn: Conn, now: datetime, limit: int) -> list[Notice]:
    """Notices of which something is to be done now; locked, and none that another has locked."""
    rows = conn.execute(load("notify")["due_notices"], {"now": now, "limit": limit}).fetchall()
    return [Notice(**row) for row in rows]


def write(conn: Conn, notices: Sequence[Notice]) -> None:
    """Writes notices as they are; those without an id are new."""
    new = [notice for notice in notices if not notice.id]
    if new:
        conn.execute(
            load("notify")["open_notice"],
            {
                "subjects": [notice.subject for notice in new],
                "routes": [notice.route for notice in new],
                "began": [notice.began_at for notice in new],
                "next": [notice.next_at for notice in new],
            },
        )
    known = [notice for notice in notices if notice.id]
    if known:
        conn.execute(
            load("notify")["write_notices"],
            {
                "ids": [notice.id for notice in known],
                "steps": [notice.step for notice in known],
                "stepped": [notice.stepped_at for notice in known],
                "next": [notice.next_at for notice in known],
                "acknowledged": [notice.acknowledged_at for notice in known],
                "muted": [notice.muted_at for notice in known],
                "returned": [notice.returned_at for notice in known],
                "ended": [notice.ended_at for notice in known],
            },
        )


def take_back(conn: Conn, ids: Sequence[int]) -> dict[int, int]:
    """Takes back the messages of notices that nobody has begun to send.

    Returns the first step that lost a message, by the notice's id.
    """
    if not ids:
        return {}
    rows = conn.execute(load("notify")["take_back"], {"ids": list(ids)}).fetchall()
    first: dict[int, int] = {}
    for row in rows:
        if row["step"] is not None:
            first[row["notice_id"]] = min(row["step"], first.get(row["notice_id"], row["step"]))
    return first


def told(conn: Conn, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Who was told of the fault: (channel, person) by the notice's id."""
    found: dict[int, list[tuple[str, str]]] = {}
    if ids:
        for row in conn.execute(load("notify")["told"], {"ids": list(ids)}).fetchall():
            found.setdefault(row["notice_id"], []).append((row["channel"], row["person"]))
    return found
