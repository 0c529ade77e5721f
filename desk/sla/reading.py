"""The clocks of cases in the store: the one way in which console, API and reports read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from desk.case import Kind, TicketEvent
from desk.contracts.reading import contracts_of_tickets
from desk.sla.clocks import FaultKind, SlaClock, SlaState, clocks, kind_of
from storage.database import Conn
from storage.queries import load


def clocks_of(conn: Conn, ticket_ids: Iterable[int], now: datetime) -> dict[int, list[SlaClock]]:
    """The clocks of each case that have started by `now`; three queries for any number of cases."""
    ids = list(ticket_ids)
    contracts = contracts_of_tickets(conn, ids)
    told = events_of(conn, ids)
    return {each: clocks(told.get(each, ()), contracts[each].at, now) for each in ids}


def kinds_of(conn: Conn, ticket_ids: Iterable[int]) -> dict[int, FaultKind]:
    """What kind of fault each case is of: as somebody said, else as it is by itself."""
    ids = list(ticket_ids)
    contracts = contracts_of_tickets(conn, ids)
    return {each: kind_of(told, contracts[each].at) for each, told in events_of(conn, ids).items()}


def events_of(conn: Conn, ticket_ids: Iterable[int]) -> dict[int, list[TicketEvent]]:
    """The history of each case, oldest first."""
    told: dict[int, list[TicketEvent]] = {}
    rows = conn.execute(load("sla")["events"], {"ticket_ids": list(ticket_ids)}).fetchall()
    for row in rows:
        event = TicketEvent(**(row | {"kind": Kind(row["kind"])}))
        told.setdefault(event.ticket_id, []).append(event)
    return told


def next_due(found: Iterable[SlaClock]) -> SlaClock | None:
    """The clock of a case that runs out next; where none can any more, the one missed first."""
    unmet = [clock for clock in found if clock.open]
    return min(
        unmet,
        key=lambda clock: (clock.state is SlaState.BREACHED, clock.due_at),
        default=None,
    )
