"""Who calls, and what is known of their trouble already."""

from __future__ import annotations

from dataclasses import dataclass

from desk.calls import digits_of
from storage.database import Conn, Row
from storage.queries import load

SHOWN = 50
_FEWEST_DIGITS = 5  # fewer would find half the telephones of a town


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whom a search may mean. Rows of sites, of devices - also theirs -, and of open tickets."""

    sites: list[Row]
    devices: list[Row]
    cases: list[Row]


def recognise(conn: Conn, search: str) -> Recognised:
    """The sites and devices whose name, customer, serial, key or telephone number fits `search`."""
    text = search.strip()
    if not text:
        return Recognised([], [], [])
    digits = digits_of(text).lstrip("0")  # 021 ... at home is 98 21 ... elsewhere
    wanted = {
        "search": like(text),
        "digits": digits if len(digits) >= _FEWEST_DIGITS else None,
        "limit": SHOWN,
    }
    sites = conn.execute(load("calls")["sites"], wanted).fetchall()
    theirs = {"sites": [row["id"] for row in sites]}
    devices = conn.execute(load("calls")["devices"], wanted | theirs).fetchall()
    return Recognised(sites, devices, open_cases(conn, sites, devices))


def open_cases(conn: Conn, sites: list[Row], devices: list[Row]) -> list[Row]:
    """The open tickets of these devices and of all that stands at these sites."""
    ids = {"sites": [row["id"] for row in sites], "devices": [row["id"] for row in devices]}
    return conn.execute(load("calls")["open_cases"], ids).fetchall()


def counts(conn: Conn, ticket_id: int) -> Row:
    """`faults` and `calls`: how often this fault came and was called about.

    Counted over this case and those that it repeats, each within 30 days of the next.
    """
    row = conn.execute(load("calls")["counts"], {"ticket_id": ticket_id}).fetchone()
    assert row is not None
    return row


def calls_of(conn: Conn, ticket_id: int) -> list[Row]:
    """The calls on a case, the newest first."""
    return conn.execute(load("calls")["of_ticket"], {"ticket_id": ticket_id}).fetchall()


def like(text: str) -> str:
    """`text` without what LIKE's own signs mean."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
