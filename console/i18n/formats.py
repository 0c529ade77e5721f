"""Times, spans and numbers in the reader's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import jdatetime
from babel.dates import get_day_names
from babel.numbers import format_decimal
from babel.units import format_unit

from domain.percent import percent

_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader reads: a language's customs and a time zone.

    Babel gives Persian in Latin digits and Gregorian dates; both are put right here.
    """

    locale: str
    zone: ZoneInfo

    def moment(self, at: datetime | None) -> str:
        """Date, hours and minutes; a dash for None."""
        if at is None:
            return "–"
        local = at.astimezone(self.zone)
        return f"{self.day(local)}{_DATE_TIME_GLUE[self.locale]}{self.time(at)}"

    def day(self, on: date | None) -> str:
        if on is None:
            return "–"
        return self._digits(_DAYS[self.locale](on))

    def weekday(self, number: int) -> str:
        """The name of an ISO weekday, 1 is Monday."""
        return str(get_day_names("wide", "stand-alone", locale=self.locale)[number - 1])

    def time(self, at: datetime) -> str:
        """Hours and minutes."""
        return self._digits(f"{at.astimezone(self.zone):%H:%M}")

    def span(self, seconds: float | timedelta, *, days: bool = True) -> str:
        """A length of time in its two largest units; working time has no `days` of 24 hours."""
        total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
        parts = _parts(abs(total), days=days)
        words = " ".join(self._unit(count, unit) for count, unit in parts)
        return f"−{words}" if total < 0 else words

    def number(self, value: float | None, digits: int = 0, *, fixed: bool = False) -> str:
        """With thousands separators and at most `digits` decimals; a dash for None.

        `fixed`: exactly so many, as in a column of a table.
        """
        if value is None:
            return "–"
        pattern = "#,##0" + ("." + ("0" if fixed else "#") * digits if digits else "")
        return self._decimal(value, pattern)

    def share(self, ratio: float | None, digits: int = 1) -> str:
        """A ratio (0 to 1) in percent, rounded, but never up to 100: 99.96 % does not read as 100 %."""
        if ratio is None:
            return "–"
        number = self.number(percent(ratio, digits), digits, fixed=True)
        return f"{number}٪" if self.locale == "fa" else f"{number}%"

    def plain(self, text: object) -> str:
        """Anything as text, its digits in the reader's script."""
        return self._digits(str(text))

    def _decimal(self, value: float, pattern: str) -> str:
        if self.locale == "fa":
            figure = format_decimal(value, format=pattern, locale="fa", numbering_system="arabext")
            return self._digits(figure)
        return format_decimal(value, format=pattern, locale=self.locale)

    def _unit(self, count: int, unit: str) -> str:
        length: Literal["narrow", "short"] = "narrow" if self.locale == "en" else "short"
        return self._digits(format_unit(count, f"duration-{unit}", length, locale=self.locale))

    def _digits(self, text: str) -> str:
        return text.translate(_PERSIAN_DIGITS) if self.locale == "fa" else text


def _parts(seconds: int, *, days: bool) -> list[tuple[int, str]]:
    whole_days, rest = divmod(seconds, _DAY) if days else (0, seconds)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    units = [(whole_days, "day"), (hours, "hour"), (minutes, "minute"), (rest, "second")]
    first = next((index for index, (count, _) in enumerate(units) if count), 3)
    return [part for part in units[first : first + 2] if part[0]] or [(0, "second")]


def _english_day(on: date) -> str:
    return f"{on.day} {on:%b} {on.year}"


def _chinese_day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"


def _persian_day(on: date) -> str:
    jalali = jdatetime.date.fromgregorian(year=on.year, month=on.month, day=on.day)
    return f"{jalali.day} {jdatetime.date.j_months_fa[jalali.month - 1]} {jalali.year}"


_DAYS: dict[str, Callable[[date], str]] = {
    "en": _english_day,
    "zh_Hans_CN": _chinese_day,
    "fa": _persian_day,
}
_DATE_TIME_GLUE = {"en": ", ", "zh_Hans_CN": " ", "fa": "، "}
