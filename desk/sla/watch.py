"""What time does to promises: warnings before they are broken, and the breach, each recorded once.

A small table says for every open case when its clocks have to be looked at again, so that a look
reads the histories of those cases only that have changed or whose moment has come. That a warning
or a breach stands in a history once is the store's own rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.board import SYSTEM
from desk import ledger
from desk.case import Kind, Ticket, TicketEvent
from desk.contracts.reading import contracts_of_tickets
from desk.escalation import Due, escalate
from desk.ledger import Entry
from desk.sla.clocks import Hold, SlaClock, SlaState, clocks
from desk.sla.reading import events_of, next_due
from domain.clock import Clock
from domain.text import Text
from storage.database import Conn, Database
from storage.queries import load

AT_ONCE = 500
"""Cases a transaction: nobody waits long for one of them."""

LOOK_AGAIN = timedelta(hours=1)
"""A case is looked at so often although nothing happens: its site may have got another time zone."""

_TOLD = (Kind.SLA_WARNING, Kind.SLA_BREACH)
News = tuple[Kind, SlaClock]


def watch(database: Database, clock: Clock) -> int:
    """Records the warnings and breaches that have come due; returns how many.

    A case that somebody else works on in this moment is left for the next look.
    """
    recorded, last = 0, 0
    while True:
        with database.transaction() as conn:
            ids = _to_look_at(conn, clock.now(), last)
            recorded += _look(conn, ids, clock.now())
        if len(ids) < AT_ONCE:
            return recorded
        last = max(ids)


def _to_look_at(conn: Conn, now: datetime, after: int) -> dict[int, bool]:
    """Cases by id, and whether they have ended; those with greater ids than `after`."""
    asked = {"now": now, "after": after, "limit": AT_ONCE}
    return {row["id"]: row["ended"] for row in conn.execute(load("sla")["to_look_at"], asked)}


def _look(conn: Conn, ids: dict[int, bool], now: datetime) -> int:
    """Records what has come due of cases, and notes when each is due again."""
    told, agreed = events_of(conn, ids), contracts_of_tickets(conn, ids)
    found = {each: clocks(told[each], agreed[each].at, now) for each in ids}
    news = {each: some for each in ids if (some := _news(found[each], told[each], now))}
    versions = {each: told[each][-1].version for each in ids}
    # Of a case that has changed since its history was read nothing is recorded: that is old.
    locked = {
        each: ticket
        for each, ticket in _lock(conn, list(news)).items()
        if ticket.version == versions[each]
    }
    count = _record(conn, locked, {each: news[each] for each in locked}, now)
    versions |= {each: ticket.version for each, ticket in locked.items()}
    seen = [each for each in ids if each not in news or each in locked]
    _note(conn, [(each, versions[each], found[each]) for each in seen if not ids[each]], now)
    conn.execute(load("sla")["done_with"], {"ticket_ids": [each for each in seen if ids[each]]})
    return count


def _record(
    conn: Conn, locked: dict[int, Ticket], news: Mapping[int, list[News]], now: datetime
) -> int:
    """Adds the news to the cases, and brings `locked` up to them."""
    waiting = {each: list(some) for each, some in news.items()}
    while waiting:  # the first of each case, then the second
        first = {each: some.pop(0) for each, some in waiting.items()}
        waiting = {each: some for each, some in waiting.items() if some}
        for ticket in _append(conn, locked, first, now):
            locked[ticket.id] = ticket
        due = [
            Due(locked[each], clock.label, kind is Kind.SLA_BREACH)
            for each, (kind, clock) in first.items()
            if clock.open
        ]
        for ticket in escalate(conn, due, now):
            locked[ticket.id] = ticket
    return sum(map(len, news.values()))


def _lock(conn: Conn, ticket_ids: Sequence[int]) -> dict[int, Ticket]:
    """Those that nobody else works on. It never waits, so it needs no order with alerts."""
    rows = conn.execute(load("sla")["lock"], {"ticket_ids": ticket_ids}).fetchall()
    return {row["id"]: ledger.ticket_of(row) for row in rows}


def _append(
    conn: Conn, locked: Mapping[int, Ticket], news: Mapping[int, News], now: datetime
) -> list[Ticket]:
    entries = [Entry(locked[each], kind, data_of(clock)) for each, (kind, clock) in news.items()]
    return ledger.append_many(conn, entries, now, SYSTEM)


def _news(found: Sequence[SlaClock], told: Iterable[TicketEvent], now: datetime) -> list[News]:
    """What is to be recorded of a case and is not yet, in the order in which it came about."""
    known = {(event.kind, event.data["clock"]) for event in told if event.kind in _TOLD}
    news: list[tuple[datetime, News]] = []
    for clock in found:
        if (Kind.SLA_BREACH, clock.name) in known:
            continue
        if clock.state is SlaState.BREACHED:
            news.append((clock.due_at, (Kind.SLA_BREACH, clock)))
        elif clock.open and clock.warn_at < now and (Kind.SLA_WARNING, clock.name) not in known:
            news.append((clock.warn_at, (Kind.SLA_WARNING, clock)))
    return [each for _, each in sorted(news, key=lambda one: one[0])]


def data_of(clock: SlaClock) -> dict[str, object]:
    """What an event of a case keeps of the promise that it tells of."""
    return {
        "clock": clock.name,
        "label": Text(clock.label).to_json(),
        "plan": clock.plan,
        "due": ledger.iso(clock.due_at),
    }


def _note(conn: Conn, seen: Sequence[tuple[int, int, Sequence[SlaClock]]], now: datetime) -> None:
    """Of each case: its id, its version, its clocks."""
    conn.execute(
        load("sla")["looked_at"],
        {
            "ticket_ids": [ticket_id for ticket_id, _, _ in seen],
            "versions": [version for _, version, _ in seen],
            "wake_at": [_wake_at(found, now) for _, _, found in seen],
            "due_at": [_due_at(found) for _, _, found in seen],
        },
    )


def _wake_at(found: Iterable[SlaClock], now: datetime) -> datetime:
    """The next moment after which something may have to be recorded."""
    moments = [
        moment
        for clock in found
        if clock.open and clock.state is SlaState.RUNNING
        for moment in (clock.warn_at, clock.due_at)
        if moment >= now
    ]
    return min([*moments, now + LOOK_AGAIN])


def _due_at(found: Iterable[SlaClock]) -> datetime | None:
    """When the clock that runs out next does; none while it waits, since nobody knows."""
    clock = next_due(found)
    waits = clock is None or clock.hold in (Hold.CUSTOMER, Hold.PART)
    return None if clock is None or waits else clock.due_at
