"""Calendars as plan files write them: hours by weekday, a country's holidays, days that differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from threading import Lock
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from domain.calendar import DAY_OFF, DAY_S, Calendar, Hours
from domain.errors import BadInputError

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STRETCH = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")

Stretches = list[str]


class CalendarTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[calendars.NAME]`. A day that is not named has the hours of `daily`.

    `country`: two letters; its public holidays are off. `make_up`: the hours of the days of a weekend
    that it works instead. `days`: by date, over everything else.
    """

    country: str = ""
    zone: str = ""
    daily: Stretches = []
    mon: Stretches | None = None
    tue: Stretches | None = None
    wed: Stretches | None = None
    thu: Stretches | None = None
    fri: Stretches | None = None
    sat: Stretches | None = None
    sun: Stretches | None = None
    make_up: Stretches = []
    days: dict[date, Stretches] = {}


def calendar(name: str, table: CalendarTable, site_zone: str) -> Calendar:
    """The calendar as it holds at a site. Raises BadInputError that names the key."""
    week = []
    for weekday in _WEEKDAYS:
        own: Stretches | None = getattr(table, weekday)
        week.append(_hours(weekday, table.daily if own is None else own))
    days = {day: _hours(f"days.{day}", hours) for day, hours in table.days.items()}
    if not any(week) and not any(days.values()):
        raise BadInputError("no hours; allowed: at least one day with hours, such as 09:00-18:00")
    zone = _zone(table.zone or site_zone)
    differs = _differs(table.country, _hours("make_up", table.make_up), days)
    if differs is None:
        return Calendar(name, zone, tuple(week))
    return Calendar(name, zone, tuple(week), differs)


def _hours(key: str, stretches: Stretches) -> Hours:
    hours: list[tuple[int, int]] = []
    for each in stretches:
        match = _STRETCH.fullmatch(each)
        if match is None:
            raise BadInputError(f"{key}: {each!r}; allowed: HH:MM-HH:MM, such as 09:00-18:00")
        opens, closes = _second(match[1], match[2]), _second(match[3], match[4])
        if not (hours[-1][1] if hours else 0) <= opens < closes <= DAY_S:
            raise BadInputError(
                f"{key}: {each!r}; allowed: hours of one day, 00:00 to 24:00, in order"
            )
        hours.append((opens, closes))
    return tuple(hours)


def _second(hour: str, minute: str) -> int:
    return int(hour) * 3600 + int(minute) * 60 if int(minute) < 60 else DAY_S + 1


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(f"zone: {name!r}; allowed: a name such as Asia/Shanghai") from error


def _differs(
    country: str, make_up: Hours, days: Mapping[date, Hours]
) -> Callable[[date], Hours | None] | None:
    """What to ask of a day; None: no day differs from its weekday."""
    if not country:
        return dict(days).get if days else None
    import holidays  # takes half a second: only where a country's days are asked for

    try:
        known = holidays.country_holidays(country)
    except NotImplementedError as error:
        raise BadInputError(
            f"country: {country!r}; allowed: two letters, such as CN or IR"
        ) from error
    lock = Lock()  # the table fills itself a year at a time

    def look(day: date) -> Hours | None:
        if day in days:
            return days[day]
        with lock:
            if day in known:
                return DAY_OFF
            return make_up if day in known.weekend_workdays else None

    return look
