"""The clocks that a service plan starts with a case. Pure: from events, a plan and a moment.

A clock runs in the case's own time: it stands still while the case waits for the customer. A
foretold failure starts only the clock of the plan of action; the others start when the device has
failed, since nothing was promised for a device that works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from desk.case import Kind, TicketEvent
from desk.lifecycle import TicketState
from domain.device import DeviceKind
from domain.text import N_


class Start(StrEnum):
    """What starts a clock."""

    OPENED = "opened"
    FAULT = "fault"  # the case was opened for a fault, or the foretold fault came
    ARRIVED = "arrived"


class Goal(StrEnum):
    """What stops a clock. The end of the work stops every clock."""

    PLANNED = "planned"  # somebody has said what will be done
    ARRIVED = "arrived"
    DONE = "done"


class SlaState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    MET = "met"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Promise:
    """One clock of a plan. `targets` by the site's region class; "" stands for every other."""

    name: str
    label: str
    start: Start
    goal: Goal
    targets: Mapping[str, timedelta]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a contract promises; all day, every day."""

    name: str
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class SlaClock:
    """One clock of one case at one moment.

    Attributes:
        due_at: when its time is, or was, used up; moves on while it is paused.
        met_at: when its goal was reached, in time or not.
        remaining: what is left of its time; negative once it is breached.
        paused: it stands still, since the case waits for the customer.
    """

    name: str
    label: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    state: SlaState
    remaining: timedelta
    paused: bool


def _every(**span: float) -> Mapping[str, timedelta]:
    return {"": timedelta(**span)}


KIOSK_PLAN = Plan(
    "kiosk",
    (
        Promise(
            "plan_of_action", N_("plan of action"), Start.OPENED, Goal.PLANNED, _every(minutes=40)
        ),
        Promise(
            "on_site",
            N_("engineer on site"),
            Start.FAULT,
            Goal.ARRIVED,
            {
                "urban": timedelta(hours=4),
                "suburban": timedelta(hours=6),
                "": timedelta(days=1),
            },
        ),
        Promise("repair", N_("repair after arrival"), Start.ARRIVED, Goal.DONE, _every(hours=2)),
        Promise("total", N_("repair in all"), Start.FAULT, Goal.DONE, _every(days=3)),
    ),
)
"""The default for terminals."""

CLOCK_PLAN = Plan(
    "clock",
    (
        Promise("respond", N_("response"), Start.OPENED, Goal.PLANNED, _every(hours=2)),
        Promise("resolve", N_("repair in all"), Start.FAULT, Goal.DONE, _every(hours=24)),
    ),
)
"""The default for attendance clocks."""


def plan_for(kind: str) -> Plan:
    """The default plan for a kind of device."""
    return CLOCK_PLAN if kind == DeviceKind.CLOCK else KIOSK_PLAN


def clocks(
    events: Sequence[TicketEvent], plan: Plan, region_class: str, now: datetime
) -> list[SlaClock]:
    """The clocks of a case that have started by `now`, in the plan's order.

    `events` is the case's history, oldest first; what is later than `now` is not looked at.
    """
    story = _Story.of([event for event in events if event.at <= now], now)
    return [
        _clock(promise, story, region_class, started)
        for promise in plan.promises
        if (started := story.starts.get(promise.start)) is not None
    ]


@dataclass(frozen=True, slots=True)
class _Story:
    """What the clocks need to know of a case."""

    starts: Mapping[Start, datetime]
    goals: Mapping[Goal, datetime]
    pauses: Sequence[tuple[datetime, datetime]]
    waiting: bool
    now: datetime

    @staticmethod
    def of(events: Sequence[TicketEvent], now: datetime) -> _Story:
        return _Story(
            starts=_starts(events),
            goals=_goals(events),
            pauses=_pauses(events, now),
            waiting=bool(events) and events[-1].to_state == TicketState.WAITING_CUSTOMER,
            now=now,
        )


def _starts(events: Sequence[TicketEvent]) -> dict[Start, datetime]:
    starts: dict[Start, datetime] = {}
    for event in events:
        if event.kind is Kind.OPENED:
            starts[Start.OPENED] = event.at
        foretold = event.data.get("predicted_at") and not event.data.get("failed_at")
        if (event.kind is Kind.OPENED and not foretold) or event.kind is Kind.FAILED:
            starts.setdefault(Start.FAULT, event.at)
        if event.to_state == TicketState.ON_SITE:
            starts.setdefault(Start.ARRIVED, event.at)
    return starts


def _goals(events: Sequence[TicketEvent]) -> dict[Goal, datetime]:
    goals: dict[Goal, datetime] = {}
    for event in events:
        state = TicketState(event.to_state)
        if event.kind is not Kind.MOVED:
            continue
        if not state.done:
            goals.pop(Goal.DONE, None)  # taken up again
        else:
            goals.setdefault(Goal.DONE, event.at)
        if state is not TicketState.NEW:
            goals.setdefault(Goal.PLANNED, event.at)
        if state is TicketState.ON_SITE:
            goals.setdefault(Goal.ARRIVED, event.at)
    return goals


def _pauses(events: Sequence[TicketEvent], now: datetime) -> list[tuple[datetime, datetime]]:
    pauses = []
    since: datetime | None = None
    for event in events:
        waits = event.to_state == TicketState.WAITING_CUSTOMER
        if waits and since is None:
            since = event.at
        elif not waits and since is not None:
            pauses.append((since, event.at))
            since = None
    return [*pauses, (since, now)] if since is not None else pauses


def _clock(promise: Promise, story: _Story, region_class: str, started: datetime) -> SlaClock:
    reached = [
        max(moment, started)  # reached before it was promised: met at once
        for goal in (promise.goal, Goal.DONE)
        if (moment := story.goals.get(goal)) is not None
    ]
    met_at = min(reached, default=None)
    end = met_at or story.now
    target = promise.targets.get(region_class) or promise.targets[""]
    due_at = _due(started, target, story.pauses, end)
    return SlaClock(
        name=promise.name,
        label=promise.label,
        started_at=started,
        due_at=due_at,
        met_at=met_at,
        state=_state(due_at, met_at, story.now),
        remaining=due_at - end,
        paused=met_at is None and story.waiting and due_at >= end,
    )


def _due(
    started: datetime,
    target: timedelta,
    pauses: Sequence[tuple[datetime, datetime]],
    end: datetime,
) -> datetime:
    due_at = started + target
    for since, until in pauses:
        begin = max(since, started)
        if begin > due_at:
            break  # its time was used up before
        due_at += max(min(until, end) - begin, timedelta(0))
    return due_at


def _state(due_at: datetime, met_at: datetime | None, now: datetime) -> SlaState:
    if (met_at or now) > due_at:
        return SlaState.BREACHED
    return SlaState.RUNNING if met_at is None else SlaState.MET
