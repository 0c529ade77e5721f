"""What is due when: against a slow oracle that looks at every hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import jdatetime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from kpi.reports.period import Calendar, Length
from kpi.reports.schedule import AT, MOST_MISSED, Plan, due, due_at, newest_due, read_schedule

PLANS = st.builds(
    Plan,
    name=st.just("p"),
    kind=st.just("counted"),
    every=st.sampled_from(["month", "quarter"]),
    due_day=st.none() | st.integers(1, 28),
    calendar=st.sampled_from(Calendar),
    time_zone=st.sampled_from(["UTC", "Asia/Tehran", "Asia/Shanghai", "America/New_York"]),
)
MOMENTS = st.integers(1_420_070_400, 2_208_988_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


def oracle(plan: Plan, now: datetime) -> date:
    """Walks back, hour by hour, to the last hour at which a report was made; its period's first day."""
    hour = now.astimezone(plan.zone)
    day = hour.date() if hour.time() >= AT else hour.date() - timedelta(days=1)
    wanted = plan.due_day or {"month": 3, "quarter": 5}[plan.every]
    while not _is_due(plan, day, wanted):
        day -= timedelta(days=1)
    last = day - timedelta(days=wanted)  # the last day of the period
    months, first = (1 if plan.every == "month" else 3), last
    seen = {_month(plan, first)}
    while len(seen | {_month(plan, first - timedelta(days=1))}) <= months:
        first -= timedelta(days=1)
        seen.add(_month(plan, first))
    return first


def _is_due(plan: Plan, day: date, wanted: int) -> bool:
    _, month, number = _parts(plan, day)
    return number == wanted and (plan.every == "month" or month in (1, 4, 7, 10))


def _month(plan: Plan, day: date) -> tuple[int, int]:
    return _parts(plan, day)[:2]


def _parts(plan: Plan, day: date) -> tuple[int, int, int]:
    if plan.calendar is Calendar.JALALI:
        on = jdatetime.date.fromgregorian(date=day)
        return on.year, on.month, on.day
    return day.year, day.month, day.day


@settings(max_examples=150, deadline=None)
@given(PLANS, MOMENTS)
def test_the_newest_due_period_is_the_one_found_by_walking_back(plan: Plan, now: datetime) -> None:
    period = newest_due(plan, now)
    assert period.first == oracle(plan, now)
    assert due_at(plan, period) <= now < due_at(plan, period.after)
    assert (period.length, period.calendar) == (Length(plan.every), plan.calendar)


@settings(max_examples=100, deadline=None)
@given(PLANS, MOMENTS, st.integers(0, 20))
def test_what_was_missed_is_made_up_for_in_order(plan: Plan, now: datetime, missed: int) -> None:
    newest = newest_due(plan, now)
    made = newest
    for _ in range(missed):
        made = made.before
    turns = list(due(plan, ("",), {"": [made.first]}, now))
    assert len(turns) == min(missed, MOST_MISSED)
    firsts = [turn.period.first for turn in turns]
    assert firsts == sorted(set(firsts))
    assert not turns or turns[-1].period == newest
    assert all(turn.due_at <= now for turn in turns)


@settings(max_examples=100, deadline=None)
@given(PLANS, MOMENTS, st.sets(st.integers(0, MOST_MISSED - 1), min_size=1))
def test_what_failed_is_not_forgotten_when_a_later_one_was_made(
    plan: Plan, now: datetime, back: set[int]
) -> None:
    lately = [newest_due(plan, now)]
    for _ in range(MOST_MISSED - 1):
        lately.append(lately[-1].before)
    turns = list(due(plan, ("",), {"": [lately[each].first for each in back]}, now))
    wanted = [lately[each] for each in range(max(back), -1, -1) if each not in back]
    assert [turn.period for turn in turns] == wanted


def test_another_calendar_begins_anew() -> None:
    """What was made of Gregorian months says nothing of Jalali ones: none of the past is made again."""
    plan = Plan(name="p", kind="counted", every="month", calendar=Calendar.JALALI)
    made = [date(2026, month, 1) for month in range(1, 11)]
    turns = list(due(plan, ("",), {"": made}, datetime(2026, 11, 26, tzinfo=UTC)))
    assert [turn.period.name for turn in turns] == ["1405-08"]


@settings(max_examples=100, deadline=None)
@given(PLANS.filter(lambda plan: plan.due_day is None), MOMENTS, st.sets(st.integers(0, 6)))
def test_a_report_comes_within_five_working_days_of_its_period_whatever_the_weekend(
    plan: Plan, now: datetime, weekend: set[int]
) -> None:
    period = newest_due(plan, now)
    at = due_at(plan, period).astimezone(plan.zone)
    passed = [period.end + timedelta(days=each) for each in range((at.date() - period.end).days)]
    assert sum(day.weekday() not in weekend for day in passed) < 5
    assert at.date() <= period.end + timedelta(days=2 if plan.every == "month" else 4)
    assert at.time() == AT  # also where clocks are put forward


def test_a_new_plan_begins_with_the_newest_period_of_each_customer() -> None:
    plan = Plan(name="p", kind="counted", every="month")
    now = datetime(2026, 11, 3, 6, tzinfo=UTC)
    turns = list(due(plan, ("a", "b"), {"a": [date(2026, 10, 1)]}, now))
    assert [(turn.customer, turn.period.name) for turn in turns] == [("b", "2026-10")]
    before = now - timedelta(seconds=1)
    assert [turn.period.name for turn in due(plan, ("b",), {}, before)] == ["2026-09"]


def test_dates_are_those_of_the_contracts() -> None:
    """Monthly by the 3rd, quarterly by the 5th of the next quarter's first month."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    month = Plan(name="m", kind="counted", every="month", time_zone="Asia/Tehran")
    quarter = Plan(name="q", kind="counted", every="quarter", calendar=Calendar.JALALI)
    for plan, name, day in (
        (month, "2026-10", date(2026, 11, 3)),
        (quarter, "1405-Q2", date(2026, 9, 27)),  # 5 Mehr 1405
    ):
        period = newest_due(plan, now)
        assert period.name == name
        assert due_at(plan, period) == datetime.combine(day, AT, plan.zone)
    assert time(6) == AT


GOOD = """
[[report]]
name = "monthly"
kind = "counted"
every = "month"
customers = "all"
languages = ["fa", "en"]
formats = ["pdf", "xlsx"]
calendar = "jalali"
time_zone = "Asia/Tehran"
to = ["team:managers", "sara"]
by = ["mail"]
"""


def test_a_good_file_is_taken() -> None:
    (plan,) = read_schedule(GOOD).report
    assert (plan.customers, plan.calendar, plan.languages) == ("all", "jalali", ("fa", "en"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('"counted"', '"nothing"'), "report monthly: kind: 'nothing'; allowed: .*counted"),
        (('"month"', '"week"'), "report.0.every: .*'week'"),
        (('"jalali"', '"lunar"'), "report.0.calendar: .*'lunar'"),
        (('["fa", "en"]', "[]"), "report.0.languages"),
        (('"Asia/Tehran"', '"Tehran"'), "report monthly: time zone: 'Tehran'"),
        (('by = ["mail"]', ""), "report monthly: by"),
        (('"sara"', '"on-call:x"'), "report monthly: to: 'on-call:x'"),
        (('customers = "all"', "due_day = 31"), "report.0.due_day.*31"),
        (('name = "monthly"', 'name = "monthly"\nnonsense = 1'), "nonsense: unknown key"),
        (("[[report]]", "[[report"), "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        read_schedule(GOOD.replace(*change))


def test_each_name_stands_once() -> None:
    with pytest.raises(BadInputError, match="'monthly'; allowed: each name once"):
        read_schedule(GOOD + GOOD)
