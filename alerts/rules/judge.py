"""Whether a measured value raises, is over, or changes nothing: the one judgement, for what happens now
and for what happened in the past.

A gauge is judged at each full minute by the newest of its readings that are known then. One that was
last told more than LOOK_BACK ago says nothing of the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from alerts.rules.measured import HOUR, AbsenceRule, MeasuredRule, ThresholdRule

LOOK_EVERY = timedelta(minutes=1)
LOOK_BACK = timedelta(hours=3)

EXPECTED_FOR = timedelta(days=7)
"""A signal that has not come for longer than this, and `quiet_for`, is expected no more."""


class Turn(Enum):
    """What a value says of a condition."""

    RAISED = "raised"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Reading:
    at: datetime
    value: float


def judged(rule: MeasuredRule, value: float, *, held: bool) -> Turn | None:
    """What the value says, where the condition is `held` already or not."""
    if held:
        return Turn.OVER if rule.back(value) else None
    return Turn.RAISED if rule.beyond(value) else None


def judged_reading(
    rule: ThresholdRule, newest: Reading, since: datetime, *, held: bool
) -> Turn | None:
    """As `judged`, where a breach, which has lasted `since` then, must last for `held_for`."""
    turn = judged(rule, newest.value, held=held)
    return None if turn is Turn.RAISED and newest.at - since < rule.held_for else turn


def breached_since(rule: ThresholdRule, newest: Reading, before: Sequence[Reading]) -> datetime:
    """When the unbroken run of readings beyond the limit began that ends with `newest`.

    A reading that is not beyond it breaks the run, and so does a silence longer than LOOK_BACK.
    `before` are the readings before `newest`, oldest first; those of `held_for` and LOOK_BACK more
    are enough.
    """
    since = newest.at
    for reading in reversed(before):
        if since - reading.at > LOOK_BACK or not rule.beyond(reading.value):
            break
        since = reading.at
    return since


def silence_raises(rule: AbsenceRule, heard: datetime, up_since: datetime) -> datetime | None:
    """The full hour by which a signal that was last heard then has been away for too long, of a
    device that is up since then; None: by that time it is expected no more."""
    due = max(heard, up_since) + rule.quiet_for
    hour = due.replace(minute=0, second=0, microsecond=0)
    hour += HOUR if hour < due else timedelta(0)
    return hour if hour - heard <= rule.quiet_for + EXPECTED_FOR else None


def last_minute(moment: datetime) -> datetime:
    """The full minute that `moment` is in, or is."""
    return moment.replace(second=0, microsecond=0)


def minute_after(moment: datetime) -> datetime:
    """The first full minute at which what happened at `moment` is looked at."""
    minute = last_minute(moment)
    return minute if minute == moment else minute + LOOK_EVERY


def whole(hours: timedelta) -> int:
    return int(hours / timedelta(hours=1))
