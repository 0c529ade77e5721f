"""How many clocks are reckoned a second, and what a look at 10,000 open cases costs the worker.

`python -m benchmarks.promises`. The figures are of this machine; beside each other they can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.store import fresh_store
from desk.case import Kind, TicketEvent
from desk.contracts.book import shipped
from desk.lifecycle import TicketState
from desk.sla.clocks import clocks
from desk.sla.plan import Terms
from desk.sla.reading import clocks_of
from desk.sla.watch import watch
from domain.clock import ManualClock
from storage.database import Database

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)
CASES = 10_000
_PURE = 3000


def main() -> None:
    _pure()
    with fresh_store() as database:
        _store(database)


def _pure() -> None:
    book = shipped()
    for plan, name in (("kiosk", "always"), ("kiosk_office", "office_cn")):
        rate = _rate(Terms(book.plans[plan], book.calendar(name, "Asia/Shanghai"), "urban"))
        print(f"{plan}, {name}: {rate:,.0f} cases a CPU second, all clocks of each")


def _rate(terms: Terms) -> float:
    events = _events()
    began = time.process_time()
    for _ in range(_PURE):
        clocks(events, lambda _: terms, NOW)
    return _PURE / (time.process_time() - began)


def _events() -> list[TicketEvent]:
    """A case with a wait: as many events as most have."""
    states = [
        (0, Kind.OPENED, TicketState.NEW),
        (10, Kind.MOVED, TicketState.PLANNED),
        (30, Kind.MOVED, TicketState.WAITING_CUSTOMER),
        (90, Kind.MOVED, TicketState.PLANNED),
        (100, Kind.MOVED, TicketState.DISPATCHED),
        (150, Kind.MOVED, TicketState.ON_SITE),
    ]
    begin = NOW - timedelta(hours=3)
    data = {"severity": "error", "fault_class": "breakdown", "predicted_at": None}
    return [
        TicketEvent(1, number, begin + timedelta(minutes=minute), kind, "x", "", state, data)
        for number, (minute, kind, state) in enumerate(states, start=1)
    ]


def _store(database: Database) -> None:
    clock = ManualClock(NOW)
    with database.transaction() as conn:
        conn.execute(_SITES.encode(), {"count": 500})
        conn.execute(_TICKETS.encode(), {"count": CASES, "now": NOW})
    _tell("first look at all", lambda: watch(database, clock))
    _tell("a look when nothing is due", lambda: watch(database, clock))
    with database.transaction() as conn:
        ids = [row["id"] for row in conn.execute("SELECT id FROM ticket").fetchall()]
        _tell("the clocks of all, for a report", lambda: clocks_of(conn, ids, NOW))
        page = ids[:50]
        _tell("the clocks of a page of 50", lambda: clocks_of(conn, page, NOW))
    clock.advance(timedelta(minutes=31))
    _tell("a warning for each of them", lambda: watch(database, clock))


def _tell(what: str, do: Callable[[], object]) -> None:
    print(f"{CASES:,} open cases, {what}: {_seconds(do) * 1000:,.1f} ms")


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


_SITES = """
WITH whose AS (INSERT INTO customer (key, name) VALUES ('c', 'C') RETURNING id),
     sites AS (
         INSERT INTO site (key, name, customer_id, time_zone)
         SELECT 's' || n, 'S', whose.id, 'Asia/Shanghai' FROM whose, generate_series(1, %(count)s) n
         RETURNING id),
     agreed AS (
         INSERT INTO contract (key, customer_id, plan, calendar, valid_from, recorded_at)
         SELECT 'k', id, 'kiosk', 'always', '2020-01-01', '2020-01-01' FROM whose)
INSERT INTO device (key, kind, site_id) SELECT 'd' || id, 'kiosk', id FROM sites
"""
_TICKETS = """
WITH opened AS (
    INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title, opened_at)
    SELECT device.id, 'part' || n, 'breakdown', 'device', 'new', 'error',
           '{"template": "x"}', %(now)s
    FROM device, generate_series(1, %(count)s / (SELECT count(*) FROM device)) AS n
    RETURNING *)
INSERT INTO ticket_event (ticket_id, version, at, kind, actor, to_state, data)
SELECT id, 1, %(now)s, 'opened', 'x', 'new',
       jsonb_build_object('severity', 'error', 'fault_class', 'breakdown', 'predicted_at', null,
           'failed_at', null, 'device_id', device_id, 'component', component, 'alert_id', null,
           'origin', 'device', 'title', title, 'assignee_id', null, 'repeat_of', null)
FROM opened
"""

if __name__ == "__main__":
    main()
