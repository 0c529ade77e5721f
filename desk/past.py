"""Cases that ended before anybody kept them here, written whole: a demo's past.

Their histories hold what live ones hold: moves of the one table, the promises that were about to be
missed or were, what was covered, which case they repeat; each row is the fold of its history. Nobody is
told of what is over: no announcement, and no entry in the audit, since nobody did anything just now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.steps import SYSTEM
from desk import ledger
from desk.calls import Channel
from desk.case import Kind, Ticket, TicketEvent, apply, fold, opened
from desk.cases import REPEAT_WITHIN
from desk.contracts.contract import Contracts
from desk.contracts.reading import contracts_of, contracts_of_places
from desk.coverage import coverage
from desk.ledger import Opening
from desk.lifecycle import move_from
from desk.sla.clocks import clocks
from desk.sla.watch import data_of
from domain.errors import BadInputError
from domain.fault import Fault
from storage.database import Conn
from storage.queries import load
from storage.rows import as_rows

_AT_ONCE = 1000  # cases a statement


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a case after its opening. `move`: of Kind.MOVED, the transition."""

    at: datetime
    kind: Kind
    actor: str
    data: Mapping[str, Any] = field(default_factory=dict)
    move: str = ""


@dataclass(frozen=True, slots=True)
class PastCall:
    """Somebody called about the case."""

    at: datetime
    channel: Channel
    words: str
    site_id: int
    taken_by: str


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case from its opening to its end.

    Attributes:
        opening: its `repeat_of` is found anew, among the cases that are kept together.
        steps: in any order; the last one ends the case.
        calls: about it, the first no earlier than the opening.
    """

    opening: Opening
    at: datetime
    actor: str
    steps: Sequence[Step]
    calls: Sequence[PastCall] = ()

    @property
    def ended_at(self) -> datetime:
        return max(step.at for step in self.steps)


def keep(conn: Conn, cases: Iterable[PastCase]) -> list[Ticket]:
    """Writes cases that have ended, the oldest first; returns them.

    Raises BadInputError when one has not ended, or two of a fault were open at once, and
    NotAllowedError when a move was not possible.
    """
    ordered = _linked(sorted(cases, key=lambda case: case.at), conn)
    agreed = _agreed(conn, [case for _, case in ordered])
    calls = _numbered(conn, ordered)
    told = [
        _history(ticket_id, case, [call.step for call in calls.get(ticket_id, ())], contracts)
        for (ticket_id, case), contracts in zip(ordered, agreed, strict=True)
    ]
    tickets = [fold(events) for events in told]
    for ticket in tickets:
        if not ticket.state.ended:
            raise BadInputError(f"past case of {ticket.opened_at}: {ticket.state}; allowed: ended")
    for first in range(0, len(tickets), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        _write(conn, tickets[some], told[some], calls)
    return tickets


def _write(
    conn: Conn,
    tickets: Sequence[Ticket],
    told: Sequence[Sequence[TicketEvent]],
    calls: Mapping[int, Sequence[_Call]],
) -> None:
    rows = as_rows(ledger.ticket_row(ticket) | _kept(ticket) for ticket in tickets)
    conn.execute(load("past")["keep"], {"rows": rows})
    rows = as_rows(ledger.event_row(event) for events in told for event in events)
    conn.execute(load("desk")["append"], {"rows": rows})
    rows = as_rows(call.row for ticket in tickets for call in calls.get(ticket.id, ()))
    conn.execute(load("past")["keep_calls"], {"rows": rows})


def _linked(cases: Sequence[PastCase], conn: Conn) -> list[tuple[int, PastCase]]:
    """Each case with its number, and with the case that it repeats."""
    ids = _reserve(conn, "ticket", len(cases))
    last: dict[Fault, tuple[int, datetime]] = {}
    numbered = []
    for ticket_id, case in zip(ids, cases, strict=True):
        fault = case.opening.fault
        before, ended = last.get(fault, (None, case.at)) if fault else (None, case.at)
        if ended > case.at:
            raise BadInputError(f"past case of {case.at}: {fault} has a case until {ended}")
        if fault:
            last[fault] = ticket_id, case.ended_at
        repeats = before if case.at - ended <= REPEAT_WITHIN else None
        numbered.append(
            (ticket_id, replace(case, opening=replace(case.opening, repeat_of=repeats)))
        )
    return numbered


def _agreed(conn: Conn, cases: Sequence[PastCase]) -> list[Contracts]:
    faults = [case.opening.fault for case in cases]
    of_devices = contracts_of(conn, {fault.device_id for fault in faults if fault})
    sites = sorted({case.opening.site_id or 0 for case in cases if case.opening.fault is None})
    found = contracts_of_places(conn, [""] * len(sites), sites)
    of_sites = dict(zip(sites, found, strict=True))
    return [
        of_devices[fault.device_id] if fault else of_sites[case.opening.site_id or 0]
        for fault, case in zip(faults, cases, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as it is written down, and what its case's history says of it."""

    row: dict[str, Any]
    step: Step


def _numbered(conn: Conn, cases: Sequence[tuple[int, PastCase]]) -> dict[int, list[_Call]]:
    """The calls of each case, by its number; each with the call that it repeats."""
    ids = iter(_reserve(conn, "call", sum(len(case.calls) for _, case in cases)))
    last: dict[Fault | int, tuple[int, datetime]] = {}
    found: dict[int, list[_Call]] = {}
    for ticket_id, case in cases:
        about = case.opening.fault or ticket_id
        for call, call_id in zip(case.calls, ids, strict=False):
            before, then = last.get(about, (None, call.at))
            last[about] = call_id, call.at
            repeats = before if call.at - then <= REPEAT_WITHIN else None
            row = _call_row(case, call) | {"id": call_id, "ticket_id": ticket_id}
            said = {"call_id": call_id, "note": call.words, "caller": ""}
            step = Step(call.at, Kind.CALL, call.taken_by, said)
            found.setdefault(ticket_id, []).append(_Call(row | {"repeat_of": repeats}, step))
    return found


def _call_row(case: PastCase, call: PastCall) -> dict[str, Any]:
    fault = case.opening.fault
    return {
        "at": call.at,
        "channel": call.channel,
        "words": call.words,
        "site_id": call.site_id,
        "device_id": fault.device_id if fault else None,
        "taken_by": call.taken_by,
    }


def _history(
    ticket_id: int, case: PastCase, calls: Sequence[Step], agreed: Contracts
) -> list[TicketEvent]:
    steps = sorted((*case.steps, *calls), key=lambda step: step.at)
    covered = coverage(agreed, case.at)
    first = ledger.first_event(ticket_id, case.opening, case.at, case.actor, covered)
    told = _told(first, steps)
    news = list(_promises(told, agreed))
    return _told(first, sorted((*steps, *news), key=lambda step: step.at)) if news else told


def _told(first: TicketEvent, steps: Sequence[Step]) -> list[TicketEvent]:
    events, ticket = [first], opened(first)
    for step in steps:
        event = _event(ticket, step)
        events.append(event)
        ticket = apply(ticket, event)
    return events


def _event(ticket: Ticket, step: Step) -> TicketEvent:
    target, data = ticket.state, step.data
    if step.kind is Kind.MOVED:
        target = move_from(step.move, ticket.state).target or ticket.resumes_to or target
        data = {"move": step.move, **data}
    return TicketEvent(
        ticket.id, ticket.version + 1, step.at, step.kind, step.actor, ticket.state, target, data
    )


def _promises(told: Sequence[TicketEvent], agreed: Contracts) -> Iterator[Step]:
    """The warnings and breaches that a watch would have recorded at the time."""
    for clock in clocks(told, agreed.at, told[-1].at):
        met_at = clock.met_at or told[-1].at
        for kind, at in ((Kind.SLA_WARNING, clock.warn_at), (Kind.SLA_BREACH, clock.due_at)):
            if at < met_at:
                yield Step(at, kind, SYSTEM, data_of(clock))


def _kept(ticket: Ticket) -> dict[str, Any]:
    """What a ticket's row holds besides what changes."""
    return {
        "site_id": ticket.site_id,
        "batch_id": ticket.batch_id,
        "origin": ticket.origin,
        "opened_at": ticket.opened_at,
    }


def _reserve(conn: Conn, table: str, count: int) -> list[int]:
    rows = conn.execute(load("past")["reserve"], {"table": table, "count": count})
    return [row["id"] for row in rows]
