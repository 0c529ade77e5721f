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

AT_ONCE = 1000
TOGETHER = 100
LOOK_AGAIN = timedelta(hours=1)
"""A case is looked at so often although nothing happens: its site may have got another time zone."""

_TOLD = (Kind.SLA_WARNING, Kind.SLA_BREACH)
News = tuple[Kind, SlaClock]


def watch(database: Database, clock: Clock) -> int:
    """Records the warnings and breaches that have come due; returns how many.

    Some cases in one transaction, so that nobody waits for long; a case that somebody else works on
    in this moment is left for the next look.
    """
    recorded, more = 0, True
    while more:
        before = recorded
        with database.transaction() as conn:
            ids = _to_look_at(conn, clock.now())
            newsworthy = _look(conn, ids, clock.now())
        for first in range(0, len(newsworthy), TOGETHER):
            with database.transaction() as conn:
                recorded += _record(conn, newsworthy[first : first + TOGETHER], clock.now())
        in_others_hands = len(newsworthy) == AT_ONCE and recorded == before
        more = len(ids) == AT_ONCE and not in_others_hands
    return recorded


def _to_look_at(conn: Conn, now: datetime) -> dict[int, bool]:
    """Cases by id, and whether they have ended."""
    rows = conn.execute(load("sla")["to_look_at"], {"now": now, "limit": AT_ONCE}).fetchall()
    return {row["id"]: row["ended"] for row in rows}


def _look(conn: Conn, ids: dict[int, bool], now: datetime) -> list[int]:
    """Notes when each case is due again; returns those of which there is something to record."""
    told, agreed = events_of(conn, ids), contracts_of_tickets(conn, ids)
    newsworthy, seen = [], []
    for ticket_id, ended in ids.items():
        found = clocks(told[ticket_id], agreed[ticket_id].at, now)
        if _news(found, told[ticket_id], now):
            newsworthy.append(ticket_id)
        elif not ended:
            seen.append((told[ticket_id], found))
    _note(conn, seen, now)
    ended_quietly = [each for each, ended in ids.items() if ended and each not in newsworthy]
    conn.execute(load("sla")["done_with"], {"ticket_ids": ended_quietly})
    return newsworthy


def _record(conn: Conn, ticket_ids: Sequence[int], now: datetime) -> int:
    locked = _lock(conn, ticket_ids)
    told, agreed = events_of(conn, locked), contracts_of_tickets(conn, locked)
    news = {
        each: _news(clocks(told[each], agreed[each].at, now), told[each], now) for each in locked
    }
    count = sum(map(len, news.values()))
    while any(news.values()):  # the first of each case, then the second
        first = {each: found.pop(0) for each, found in news.items() if found}
        for ticket in _append(conn, locked, first, now):
            locked[ticket.id] = ticket
        due = [
            Due(locked[each], clock.label, kind is Kind.SLA_BREACH)
            for each, (kind, clock) in first.items()
            if clock.open
        ]
        for ticket in escalate(conn, due, now):
            locked[ticket.id] = ticket
    return count


def _lock(conn: Conn, ticket_ids: Sequence[int]) -> dict[int, Ticket]:
    """Those that nobody else works on. It never waits, so it needs no order with alerts."""
    rows = conn.execute(load("sla")["lock"], {"ticket_ids": ticket_ids}).fetchall()
    return {row["id"]: ledger.ticket_of(row) for row in rows}


def _append(
    conn: Conn, locked: Mapping[int, Ticket], news: Mapping[int, News], now: datetime
) -> list[Ticket]:
    entries = [Entry(locked[each], kind, _data(clock)) for each, (kind, clock) in news.items()]
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


def _data(clock: SlaClock) -> dict[str, object]:
    return {
        "clock": clock.name,
        "label": Text(clock.label).to_json(),
        "plan": clock.plan,
        "due": ledger.iso(clock.due_at),
    }


def _note(
    conn: Conn, seen: Sequence[tuple[Sequence[TicketEvent], Sequence[SlaClock]]], now: datetime
) -> None:
    conn.execute(
        load("sla")["looked_at"],
        {
            "ticket_ids": [told[-1].ticket_id for told, _ in seen],
            "versions": [told[-1].version for told, _ in seen],
            "wake_at": [_wake_at(found, now) for _, found in seen],
            "due_at": [_due_at(found) for _, found in seen],
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
