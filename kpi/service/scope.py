"""Of whom a report about the service speaks: one customer, or the whole fleet."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import BadInputError
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Whose:
    """A customer, or the whole fleet, which has neither id, key nor name."""

    customer_id: int | None = None
    key: str | None = None
    name: str = ""


def whose(conn: Conn, customer: str | None) -> Whose:
    """Raises BadInputError that names the customer where there is no such key."""
    if customer is None:
        return Whose()
    row = conn.execute(load("reports_service")["customer"], {"customer": customer}).fetchone()
    if row is None:
        raise BadInputError(f"customer: {customer!r}; allowed: the key of a customer")
    return Whose(row["id"], row["key"], row["name"])
