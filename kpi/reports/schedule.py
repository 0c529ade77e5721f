"""Which reports are made by themselves, and when: one TOML file. docs/reports.md."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.notify.policy import ON_CALL, TEAM, Word
from alerts.notify.policy_file import told
from domain.errors import BadInputError
from kpi.reports.archive import read_zone
from kpi.reports.asked import About
from kpi.reports.period import Calendar, Length, Period, period_of
from kpi.reports.registry import kind_of
from kpi.reports.render import Format

AT = time(6)
"""When on its day a report is made, by the schedule's own zone: late records have come by then."""

MOST_MISSED = 12
"""How many periods back a report that was missed is made up for."""

_DUE_DAY = {"month": 3, "quarter": 5}  # what service contracts of the field promise


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(_Part):
    """One report of the schedule.

    Attributes:
        every: the periods it is about, of `calendar`.
        due_day: the day of the period's next month on which it is made; empty: the 3rd for months,
            the 5th for quarters.
        customers: keys, or `all`: a report for each; empty: one of the whole fleet.
        to: people of the notification policy, team:NAME; told through the first channel of `by` that
            there is an address for, with the files in their language where it is one of `languages`.
    """

    name: Word
    kind: str
    every: Literal["month", "quarter"]
    due_day: Annotated[int, Field(ge=1, le=28)] | None = None
    calendar: Calendar = Calendar.GREGORIAN
    time_zone: str = "UTC"
    customers: Literal["all"] | Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    languages: Annotated[tuple[Literal["en", "zh", "fa"], ...], Field(min_length=1)] = ("en",)
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = (Format.PDF,)
    to: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    by: Annotated[tuple[Word, ...], Field(max_length=20)] = ()

    @property
    def length(self) -> Length:
        return Length(self.every)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Schedule(_Part):
    """The whole file."""

    report: Annotated[tuple[Plan, ...], Field(max_length=200)] = ()


NOTHING = Schedule()
"""Where no schedule is set: nothing is made by itself."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One report that is due. Empty `customer`: the whole fleet."""

    plan: Plan
    period: Period
    customer: str
    due_at: datetime


def read_schedule(text: str) -> Schedule:
    """The schedule in a TOML text. Raises BadInputError: the key, its value and what is allowed."""
    try:
        schedule = Schedule.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"is not TOML: {error}") from error
    except ValidationError as error:
        raise BadInputError("; ".join(told(error))) from error
    names = [plan.name for plan in schedule.report]
    for plan in schedule.report:
        if names.count(plan.name) > 1:
            raise BadInputError(f"report.name: {plan.name!r}; allowed: each name once")
        try:
            _check(plan)
        except BadInputError as error:
            raise BadInputError(f"report {plan.name}: {error}") from error
    return schedule


def due_at(plan: Plan, period: Period) -> datetime:
    """When the report of a period is made, in UTC."""
    day = period.end + timedelta(days=(plan.due_day or _DUE_DAY[plan.every]) - 1)
    return datetime.combine(day, AT, plan.zone).astimezone(UTC)


def newest_due(plan: Plan, now: datetime) -> Period:
    """The last period whose report is due at `now`."""
    here: date = now.astimezone(plan.zone).date()
    period = period_of(here, plan.length, plan.calendar).before
    return period if due_at(plan, period) <= now else period.before


def due(
    plan: Plan, customers: tuple[str, ...], made: Mapping[str, Collection[date]], now: datetime
) -> Iterator[Turn]:
    """What of a plan is due at `now` and not made yet, oldest first for each customer.

    What was missed is made up for, also where a later one was made. A plan that never had a turn, or none
    of its present length and calendar, begins with the newest period.

    Args:
        customers: keys; "" for the whole fleet.
        made: the first days of the periods that were made, by customer.
    """
    lately = [newest_due(plan, now)]
    while len(lately) < MOST_MISSED:
        lately.append(lately[-1].before)
    for customer in customers:
        done = {day for day in made.get(customer, ()) if _begins(plan, day)}
        since = min(done, default=lately[0].before.first)
        for period in reversed(lately):
            if period.first > since and period.first not in done:
                yield Turn(plan, period, customer, due_at(plan, period))


def _begins(plan: Plan, day: date) -> bool:
    """Whether a period of the plan begins on a day."""
    return period_of(day, plan.length, plan.calendar).first == day


def _check(plan: Plan) -> None:
    read_zone(plan.time_zone)
    kind = kind_of(plan.kind)
    if plan.length not in kind.periods:
        allowed = ", ".join(length for length in Length if length in kind.periods)
        raise BadInputError(f"every: {plan.every!r}; allowed for {kind.name!r}: {allowed}")
    if kind.about is About.FLEET and plan.customers:
        raise BadInputError(f"customers: {plan.customers!r}; {kind.name!r} is of the whole fleet")
    if kind.about is About.CUSTOMER and not plan.customers:
        raise BadInputError(f"customers: (); {kind.name!r} is about customers: all, or their keys")
    if plan.to and not plan.by:
        raise BadInputError("by: (); allowed: the channels through which `to` is told")
    for who in plan.to:
        if who.startswith(ON_CALL) or (":" in who and not who.startswith(TEAM)):
            raise BadInputError(f"to: {who!r}; allowed: a person of the policy, or {TEAM}NAME")
