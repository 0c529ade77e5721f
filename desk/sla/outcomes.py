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
        clock, plan: names.
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
    plan: str
    started_at: datetime
    kept: bool
    target_s: float
    used_s: float


def outcomes(conn: Conn, since: datetime, until: datetime) -> Iterator[Outcome]:
    """The clocks of all cases that were closed within [since, until), as they stood then."""
    rows = conn.execute(load("sla")["closed_between"], {"since": since, "until": until}).fetchall()
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
        plan=clock.plan,
        started_at=clock.started_at,
        kept=clock.state is not SlaState.BREACHED,
        target_s=clock.target.total_seconds(),
        used_s=clock.used.total_seconds(),
    )
