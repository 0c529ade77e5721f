"""What befell many devices at once, and what was agreed to be out of service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.text import Text
from kpi.service.scope import Whose
from kpi.uptime.exclusions import OUTSIDE
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Batch:
    """A fault of many devices that had one cause.

    Attributes:
        kind: of what they share (`alerts.correlation`). title: what happened, in words.
        ours: how many devices of those of whom the report speaks.
        ended_at: None: it lasted beyond the period.
        ticket_id: its case; None: it had none.
    """

    batch_id: int
    kind: str
    title: Text
    first_at: datetime
    ended_at: datetime | None
    ours: int
    ticket_id: int | None

    @property
    def outside(self) -> bool:
        """Whether the cause was power, network or the site as a whole."""
        return self.kind in OUTSIDE


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window: when, where, why, and who agreed it."""

    window_id: int
    since: datetime
    until: datetime
    reason: str
    actor: str
    place: str


def read_batches(conn: Conn, of: Whose, start: datetime, end: datetime) -> list[Batch]:
    """Those that lasted at some time of [start, end), by their first fault."""
    rows = conn.execute(load("reports_service")["batches"], _asked(of, start, end)).fetchall()
    return [Batch(**(row | {"title": Text.from_json(row["title"])})) for row in rows]


def read_windows(conn: Conn, of: Whose, start: datetime, end: datetime) -> list[Window]:
    """Those that lie within [start, end) or reach into it, by their start."""
    rows = conn.execute(load("reports_service")["windows"], _asked(of, start, end)).fetchall()
    return [Window(**row) for row in rows]


def _asked(of: Whose, start: datetime, end: datetime) -> dict[str, object]:
    return {"customer_id": of.customer_id, "start": start, "end": end}
