"""What happens when a promise is about to be broken, or is: the next level is told.

Level 1 is whom the assigned engineer reports to, level 2 whom that one reports to, and so on. The
ticket stays with its engineer: escalation brings help and eyes, and is recorded on the ticket.
"""

from __future__ import annotations

from datetime import datetime

from alerts.board import SYSTEM
from desk import ledger
from desk.case import Kind, Ticket
from domain.text import N_, Text
from storage.database import Conn
from storage.queries import load


def escalate(conn: Conn, ticket: Ticket, promise: str, now: datetime, *, breached: bool) -> Ticket:
    """Tells the next level of a ticket that this transaction has locked.

    `promise` is the label of the clock that ran down. Where nobody is on the next level, that is
    recorded, and the level counts all the same. A case that has ended is left alone.
    """
    if ticket.state.done:
        return ticket
    level = ticket.level + 1
    row = conn.execute(
        load("desk")["superior"], {"engineer_id": ticket.assignee_id, "level": level}
    ).fetchone()
    why = _WHY[breached, row is None]
    values = {"promise": Text(promise), "level": level, "name": row["name"] if row else ""}
    data = {
        "level": level,
        "engineer_id": row["id"] if row else None,
        "message": Text(why, values).to_json(),
    }
    return ledger.append(conn, ticket, Kind.ESCALATED, now, SYSTEM, data)


_WHY = {
    (False, False): N_("{name} (level {level}) is told: “{promise}” is about to be missed"),
    (False, True): N_("“{promise}” is about to be missed, and nobody is on level {level}"),
    (True, False): N_("{name} (level {level}) is told: “{promise}” was missed"),
    (True, True): N_("“{promise}” was missed, and nobody is on level {level}"),
}
"""By whether the promise is broken, and whether nobody is there to be told."""
