"""A small world on the real store: two sites, three devices, and the signs that reach the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk import ledger
from desk.case import Ticket, TicketEvent, fold
from desk.cases import Cases
from domain.clock import ManualClock
from domain.fault import Fault
from domain.reason import Reason
from domain.text import Text
from storage.database import Conn, Database
from storage.engine import detect

REASON = Reason(Text("{n} failed cuts", {"n": 9}), 1.0)


@dataclass(frozen=True, slots=True)
class World:
    """`kiosk`, `pos` and `clock_device` are ids of adopted devices; `stranger` is not adopted."""

    database: Database
    clock: ManualClock
    kiosk: int
    pos: int
    clock_device: int
    stranger: int
    engineer: int

    def event(self, device: int, component: str, code: str, severity: str = "warning") -> None:
        self._run(
            """INSERT INTO pending_sign (kind, device_id, at, component, code, severity)
               VALUES ('event', %(device)s, %(at)s, %(component)s, %(code)s, %(severity)s)""",
            {"device": device, "component": component, "code": code, "severity": severity},
        )

    def transition(
        self, device: int, to: str, cause: str, component: str = "", detail: str = ""
    ) -> None:
        self._run(
            """INSERT INTO pending_sign (kind, device_id, at, to_state, cause, component, detail)
               VALUES ('transition', %(device)s, %(at)s, %(to)s, %(cause)s, %(component)s,
                       %(detail)s)""",
            {"device": device, "to": to, "cause": cause, "component": component, "detail": detail},
        )

    def predict(
        self, device: int, component: str, probability: float, horizon_h: float = 24
    ) -> None:
        self._run(
            """INSERT INTO prediction (at, device_id, component, model_id, horizon_h, probability,
                                       threshold, reasons)
               VALUES (%(at)s, %(device)s, %(component)s, 1, %(horizon)s, %(probability)s, 0.5,
                       %(reasons)s)""",
            {
                "device": device,
                "component": component,
                "horizon": horizon_h,
                "probability": probability,
                "reasons": Jsonb([REASON.to_json()]),
            },
        )

    def gauge(self, device: int, metric: str, value: float) -> None:
        self._run(
            """WITH known AS (
                   INSERT INTO metric (name, kind) VALUES (%(metric)s, 'gauge')
                   ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id)
               INSERT INTO reading (at, received_at, device_id, metric_id, value)
               SELECT %(at)s, %(at)s, %(device)s, id, %(value)s FROM known""",
            {"device": device, "metric": metric, "value": value},
        )

    def evaluate(self, hold: timedelta = timedelta()) -> int:
        """Judges what is new; without a `hold` no news waits."""
        return evaluate(self.database, self.clock, Cases(self.clock), RuleBooks(), hold=hold)

    def pass_time(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))

    def alerts(self, *, only_open: bool = True) -> list[dict[str, Any]]:
        where = "WHERE closed_at IS NULL" if only_open else ""
        return self.rows(f"SELECT * FROM alert {where} ORDER BY id")

    def tickets(self, *, only_open: bool = True) -> list[Ticket]:
        where = "WHERE closed_at IS NULL" if only_open else ""
        rows = self.rows(f"SELECT * FROM ticket {where} ORDER BY id")
        return [ledger.ticket_of(row) for row in rows]

    def ticket(self) -> Ticket:
        """The only open ticket; checks that it is the fold of its events."""
        [ticket] = self.tickets()
        assert fold(self.events(ticket.id)) == ticket
        return ticket

    def fault(self) -> Fault:
        """Of the only open ticket."""
        fault = self.ticket().fault
        assert fault is not None
        return fault

    def events(self, ticket_id: int) -> list[TicketEvent]:
        with self.database.transaction() as conn:
            return ledger.events(conn, ticket_id)

    def kinds(self) -> list[str]:
        """What the only open ticket's events are, in order."""
        return [event.kind.value for event in self.events(self.ticket().id)]

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.database.transaction() as conn:
            return conn.execute(query.encode()).fetchall()

    def _run(self, statement: str, parameters: dict[str, Any]) -> None:
        with self.database.transaction() as conn:
            conn.execute(statement.encode(), parameters | {"at": self.clock.now()})


def _row(conn: Conn, statement: str, *values: object) -> int:
    found = conn.execute(statement.encode(), values).fetchone()
    assert found is not None
    return int(found["id"])


def _device(conn: Conn, key: str, kind: str, site: int, adopted: datetime | None) -> int:
    return _row(
        conn,
        """INSERT INTO device (key, kind, site_id, adopted_at) VALUES (%s, %s, %s, %s)
           RETURNING id""",
        *(key, kind, site, adopted),
    )


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return build_world(database, clock)


def build_world(database: Database, clock: ManualClock) -> World:
    """The small world in a database that is migrated and empty."""
    now = clock.now()
    with database.transaction() as conn:
        detect(conn).ensure(conn, now - timedelta(days=1), now + timedelta(days=9))
        engineer = _row(
            conn, "INSERT INTO engineer (key, name) VALUES ('li', 'Li Wei') RETURNING id"
        )
        customer = _row(
            conn, "INSERT INTO customer (key, name) VALUES ('c', 'Customer') RETURNING id"
        )
        site = _row(
            conn,
            """INSERT INTO site (key, name, customer_id, engineer_id)
               VALUES ('s', 'Site', %s, %s) RETURNING id""",
            *(customer, engineer),
        )
        return World(
            database=database,
            clock=clock,
            kiosk=_device(conn, "kiosk-1", "kiosk", site, now),
            pos=_device(conn, "pos-1", "pos", site, now),
            clock_device=_device(conn, "clock-1", "clock", site, now),
            stranger=_device(conn, "found-1", "pos", site, None),
            engineer=engineer,
        )
