"""Periods as people write them, in either calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import jdatetime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.document import Document
from kpi.reports.period import Calendar, Length, period_of, read_period
from tests.reports.sample import sample

DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
NAMED = st.sampled_from([Length.MONTH, Length.QUARTER, Length.YEAR])


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2026-Q3", "2026-07-01", "2026-09-30"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("1405-08", "2026-10-23", "2026-11-21"),
        ("1405-Q3", "2026-09-23", "2026-12-21"),
        ("1405", "2026-03-21", "2027-03-20"),
        ("1403-12", "2025-02-19", "2025-03-20"),  # a leap year's: 30 days
        ("2026-11-01..2026-11-15", "2026-11-01", "2026-11-15"),
        ("1405-08-01..1405-08-15", "2026-10-23", "2026-11-06"),
    ],
)
def test_what_people_write(text: str, first: str, last: str) -> None:
    period = read_period(text)
    assert period.name == text
    assert (period.first, period.end) == (
        date.fromisoformat(first),
        date.fromisoformat(last) + timedelta(days=1),
    )


def test_persian_digits_and_small_letters_are_the_same_period() -> None:
    assert read_period("۱۴۰۵-۰۸") == read_period(" 1405-08 ")
    assert read_period("2026-q3").name == "2026-Q3"


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2026-13", "2026-00", "2026-Q5", "1699", "2200", "1405-12-30..1406-01-02"),
        *("2026-02-03..2026-02-01", "2026-02-30..2026-03-01", "1990-01-01..2026-01-01"),
    ],
)
def test_what_is_no_period_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadInputError, match=r"period: .*allowed: a month \(2026-11\)"):
        read_period(text)


@given(DAYS, NAMED, st.sampled_from(Calendar))
def test_periods_lie_end_to_end_and_are_known_by_their_names(
    day: date, length: Length, calendar: Calendar
) -> None:
    period = period_of(day, length, calendar)
    assert period.first <= day < period.end
    assert read_period(period.name) == period
    assert period.before.end == period.first
    assert period.after.first == period.end
    assert period.before.after == period


@given(DAYS)
def test_a_jalali_month_holds_the_days_of_its_month_alone(day: date) -> None:
    period = period_of(day, Length.MONTH, Calendar.JALALI)
    days = [period.first + timedelta(days=n) for n in range((period.end - period.first).days)]
    months = {jdatetime.date.fromgregorian(date=each).month for each in days}
    assert len(months) == 1
    assert len(days) in (29, 30, 31)


def test_a_day_begins_where_clocks_were_put_forward_at_midnight() -> None:
    tehran = ZoneInfo("Asia/Tehran")  # 2021-03-22 began at 01:00
    start, _ = read_period("2021-03-22..2021-03-22").bounds(tehran)
    assert start.astimezone(UTC) == datetime(2021, 3, 21, 20, 30, tzinfo=UTC)


def _never(*_: object) -> Document:
    return sample()


@pytest.mark.parametrize(
    ("kind", "period", "customer", "problem"),
    [
        (Kind("k", "K", About.CUSTOMER, _never), "2026-10", None, "customer: none is named"),
        (Kind("k", "K", About.FLEET, _never), "2026-10", "ACME", "customer: 'ACME'"),
        (Kind("k", "K", About.EITHER, _never), "2026-12", None, "'2026-12' has not begun"),
        (
            Kind("k", "K", About.EITHER, _never, frozenset({Length.QUARTER})),
            "2026-10",
            None,
            "is a month; the report 'k' is made of: quarter",
        ),
    ],
)
def test_a_kind_says_what_can_be_asked_for(
    kind: Kind, period: str, customer: str | None, problem: str
) -> None:
    asked = Asked(
        read_period(period), ZoneInfo("UTC"), datetime(2026, 11, 22, tzinfo=UTC), customer
    )
    with pytest.raises(BadInputError, match=problem):
        kind.check(asked)


def test_the_figures_of_a_period_that_lasts_end_now() -> None:
    tehran, now = ZoneInfo("Asia/Tehran"), datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert Asked(read_period("2026-11"), tehran, now).until == now
    assert Asked(read_period("2026-10"), tehran, now).until == datetime(2026, 11, 1, tzinfo=tehran)
