"""Periods of reports: months, quarters and years of the Gregorian and of the Jalali calendar, or days."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import jdatetime

from domain.errors import BadInputError

_ALLOWED = (
    "a month (2026-11), a quarter (2026-Q3), a year (2026), the same of the Jalali calendar "
    "(1405-08, 1405-Q3, 1405), or first and last day (2026-11-01..2026-11-15)"
)
_NAMED = re.compile(r"(\d{4})(?:-(?:(\d{2})|[Qq]([1-4])))?")
_DAYS = re.compile(r"(\d{4})-(\d{2})-(\d{2})\.\.(\d{4})-(\d{2})-(\d{2})")
_JALALI_BEFORE = 1700
_YEARS = {True: range(1350, 1500), False: range(1970, 2100)}  # by whether they are Jalali
_MOST_DAYS = 5 * 366
_ONE = timedelta(days=1)


class Calendar(StrEnum):
    """Whose months, quarters and years are meant."""

    GREGORIAN = "gregorian"
    JALALI = "jalali"


class Length(StrEnum):
    """What a period is."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DAYS = "days"


_MONTHS = {Length.MONTH: 1, Length.QUARTER: 3, Length.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days [first, end) of a calendar.

    Attributes:
        name: as people write it and as it is stored; the same period has one name.
    """

    name: str
    length: Length
    calendar: Calendar
    first: date
    end: date

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """[start, end) of the period where people live by `zone`."""
        return datetime.combine(self.first, time(), zone), datetime.combine(self.end, time(), zone)

    @property
    def before(self) -> Period:
        """The one that ends where this begins: as many months, or as many days."""
        if self.length is Length.DAYS:
            return _days(self.first - (self.end - self.first), self.first, self.calendar)
        return period_of(self.first - _ONE, self.length, self.calendar)

    @property
    def after(self) -> Period:
        """The one that begins where this ends."""
        if self.length is Length.DAYS:
            return _days(self.end, self.end + (self.end - self.first), self.calendar)
        return period_of(self.end, self.length, self.calendar)


def read_period(text: str) -> Period:
    """The period that somebody wrote; years before 1700 are Jalali. Raises BadInputError."""
    wanted = text.strip()
    try:
        if named := _NAMED.fullmatch(wanted):
            return _named(*(int(part) if part else None for part in named.groups()))
        if days := _DAYS.fullmatch(wanted):
            return _explicit([int(part) for part in days.groups()])
    except ValueError as error:
        raise BadInputError(f"period: {text!r}: {error}; allowed: {_ALLOWED}") from error
    raise BadInputError(f"period: {text[:40]!r}; allowed: {_ALLOWED}")


def period_of(day: date, length: Length, calendar: Calendar) -> Period:
    """The month, quarter or year in which a day lies. Raises BadInputError for Length.DAYS."""
    if length is Length.DAYS:
        raise BadInputError(f"length: {length}; allowed: {', '.join(_MONTHS)}")
    year, month = _DATED[calendar](day)
    months = _MONTHS[length]
    return _of_months(calendar, year, (month - 1) // months * months + 1, length)


def _named(year: int | None, month: int | None, quarter: int | None) -> Period:
    assert year is not None
    calendar = _calendar(year)
    if quarter is not None:
        return _of_months(calendar, year, quarter * 3 - 2, Length.QUARTER)
    if month is not None:
        return _of_months(calendar, year, month, Length.MONTH)
    return _of_months(calendar, year, 1, Length.YEAR)


def _of_months(calendar: Calendar, year: int, month: int, length: Length) -> Period:
    last = month + _MONTHS[length]
    name = {
        Length.MONTH: f"{year:04}-{month:02}",
        Length.QUARTER: f"{year:04}-Q{month // 3 + 1}",
        Length.YEAR: f"{year:04}",
    }[length]
    first = _first_day(calendar, year, month)
    end = _first_day(calendar, year + (last - 1) // 12, (last - 1) % 12 + 1)
    return Period(name, length, calendar, first, end)


def _explicit(parts: list[int]) -> Period:
    calendar = _calendar(parts[0])
    first, last = (_day(calendar, *part) for part in (parts[:3], parts[3:]))
    if not first <= last < first + timedelta(days=_MOST_DAYS):
        raise ValueError(f"the last day must lie at most {_MOST_DAYS} days after the first")
    return _days(first, last + _ONE, calendar)


def _days(first: date, end: date, calendar: Calendar) -> Period:
    return Period(
        f"{_written(first, calendar)}..{_written(end - _ONE, calendar)}",
        Length.DAYS,
        calendar,
        first,
        end,
    )


def _calendar(year: int) -> Calendar:
    jalali = year < _JALALI_BEFORE
    years = _YEARS[jalali]
    if year not in years:
        jalali_years = _YEARS[True]
        raise ValueError(
            f"the year must be one of {_YEARS[False].start} to {_YEARS[False].stop - 1}, "
            f"or {jalali_years.start} to {jalali_years.stop - 1} in the Jalali calendar"
        )
    return Calendar.JALALI if jalali else Calendar.GREGORIAN


def _first_day(calendar: Calendar, year: int, month: int) -> date:
    return _day(calendar, year, month, 1)


def _day(calendar: Calendar, year: int, month: int, day: int) -> date:
    """Raises ValueError where there is no such day."""
    if calendar is Calendar.GREGORIAN:
        return date(year, month, day)
    found: date = jdatetime.date(year, month, day).togregorian()
    return found


def _jalali(day: date) -> jdatetime.date:
    return jdatetime.date.fromgregorian(year=day.year, month=day.month, day=day.day)


def _jalali_month(day: date) -> tuple[int, int]:
    on = _jalali(day)
    return on.year, on.month


_DATED: dict[Calendar, Callable[[date], tuple[int, int]]] = {
    Calendar.GREGORIAN: lambda day: (day.year, day.month),
    Calendar.JALALI: _jalali_month,
}


def _written(day: date, calendar: Calendar) -> str:
    if calendar is Calendar.GREGORIAN:
        return day.isoformat()
    on = _jalali(day)
    return f"{on.year:04}-{on.month:02}-{on.day:02}"
