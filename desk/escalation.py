"""What happens when a promise is about to be broken, or is: the next level is told.

Level 1 is whom the assigned engineer reports to, level 2 whom that one reports to, and so on. The
ticket stays with its engineer: escalation brings help and eyes, and is recorded on the ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.board import SYSTEM
from desk import ledger
from desk.case import Kind, Ticket
from desk.ledger import Entry
from domain.text import N_, Text, Value
from storage.database import Conn, Row
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Due:
    """A promise of a ticket that ran down; `promise` is its clock's label."""

    ticket: Ticket
    promise: str
    breached: bool


def escalate(conn: Conn, due: Sequence[Due], now: datetime) -> list[Ticket]:
    """Tells the next level of tickets that this transaction has locked; each stands in `due` once.

    Where nobody is on the next level, that is recorded, and the level counts all the same. A case
    that has ended is left alone.
    """
    under_way = [each for each in due if not each.ticket.state.done]
    superiors = _superiors(conn, under_way)
    entries = [
        Entry(each.ticket, Kind.ESCALATED, _told(each, superiors.get(place)))
        for place, each in enumerate(under_way)
    ]
    return ledger.append_many(conn, entries, now, SYSTEM)


def _superiors(conn: Conn, due: Sequence[Due]) -> dict[int, Row]:
    """Who is on the next level, by the place in `due`."""
    asked = {
        "engineer_ids": [each.ticket.assignee_id for each in due],
        "levels": [each.ticket.level + 1 for each in due],
    }
    rows = conn.execute(load("desk")["superiors"], asked).fetchall()
    return {row["place"] - 1: row for row in rows}


def _told(due: Due, superior: Row | None) -> dict[str, Any]:
    level = due.ticket.level + 1
    name = superior["name"] if superior else ""
    values: dict[str, Value] = {"promise": Text(due.promise), "level": level, "name": name}
    return {
        "level": level,
        "engineer_id": superior["id"] if superior else None,
        "message": Text(_WHY[due.breached, superior is None], values).to_json(),
    }


_WHY = {
    (False, False): N_("{name} (level {level}) is told: “{promise}” is about to be missed"),
    (False, True): N_("“{promise}” is about to be missed, and nobody is on level {level}"),
    (True, False): N_("{name} (level {level}) is told: “{promise}” was missed"),
    (True, True): N_("“{promise}” was missed, and nobody is on level {level}"),
}
"""By whether the promise is broken, and whether nobody is there to be told."""
