"""The clocks that a service plan starts with a case. Pure: from events, terms and a moment.

A clock runs in working time of its calendar, and stands still while the case waits for the customer
(or for what else its plan names) and while the work is done. No stretch is left out twice: what is
outside working hours has no time to be taken off for a wait.

A foretold failure starts only the clocks that start with the case; the others start when the device
has failed, since nothing was promised for a device that works.

A clock keeps the terms under which it started: target, calendar and pauses. A plan that changes in
the middle of a case rules the clocks that start later, and by itself it neither starts nor ends one.

What kind of fault it is may be known later than the fault. A clock that turns out to be promised
counts from where its promise says - the opening, the fault, the arrival - and one that turns out not
to be falls away, unless by then it was kept or missed: what has happened stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from desk.case import Kind, TicketEvent
from desk.lifecycle import TicketState
from desk.sla.plan import Goal, Plan, Promise, Start, Target, Terms
from domain.calendar import Calendar, Span
from domain.fault import Classified, Grade, Handling, handling_of
from domain.report import Severity

TermsAt = Callable[[datetime], Terms]
"""What held at a moment, for the place of one case."""


class SlaState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    MET = "met"
    BREACHED = "breached"


class Hold(StrEnum):
    """Why a clock that is not met stands still."""

    CUSTOMER = "waiting_customer"
    PART = "waiting_part"
    CLOSED = "closed"  # outside working hours


@dataclass(frozen=True, slots=True)
class SlaClock:
    """One clock of one case at one moment.

    Attributes:
        plan: the name of the plan that it started under.
        target: how much working time it was given.
        used: how much of it is gone; more than `target` when it is late.
        warn_at, due_at: when so much of it is, or was, gone that is warned, and all of it. They move
            on while the case waits.
        met_at: when its goal was reached, in time or not.
        hold: why it stands still, if it does.
        calendar: whose hours it runs in.
    """

    name: str
    label: str
    plan: str
    started_at: datetime
    target: timedelta
    used: timedelta
    warn_at: datetime
    due_at: datetime
    met_at: datetime | None
    state: SlaState
    hold: Hold | None
    calendar: Calendar

    @property
    def remaining(self) -> timedelta:
        """What is left of its time; negative once it is late."""
        return self.target - self.used

    @property
    def open(self) -> bool:
        """Whether its goal is still to be reached."""
        return self.met_at is None

    @property
    def paused(self) -> bool:
        return self.hold is not None


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What kind of fault a case is of, as its contract sees it."""

    handling: Handling
    grade: Grade


def kind_of(events: Sequence[TicketEvent], terms_at: TermsAt) -> FaultKind:
    """What kind of fault a case is of, after all of `events`; its plan is that of its opening."""
    facts = _Facts()
    for event in events:
        facts = facts.after(event)
    return facts.kind(terms_at(events[0].at).plan)


def clocks(events: Sequence[TicketEvent], terms_at: TermsAt, now: datetime) -> list[SlaClock]:
    """The clocks of a case that have started by `now`, in their plan's order.

    `events` is the case's history, oldest first; what is later than `now` is not looked at.
    """
    known = [event for event in events if event.at <= now]
    if not known:
        return []
    story = _story(known, now)
    begun = sorted(_begun(known, terms_at), key=lambda one: one.place)
    return [_clock(one, story) for one in begun]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A promise that counts from a moment on."""

    promise: Promise
    place: int  # in its plan
    target: Target
    terms: Terms
    at: datetime


_NOTHING_SAID = Classified()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What decides which promises count.

    Attributes:
        starts: when what starts clocks has come.
        usual: the handling of faults of its class.
        said: what somebody says of its kind, over all else.
        many: it is the case of many devices at once.
    """

    starts: Mapping[Start, datetime] = field(default_factory=dict)
    usual: Handling = Handling.MAINTENANCE
    severity: Severity = Severity.INFO
    many: bool = False
    said: Classified = _NOTHING_SAID

    def after(self, event: TicketEvent) -> _Facts:
        data = event.data
        severity = Severity(data.get("severity") or Severity.INFO)
        handling, grade = data.get("handling"), data.get("grade")
        return _Facts(
            dict.fromkeys(_starts(event), event.at) | dict(self.starts),
            handling_of(data["fault_class"]) if data.get("fault_class") else self.usual,
            max(self.severity, severity, key=lambda one: one.rank),
            self.many or data.get("batch_id") is not None,
            Classified(
                Handling(handling) if handling else self.said.handling,
                Grade(grade) if grade else self.said.grade,
            ),
        )

    def kind(self, plan: Plan) -> FaultKind:
        """What it is by a plan. Many devices at once are major under every one."""
        itself = Grade.MAJOR if self.many else plan.grade(self.severity)
        return FaultKind(self.said.handling or self.usual, self.said.grade or itself)

    def call_for(self, promise: Promise, plan: Plan) -> bool:
        kind = self.kind(plan)
        return kind.handling in promise.handlings and kind.grade in promise.grades


def _starts(event: TicketEvent) -> Iterator[Start]:
    if event.kind is Kind.OPENED:
        yield Start.OPENED
    foretold = event.data.get("predicted_at") and not event.data.get("failed_at")
    if (event.kind is Kind.OPENED and not foretold) or event.kind is Kind.FAILED:
        yield Start.FAULT
    if event.to_state == TicketState.ON_SITE:
        yield Start.ARRIVED


def _begun(events: Sequence[TicketEvent], terms_at: TermsAt) -> list[_Begun]:
    """The promises that count after the last event, each under the terms of when it starts."""
    begun: dict[str, _Begun] = {}
    facts = _Facts()
    for count, event in enumerate(events, 1):
        before, facts = facts, facts.after(event)
        for name in [one.promise.name for one in begun.values() if not _still(one, facts)]:
            if _clock(begun[name], _story(events[:count], event.at)).state is SlaState.RUNNING:
                del begun[name]
        if facts != before:
            for one in _called_for(facts, terms_at):
                begun.setdefault(one.promise.name, one)
    return list(begun.values())


def _still(one: _Begun, facts: _Facts) -> bool:
    return facts.call_for(one.promise, one.terms.plan)


def _called_for(facts: _Facts, terms_at: TermsAt) -> Iterator[_Begun]:
    for start, since in facts.starts.items():
        terms = terms_at(since)
        for place, promise in enumerate(terms.plan.promises):
            target = promise.target(terms.region_class)
            if promise.start is start and target and facts.call_for(promise, terms.plan):
                yield _Begun(promise, place, target, terms, since)


@dataclass(frozen=True, slots=True)
class _Stay:
    """How long a case was in one state."""

    since: datetime
    until: datetime
    state: TicketState


@dataclass(frozen=True, slots=True)
class _Story:
    """What the clocks need to know of a case."""

    stays: Sequence[_Stay]
    now: datetime

    def reached(self, goal: Goal, start: datetime) -> datetime | None:
        """When a clock that started at `start` was stopped for good; before it: at once."""
        if goal is not Goal.DONE:
            for stay in self.stays:
                if stay.state in _REACHES[goal]:
                    return max(stay.since, start)
        done = None
        for stay in reversed(self.stays):
            if not stay.state.done:
                break
            done = stay.since
        return max(done, start) if done is not None else None

    def running(self, start: datetime, end: datetime, pauses: frozenset[TicketState]) -> list[Span]:
        """The stretches of [start, end) in which the case neither waits nor is done."""
        return [
            (max(stay.since, start), min(stay.until, end))
            for stay in self.stays
            if not (stay.state in pauses or stay.state.done)
            and max(stay.since, start) < min(stay.until, end)
        ]


_THERE = frozenset({TicketState.ON_SITE})
_ON_THE_WAY = _THERE | {TicketState.UNDER_WAY}
_REACHES: dict[Goal, frozenset[TicketState]] = {
    Goal.PLANNED: frozenset(TicketState) - {TicketState.NEW},
    Goal.HELPED: _THERE | {TicketState.REMOTE_DIAGNOSIS},
    Goal.SET_OUT: _ON_THE_WAY,
    Goal.ARRIVED: _THERE,
}


def _story(events: Sequence[TicketEvent], now: datetime) -> _Story:
    return _Story(_states(events, now), now)


def _states(events: Sequence[TicketEvent], now: datetime) -> list[_Stay]:
    edges: list[tuple[datetime, TicketState]] = []
    for event in events:
        state = TicketState(event.to_state)
        if not edges or edges[-1][1] is not state:
            edges.append((event.at, state))
    ends = [since for since, _ in edges[1:]] + [now]
    return [_Stay(since, until, state) for (since, state), until in zip(edges, ends, strict=True)]


def _clock(begun: _Begun, story: _Story) -> SlaClock:
    promise, terms, target = begun.promise, begun.terms, begun.target
    met_at = story.reached(promise.goal, begun.at)
    end = met_at or story.now
    runs = story.running(begun.at, end, terms.plan.pauses)
    worked = [terms.calendar.between(*run) for run in runs]
    due_at = _when(terms.calendar, runs, worked, target.limit, end)
    return SlaClock(
        name=promise.name,
        label=promise.label,
        plan=terms.plan.name,
        started_at=begun.at,
        target=target.limit,
        used=sum(worked, timedelta(0)),
        warn_at=_when(terms.calendar, runs, worked, _warned(target, terms.plan), end),
        due_at=due_at,
        met_at=met_at,
        state=_state(due_at, met_at, story.now),
        hold=_hold(begun, story) if met_at is None else None,
        calendar=terms.calendar,
    )


def _warned(target: Target, plan: Plan) -> timedelta:
    return target.aim if target.aim is not None else target.limit * plan.warn_at


def _when(
    calendar: Calendar,
    runs: Sequence[Span],
    worked: Sequence[timedelta],
    span: timedelta,
    end: datetime,
) -> datetime:
    """When `span` of working time was, or if nothing changes will be, gone.

    A wait that begins in the very moment puts it off.
    """
    for (since, until), done in zip(runs, worked, strict=True):
        if span <= done:
            reached = calendar.add(since, span)
            if reached < until:
                return reached
        span -= done
    return calendar.add(end, span)


def _hold(begun: _Begun, story: _Story) -> Hold | None:
    state = story.stays[-1].state
    if state in begun.terms.plan.pauses:
        return Hold(state.value)
    return None if begun.terms.calendar.is_open(story.now) else Hold.CLOSED


def _state(due_at: datetime, met_at: datetime | None, now: datetime) -> SlaState:
    if (met_at or now) > due_at:
        return SlaState.BREACHED
    return SlaState.RUNNING if met_at is None else SlaState.MET
