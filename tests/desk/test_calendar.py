"""Working time against an oracle that asks a wall clock about every minute, or every second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import ALL_DAY, AROUND_THE_CLOCK, DAY_OFF, Calendar, Hours
from domain.errors import BadInputError

OFFICE: Hours = ((9 * 3600, 18 * 3600),)
MORNING: Hours = ((9 * 3600, 13 * 3600),)
MINUTE = timedelta(minutes=1)


def calendar(
    zone: str = "UTC",
    week: tuple[Hours, ...] = (OFFICE,) * 5 + (DAY_OFF,) * 2,
    days: Mapping[date, Hours] | None = None,
) -> Calendar:
    return Calendar("test", ZoneInfo(zone), week, dict(days or {}).get)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_a_night_and_a_weekend_are_not_worked() -> None:
    friday = datetime(2026, 3, 6, 17, tzinfo=UTC)
    assert calendar().add(friday, hours(2)) == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert calendar().between(friday, datetime(2026, 3, 9, 10, tzinfo=UTC)) == hours(2)


def test_time_that_ends_with_the_day_ends_that_day() -> None:
    assert calendar().add(datetime(2026, 3, 6, 16, tzinfo=UTC), hours(2)) == datetime(
        2026, 3, 6, 18, tzinfo=UTC
    )


def test_nothing_to_work_off_is_done_at_once_at_night_too() -> None:
    night = datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert calendar().add(night, hours(0)) == night
    assert calendar().between(night, night - hours(5)) == hours(0)


def test_a_holiday_is_off_and_a_make_up_saturday_is_worked() -> None:
    """China, May 2026: the 5th is a day off for which Saturday the 9th is worked."""
    days = {date(2026, 5, 5): DAY_OFF, date(2026, 5, 9): OFFICE}
    ours = calendar("Asia/Shanghai", days=days)
    monday = datetime(2026, 5, 4, 9, tzinfo=UTC)  # 17:00 in Shanghai
    assert ours.add(monday, hours(2)) == datetime(2026, 5, 6, 2, tzinfo=UTC)
    saturday = datetime(2026, 5, 9, 0, tzinfo=UTC)
    assert ours.between(saturday, saturday + timedelta(days=1)) == hours(9)


def test_a_week_that_ends_on_thursday_noon() -> None:
    """Iran: Saturday to Wednesday, and half the Thursday."""
    ours = calendar("Asia/Tehran", (OFFICE, OFFICE, OFFICE, MORNING, DAY_OFF, OFFICE, OFFICE))
    thursday = datetime(2026, 7, 2, 12, tzinfo=ZoneInfo("Asia/Tehran"))
    assert ours.add(thursday, hours(2)) == datetime(2026, 7, 4, 10, tzinfo=ZoneInfo("Asia/Tehran"))


def test_an_hour_that_summer_time_leaves_out_is_not_worked() -> None:
    ours = calendar("Europe/Lisbon", (((0, 3 * 3600),),) * 7)
    sunday = datetime(2026, 3, 29, 0, tzinfo=UTC)  # 01:00 becomes 02:00
    assert ours.between(sunday, sunday + hours(12)) == hours(2)


def test_an_hour_that_comes_twice_is_worked_twice() -> None:
    ours = calendar("Europe/Lisbon", (((5400, 2 * 3600),),) * 7)  # 01:30 to 02:00
    night = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 02:00 becomes 01:00, at 01:00 UTC
    assert list(ours.spans(night, night + hours(4))) == [
        (night + hours(0.5), night + hours(1)),
        (night + hours(1.5), night + hours(2)),
    ]


def test_around_the_clock_is_time_itself() -> None:
    start = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    span = timedelta(days=400, seconds=1)
    assert AROUND_THE_CLOCK.add(start, span) == start + span
    assert list(AROUND_THE_CLOCK.spans(start, start + span)) == [(start, start + span)]


def test_work_that_never_ends_is_refused() -> None:
    with pytest.raises(BadInputError, match="calendar test: 1:00:00 of work"):
        calendar(week=(DAY_OFF,) * 7).add(datetime(2026, 3, 6, tzinfo=UTC), hours(1))


ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Asia/Tehran",  # summer time until 2022, changed at midnight
    "Europe/Lisbon",
    "America/St_Johns",
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Casablanca",  # four changes a year
    "Pacific/Apia",  # left out 30 December 2011
)
# Around changes of the clocks, and the turn of a year.
MOMENTS = (
    datetime(2022, 3, 21, 12, tzinfo=UTC),
    datetime(2022, 9, 21, 12, tzinfo=UTC),
    datetime(2026, 2, 15, tzinfo=UTC),
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2011, 12, 29, tzinfo=UTC),
    datetime(2026, 12, 31, 12, tzinfo=UTC),
)


@st.composite
def hours_of_a_day(draw: st.DrawFn, unit: int) -> Hours:
    edges = sorted(draw(st.sets(st.integers(0, 86_400 // unit), max_size=6)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple((start * unit, end * unit) for start, end in pairs)


@st.composite
def calendars(draw: st.DrawFn, unit: int) -> tuple[Calendar, datetime]:
    """A calendar whose hours change at multiples of `unit` seconds, and a moment to look at."""
    at = draw(st.sampled_from(MOMENTS))
    a_day = st.one_of(st.just(ALL_DAY), st.just(DAY_OFF), hours_of_a_day(unit))
    week = tuple(draw(st.lists(a_day, min_size=7, max_size=7)))
    near = [at.date() + timedelta(days=day) for day in range(-1, 4)]
    days = draw(st.dictionaries(st.sampled_from(near), a_day, max_size=3))
    return Calendar("random", ZoneInfo(draw(st.sampled_from(ZONES))), week, days.get), at


def wall_says_open(ours: Calendar, at: datetime) -> bool:
    local = at.astimezone(ours.zone)
    second = local.hour * 3600 + local.minute * 60 + local.second
    unusual = ours.differs(local.date())
    hours_then = ours.week[local.weekday()] if unusual is None else unusual
    return any(opens <= second < closes for opens, closes in hours_then)


def check(ours: Calendar, start: datetime, step: timedelta, steps: int, wanted: int) -> None:
    """Every step from `start` on is asked for; `wanted` steps of work are to be added."""
    is_open = [wall_says_open(ours, start + n * step) for n in range(steps)]
    end = start + steps * step
    assert ours.between(start, end) == sum(is_open) * step
    assert sum((until - since for since, until in ours.spans(start, end)), timedelta(0)) == (
        sum(is_open) * step
    )
    assert [ours.is_open(start + n * step) for n in range(steps)] == is_open
    worked = [n + 1 for n in range(steps) if is_open[n]]
    if wanted == 0:
        assert ours.add(start, timedelta(0)) == start
    elif wanted <= len(worked):
        assert ours.add(start, wanted * step) == start + worked[wanted - 1] * step


@settings(max_examples=40, deadline=None)
@given(drawn=calendars(60), begins=st.integers(0, 600), wanted=st.integers(0, 3000))
def test_it_agrees_with_asking_a_wall_clock_every_minute(
    drawn: tuple[Calendar, datetime], begins: int, wanted: int
) -> None:
    ours, at = drawn
    check(ours, at + begins * MINUTE, MINUTE, 3000, wanted)


@settings(max_examples=40, deadline=None)
@given(drawn=calendars(1), begins=st.integers(0, 40_000), wanted=st.integers(0, 4000))
def test_it_agrees_with_asking_a_wall_clock_every_second(
    drawn: tuple[Calendar, datetime], begins: int, wanted: int
) -> None:
    ours, at = drawn
    check(ours, at + timedelta(seconds=begins), timedelta(seconds=1), 4000, wanted)


@settings(max_examples=100, deadline=None)
@given(
    drawn=calendars(1),
    begins=st.timedeltas(timedelta(days=-500), timedelta(days=500)),
    span=st.timedeltas(timedelta(0), timedelta(days=100)),
)
def test_what_was_added_lies_between_and_no_later_than_it_must(
    drawn: tuple[Calendar, datetime], begins: timedelta, span: timedelta
) -> None:
    ours, at = drawn
    start = at + begins
    try:
        end = ours.add(start, span)
    except BadInputError:
        assert ours.between(start, start + timedelta(days=366)) < timedelta(days=300)
        return
    assert ours.between(start, end) == span
    if span:
        assert ours.between(start, end - timedelta(microseconds=1)) < span
