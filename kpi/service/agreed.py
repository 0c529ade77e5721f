"""What was agreed with a customer in a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kpi.service.scope import Whose
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract; its days are those of the site. `site`: None: all of the customer's."""

    key: str
    site: str | None
    plan: str
    calendar: str | None
    valid_from: date
    valid_until: date | None


def read_agreed(conn: Conn, of: Whose, first: date, end: date) -> list[Agreement]:
    """The contracts that were valid on some day of [first, end)."""
    asked = {"customer_id": of.customer_id, "first": first, "end": end}
    return [Agreement(**row) for row in conn.execute(load("reports_service")["agreed"], asked)]
