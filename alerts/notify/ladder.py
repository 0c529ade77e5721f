"""How far the telling of a case has come: pure functions over one notice.

A notice begins when people are first to know of a case and ends when they were told of its end. In
between it climbs the steps of its route, as long as nobody has acknowledged. What comes and goes
within the policy's settling time is told neither way, and what is held back climbs no step: neither
spends what people are to be told later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.notify.policy import Step
from alerts.outbox import Topic

BEGINS = (Topic.ALERT_RAISED, Topic.BATCH_OPENED, Topic.TICKET_OPENED)
SEEN = (Topic.ALERT_ACKNOWLEDGED, Topic.TICKET_MOVED, Topic.TICKET_ASSIGNED)
RETURNS = (Topic.ALERT_RETURNED, Topic.BATCH_ENDED)
ENDS = (Topic.ALERT_CLOSED, Topic.TICKET_CLOSED)


@dataclass(frozen=True, slots=True)
class Notice:
    """One row of `notice`.

    Attributes:
        step: the next one to take.
        stepped_at: when the last one was taken.
        next_at: when something is to be done; None: nothing until something happens.
    """

    id: int
    subject: str
    route: str
    began_at: datetime
    step: int = 0
    stepped_at: datetime | None = None
    next_at: datetime | None = None
    acknowledged_at: datetime | None = None
    muted_at: datetime | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None


def begin(subject: str, route: str, steps: tuple[Step, ...], at: datetime) -> Notice:
    """The notice of a case that people are to know of from `at` on. It has no id yet."""
    return Notice(0, subject, route, at, next_at=at + _after(steps, 0))


def hear(
    notice: Notice,
    topic: Topic,
    at: datetime,
    steps: tuple[Step, ...],
    *,
    held: bool,
    settle: timedelta,
) -> Notice:
    """The notice after something happened to its case.

    Args:
        steps: of its route.
        held: the case is shelved, suppressed or out of service now.
        settle: so long a fault must stay away until its end is told.
    """
    if topic in ENDS:
        return replace(notice, returned_at=notice.returned_at or at, next_at=at)
    if topic in RETURNS:
        return replace(notice, returned_at=at, next_at=at + settle)
    if topic in SEEN:
        return _wait(replace(notice, acknowledged_at=notice.acknowledged_at or at))
    if topic is Topic.ALERT_CHANGED and held:
        return _wait(replace(notice, muted_at=notice.muted_at or at))
    if topic in BEGINS or topic is Topic.ALERT_CHANGED:
        return _go_on(notice, topic, at, steps)
    return notice


def _wait(notice: Notice) -> Notice:
    """Nothing more of the fault; what is due of its end stays due."""
    return notice if notice.returned_at is not None else replace(notice, next_at=None)


def _go_on(notice: Notice, topic: Topic, at: datetime, steps: tuple[Step, ...]) -> Notice:
    came_back = topic in BEGINS and notice.returned_at is not None
    if not came_back and notice.muted_at is None:
        return notice
    if came_back:  # the fault is there anew: who has seen it before has not seen this
        notice = replace(notice, returned_at=None, acknowledged_at=None)
    notice = replace(notice, muted_at=None)
    if notice.returned_at is not None:
        return notice
    due = None if notice.acknowledged_at else _due(notice, steps)
    return replace(notice, next_at=due and max(due, at))


def _due(notice: Notice, steps: tuple[Step, ...]) -> datetime | None:
    """When the next step is to be taken: in its distance from when the last one was."""
    if notice.step >= len(steps):
        return None
    if notice.step == 0 or notice.stepped_at is None:
        return notice.began_at + _after(steps, notice.step)
    return notice.stepped_at + _after(steps, notice.step) - _after(steps, notice.step - 1)


def climbed(notice: Notice, steps: tuple[Step, ...], at: datetime) -> Notice:
    """The notice after its step was taken at `at`."""
    taken = replace(notice, step=notice.step + 1, stepped_at=at)
    return replace(taken, next_at=_due(taken, steps))


def taken_back(notice: Notice, step: int) -> Notice:
    """The notice after messages of `step` were taken back unsent: it is taken anew."""
    return replace(notice, step=min(notice.step, step))


def ended(notice: Notice, at: datetime) -> Notice:
    """The notice after people were told of the end."""
    return replace(notice, next_at=None, ended_at=at)


def _after(steps: tuple[Step, ...], place: int) -> timedelta:
    return timedelta(minutes=steps[place].after_min)
