"""A month of a small fleet, written so that every figure of a report can be counted by hand.

March 2026, in UTC. Customer `acme` has a site `hall` with devices k1, k2, k3 (kiosks of model K) and a clock c1;
customer `other` has a site `far` with a device p1. Everything stands since January.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from domain.text import Text
from storage.database import Conn

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEVICES = {"k1": "kiosk", "k2": "kiosk", "k3": "kiosk", "c1": "clock", "p1": "pos"}


def at(day: int, hour: float = 0) -> datetime:
    """A moment of March; day 0 and less lie in February, 32 and more in April."""
    return MARCH + timedelta(days=day - 1, hours=hour)


@dataclass(frozen=True, slots=True)
class Told:
    """One case, as it is written: moves are (hours after the opening, name of the state, data)."""

    device: str | None
    opened: datetime
    component: str = "receiptPrinter"
    fault_class: str = "breakdown"
    origin: str = "device"
    severity: str = "error"
    moves: tuple[tuple[float, str, Mapping[str, Any]], ...] = ()
    foretold: bool = False
    failed: float | None = 0  # hours after the opening; None: it has not failed
    finding: str | None = None
    caused_by: str | None = None
    rule: str = ""
    calls: tuple[float, ...] = ()  # hours after the opening; each after the first is a second one


VISIT: tuple[tuple[float, str, Mapping[str, Any]], ...] = (
    (0.5, "planned", {"move": "plan"}),
    (1.0, "under_way", {"move": "set_out"}),
    (2.0, "on_site", {"move": "arrive"}),
    (3.0, "repaired", {"move": "repair"}),
    (4.0, "verified", {"move": "verify"}),
    (5.0, "closed", {"move": "close"}),
)
"""A visit that repairs in an hour and ends after five."""


def replaced(hours: float) -> tuple[tuple[float, str, Mapping[str, Any]], ...]:
    """A visit that replaces a part so many hours after the arrival."""
    return (
        *VISIT[:3],
        (2 + hours, "repaired", {"move": "replace"}),
        (3 + hours, "verified", {}),
        (4 + hours, "closed", {}),
    )


def found_fleet(conn: Conn) -> None:
    """Customers, sites and devices; nothing has happened."""
    conn.execute("INSERT INTO customer (key, name) VALUES ('acme', 'Acme'), ('other', 'Other')")
    conn.execute(
        """INSERT INTO site (key, name, customer_id)
           VALUES ('hall', 'Great Hall', 1), ('far', 'Far Away', 2)"""
    )
    for key, kind in DEVICES.items():
        conn.execute(
            """INSERT INTO device (key, kind, model, firmware, site_id, installed_on, adopted_at)
               VALUES (%s, %s, 'K', '1.0', %s, '2025-04-10', %s)""",
            [key, kind, 2 if key == "p1" else 1, at(-50)],
        )


def device_id(conn: Conn, key: str) -> int:
    row = conn.execute("SELECT id FROM device WHERE key = %s", [key]).fetchone()
    assert row is not None
    return int(row["id"])


def states(conn: Conn, key: str, *changes: tuple[datetime, str]) -> None:
    """State changes of a device, which nobody watched before."""
    state = "unwatched"
    for version, (moment, new) in enumerate(changes, 1):
        conn.execute(
            """INSERT INTO device_transition
                   (device_id, from_state, to_state, at, cause, version, recorded_at)
               VALUES (%s, %s, %s, %s, 'contact', %s, %s)""",
            [device_id(conn, key), state, new, moment, version, moment],
        )
        state = new


def write(conn: Conn, told: Told) -> int:
    """Writes a case with its history and its calls; returns its number."""
    ends = [
        told.opened + hours * HOUR
        for hours, state, _ in told.moves
        if state in ("closed", "cancelled")
    ]
    failed = None if told.failed is None else told.opened + told.failed * HOUR
    predicted = told.opened if told.foretold else None
    device = device_id(conn, told.device) if told.device else None
    row = conn.execute(
        """INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title,
                               opened_at, predicted_at, failed_at, closed_at, finding, caused_by)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        [
            *(device, told.component, told.fault_class, told.origin),
            *(told.moves[-1][1] if told.moves else "new", told.severity),
            *(Jsonb(Text("It broke").to_json()), told.opened, predicted, failed),
            *(ends[0] if ends else None, told.finding, told.caused_by),
        ],
    ).fetchone()
    assert row is not None
    opening = {
        "predicted_at": predicted.isoformat() if predicted else None,
        "failed_at": failed.isoformat() if failed and told.failed == 0 else None,
        "severity": told.severity,
        "fault_class": told.fault_class,
        "rule": told.rule,
        "coverage": {"verdict": "covered", "why": {"template": "x"}, "more": []},
    }
    _event(conn, row["id"], 1, told.opened, "opened", "", "new", opening)
    later = [(hours, "moved", new, data) for hours, new, data in told.moves]
    if told.failed:
        later.append((told.failed, "failed", "", {"severity": told.severity}))
    state = "new"
    for version, (hours, kind, new, data) in enumerate(sorted(later, key=lambda one: one[0]), 2):
        before, state = state, new or state
        _event(conn, row["id"], version, told.opened + hours * HOUR, kind, before, state, data)
    _calls(conn, told, row["id"], device)
    return int(row["id"])


def _event(
    conn: Conn,
    ticket: int,
    version: int,
    moment: datetime,
    kind: str,
    before: str,
    after: str,
    data: Mapping[str, Any],
) -> None:
    conn.execute(
        """INSERT INTO ticket_event (ticket_id, version, at, kind, actor, from_state, to_state, data)
           VALUES (%s, %s, %s, %s, 'test', %s, %s, %s)""",
        [ticket, version, moment, kind, before, after, Jsonb(dict(data))],
    )


def _calls(conn: Conn, told: Told, ticket: int, device: int | None) -> None:
    before = None
    for hours in told.calls:
        row = conn.execute(
            """INSERT INTO call (at, channel, words, site_id, device_id, ticket_id, repeat_of, taken_by)
               VALUES (%s, 'phone', 'it is broken', (SELECT site_id FROM device WHERE id = %s), %s, %s, %s, 'desk')
               RETURNING id""",
            [told.opened + hours * HOUR, device, device, ticket, before],
        ).fetchone()
        assert row is not None
        before = row["id"]


def lived_through(conn: Conn) -> dict[str, int]:
    """March as it is told here; the numbers of the tickets by their letters."""
    found_fleet(conn)
    states(conn, "k1", (at(-20), "up"), (at(10), "down"), (at(10, 10), "up"))
    states(conn, "k2", (at(-20), "up"))
    states(conn, "k3", (at(-20), "up"), (at(21), "unwatched"))
    states(conn, "p1", (at(-20), "up"), (at(5), "down"), (at(6), "up"))
    return {letter: write(conn, told) for letter, told in CASES.items()}


_AFAR: tuple[tuple[float, str, Mapping[str, Any]], ...] = (
    (0.5, "planned", {"move": "plan"}),
    (0.6, "remote_diagnosis", {"move": "start_remote_diagnosis"}),
    (0.7, "waiting_customer", {"move": "wait_for_customer", "note": "they look for the key"}),
    (0.8, "remote_diagnosis", {"move": "resume"}),
    (1.0, "repaired", {"move": "repair"}),
    (1.5, "verified", {"move": "verify"}),
    (2.0, "closed", {"move": "close"}),
)
_JAM: Any = {"fault_class": "degraded", "failed": None, "rule": "event:paperJam"}
_FALSE = ((1.0, "cancelled", {"move": "cancel", "reason": "false_alarm"}),)
_PLANNED = ((0.5, "planned", {"move": "plan"}),)

CASES: dict[str, Told] = {
    "A": Told("k1", at(10), moves=VISIT, caused_by="device", finding="failed", calls=(0.5, 0.7)),
    "B": Told(
        "k2",
        at(12),
        fault_class="consumable",
        origin="phone",
        moves=_AFAR,
        caused_by="user",
        calls=(0,),
    ),
    "C": Told("k1", at(14), moves=VISIT, **_JAM),
    "D": Told("k2", at(15), moves=VISIT, **_JAM),
    "E": Told("k2", at(16), moves=replaced(3), **_JAM),
    "F": Told(
        "k3", at(17), origin="prediction", foretold=True, failed=None, finding="worn", moves=VISIT
    ),
    "G": Told("k3", at(18), origin="prediction", foretold=True, failed=None, moves=_FALSE),
    "H": Told(
        "k3", at(19), "cardReader", origin="prediction", foretold=True, failed=10, moves=_PLANNED
    ),
    "I": Told("c1", at(-2), "device", "unreachable"),
    "J": Told("k2", at(-18), moves=VISIT),
    "K": Told("p1", at(5), moves=VISIT),
}
"""B's customer was waited for; C, D and E are paper jams; F was prevented, G false, H came true; I is open since
February, J was closed in it; K is another customer's."""
