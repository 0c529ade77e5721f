"""What became of the promises of a period, for figures and reports: one row a clock of a closed case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from desk.lifecycle import TicketState
from desk.sla.clocks import SlaClock, SlaState
from desk.sla.reading import clocks_of
from storage.database import Conn, Row
from storage.queries import load

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one promise of a closed case was kept.

    Attributes:
        cancelled: the case turned out to be none; most figures leave it out.
        clock, plan: names. label: what the clock is called.
        due_at: when its time was, or would have been, gone.
        met_at: when its goal was reached; None: the case was cancelled before.
        kept: False: it was breached.
        target_s, used_s: working time in seconds.
    """

    ticket_id: int
    device_id: int | None
    site_id: int | None
    customer_id: int | None
    engineer_id: int | None
    closed_at: datetime
    cancelled: bool
    clock: str
    label: str
    plan: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    kept: bool
    target_s: float
    used_s: float


def outcomes(
    conn: Conn, since: datetime, until: datetime, customer_id: int | None = None
) -> Iterator[Outcome]:
    """The clocks of all cases that were closed within [since, until), as they stood then; of one
    customer, or of all."""
    asked = {"since": since, "until": until, "customer_id": customer_id}
    rows = conn.execute(load("sla")["closed_between"], asked).fetchall()
    stream = iter(rows)
    while chunk := list(islice(stream, _AT_ONCE)):
        yield from _of_chunk(conn, chunk, until)


def _of_chunk(conn: Conn, rows: Sequence[Row], until: datetime) -> Iterator[Outcome]:
    # An ended case has no clock that runs: at the period's end it stands as it did when it ended.
    found = clocks_of(conn, [row["id"] for row in rows], until)
    for row in rows:
        for clock in found[row["id"]]:
            yield _outcome(row, clock)


def _outcome(row: Row, clock: SlaClock) -> Outcome:
    return Outcome(
        ticket_id=row["id"],
        device_id=row["device_id"],
        site_id=row["site_id"],
        customer_id=row["customer_id"],
        engineer_id=row["assignee_id"],
        closed_at=row["closed_at"],
        cancelled=row["state"] == TicketState.CANCELLED,
        clock=clock.name,
        label=clock.label,
        plan=clock.plan,
        started_at=clock.started_at,
        due_at=clock.due_at,
        met_at=clock.met_at,
        kept=clock.state is not SlaState.BREACHED,
        target_s=clock.target.total_seconds(),
        used_s=clock.used.total_seconds(),
    )
