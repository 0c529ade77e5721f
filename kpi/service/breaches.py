"""The promises that were not kept, and why their clocks stood still in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.case import TicketEvent
from desk.lifecycle import TicketState
from desk.sla.clocks import SlaState
from desk.sla.outcomes import Outcome
from desk.sla.reading import clocks_of, events_of
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch in which a case waited, and what was noted of it."""

    state: TicketState
    since: datetime
    until: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept.

    Attributes:
        due_at: when its time was gone.
        met_at: when its goal was reached; None: not yet.
        late: working time beyond what was promised, so far.
        waits: of the case, while the clock counted; whether it stood still then, its plan says.
    """

    ticket_id: int
    clock: str
    label: str
    due_at: datetime
    met_at: datetime | None
    late: timedelta
    waits: tuple[Wait, ...]

    @property
    def waited(self) -> timedelta:
        return sum((one.until - one.since for one in self.waits), timedelta(0))


def read_breaches(conn: Conn, outcomes: Iterable[Outcome]) -> list[Breach]:
    """Of closed cases, by when they were due."""
    broken = [outcome for outcome in outcomes if not outcome.kept]
    told = events_of(conn, {outcome.ticket_id for outcome in broken})
    found = [
        Breach(
            ticket_id=one.ticket_id,
            clock=one.clock,
            label=one.label,
            due_at=one.due_at,
            met_at=one.met_at,
            late=timedelta(seconds=one.used_s - one.target_s),
            waits=waits(told[one.ticket_id], one.started_at, one.met_at or one.closed_at),
        )
        for one in broken
    ]
    return sorted(found, key=lambda one: (one.due_at, one.ticket_id, one.clock))


def read_late(conn: Conn, ticket_ids: Sequence[int], at: datetime) -> list[Breach]:
    """Of cases that were open just before `at`: the clocks that were late by then."""
    told = events_of(conn, ticket_ids)
    found = [
        Breach(
            ticket_id=ticket_id,
            clock=clock.name,
            label=clock.label,
            due_at=clock.due_at,
            met_at=clock.met_at,
            late=clock.used - clock.target,
            waits=waits(told[ticket_id], clock.started_at, clock.met_at or at),
        )
        for ticket_id, clocks in clocks_of(conn, ticket_ids, at).items()
        for clock in clocks
        if clock.state is SlaState.BREACHED
    ]
    return sorted(found, key=lambda one: (one.due_at, one.ticket_id, one.clock))


def waits(events: Sequence[TicketEvent], start: datetime, end: datetime) -> tuple[Wait, ...]:
    """The stretches of [start, end) in which a case waited. Pure."""
    return tuple(
        Wait(one.state, max(one.since, start), min(one.until, end), one.note)
        for one in _all_waits(events, end)
        if max(one.since, start) < min(one.until, end)
    )


def _all_waits(events: Sequence[TicketEvent], end: datetime) -> Iterator[Wait]:
    began: TicketEvent | None = None
    for event in events:
        if began is not None and event.to_state != began.to_state:
            yield _wait(began, event.at)
            began = None
        if began is None and TicketState(event.to_state).waiting:
            began = event
    if began is not None and began.at < end:
        yield _wait(began, end)


def _wait(began: TicketEvent, until: datetime) -> Wait:
    return Wait(TicketState(began.to_state), began.at, until, str(began.data.get("note") or ""))
