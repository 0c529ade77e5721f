"""Working time: the hours of a week in a time zone, with days that differ, and summer time. Pure.

An instant is working time when a clock on the wall of the calendar's zone shows an hour that the
calendar gives to that day. So an hour that summer time leaves out is never worked, and one that it
repeats is worked twice. Exact to the microsecond.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import TypeAlias
from zoneinfo import ZoneInfo

from domain.errors import BadInputError

Hours: TypeAlias = tuple[tuple[int, int], ...]
"""A day's working time: pairs of seconds of the wall's clock since midnight, in order, the end not
within. () is a day off."""

Span: TypeAlias = tuple[datetime, datetime]

DAY_S = 86_400
ALL_DAY: Hours = ((0, DAY_S),)
DAY_OFF: Hours = ()

_US = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = DAY_S * _SECOND
_PROBE = 6 * 3600 * _SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.date().toordinal()
_YEARS_AHEAD = 12
"""A span that takes longer than this to work off is refused: the calendar is a mistake."""


def _as_its_weekday(_day: date) -> Hours | None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When work is done.

    Attributes:
        zone: whose wall clock the hours are read from.
        week: the hours of Monday to Sunday.
        differs: the hours of a day that differs from its weekday, such as a holiday or a make-up
            working day; None for every other day.
    """

    name: str
    zone: ZoneInfo
    week: tuple[Hours, ...]
    differs: Callable[[date], Hours | None] = _as_its_weekday
    _years: dict[int, _Year] = field(default_factory=dict, init=False, repr=False)
    always: bool = field(init=False, repr=False)
    """Every moment is working time: what it is asked then needs no hours."""

    def __post_init__(self) -> None:
        every_day = all(hours == ALL_DAY for hours in self.week)
        object.__setattr__(self, "always", every_day and self.differs is _as_its_weekday)

    def hours(self, day: date) -> Hours:
        """The working time of a day."""
        unusual = self.differs(day)
        return self.week[day.weekday()] if unusual is None else unusual

    def is_open(self, at: datetime) -> bool:
        """Whether `at` is working time."""
        return self.always or self._year(at.astimezone(UTC).year).is_open(_ticks(at))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time in [start, end); none when `end` is not after `start`."""
        if end <= start:
            return timedelta(0)
        if self.always:
            return end - start
        first, last = _ticks(start), _ticks(end)
        years = range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1)
        worked = sum(year.worked(last) - year.worked(first) for year in map(self._year, years))
        return worked * _US

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The earliest moment by which `span` has been worked since `start`, in UTC.

        Raises BadInputError when that takes more than a dozen years.
        """
        if span <= timedelta(0):
            return start.astimezone(UTC)
        if self.always:
            return start.astimezone(UTC) + span
        left, at = span // _US, _ticks(start)
        first = start.astimezone(UTC).year
        for year in map(self._year, range(first, first + _YEARS_AHEAD)):
            target = year.worked(at) + left
            if target <= year.total:
                return _moment(year.when(target))
            left = target - year.total
        raise BadInputError(f"calendar {self.name}: {span} of work do not end after {start}")

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The stretches of working time within [start, end), in order."""
        first, last = _ticks(start), _ticks(end)
        years = range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1)
        parts = (part for year in years for part in self._year(year).within(first, last))
        for begin, until in _joined(parts):
            yield _moment(begin), _moment(until)

    def _year(self, number: int) -> _Year:
        known = self._years.get(number)
        if known is None:
            known = self._years.setdefault(number, _Year.of(self, number))
        return known


@dataclass(frozen=True, slots=True)
class _Year:
    """The working stretches of one UTC year, in microseconds since 1970, and their running sums."""

    starts: list[int]
    ends: list[int]
    before: list[int]  # worked before each stretch
    after: list[int]  # worked by the end of each stretch
    total: int

    @staticmethod
    def of(calendar: Calendar, number: int) -> _Year:
        first = _ticks(datetime(number, 1, 1, tzinfo=UTC))
        last = _ticks(datetime(number + 1, 1, 1, tzinfo=UTC))
        stretches = list(_joined(_stretches(calendar, first, last)))
        sums = list(accumulate((end - start for start, end in stretches), initial=0))
        starts, ends = [start for start, _ in stretches], [end for _, end in stretches]
        return _Year(starts, ends, sums[:-1], sums[1:], sums[-1])

    def is_open(self, at: int) -> bool:
        index = bisect_right(self.starts, at) - 1
        return index >= 0 and at < self.ends[index]

    def worked(self, at: int) -> int:
        """Since the year's beginning."""
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.ends[index]) - self.starts[index]

    def when(self, worked: int) -> int:
        """The earliest instant by which so much was worked; more than 0, at most `total`."""
        index = bisect_left(self.after, worked)
        return self.starts[index] + worked - self.before[index]

    def within(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        index = bisect_right(self.ends, first)
        while index < len(self.starts) and self.starts[index] < last:
            yield max(self.starts[index], first), min(self.ends[index], last)
            index += 1


def _stretches(calendar: Calendar, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Working time between two instants, in order: day by day where the zone's offset is one."""
    for start, end, offset in _offsets(calendar.zone, first, last):
        local_start, local_end = start + offset, end + offset
        for number in range(local_start // _DAY, -(-local_end // _DAY)):
            midnight = number * _DAY
            for opens, closes in calendar.hours(date.fromordinal(_FIRST_DAY + number)):
                begin = max(midnight + opens * _SECOND, local_start)
                until = min(midnight + closes * _SECOND, local_end)
                if begin < until:
                    yield begin - offset, until - offset


def _offsets(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, offset from UTC) of each time between two changes of the zone's clocks."""
    since, offset = first, _offset(zone, first)
    for probe in range(first, last, _PROBE):
        edge = min(probe + _PROBE, last)
        if _offset(zone, edge) != offset:
            change = _change(zone, probe, edge, offset)
            yield since, change, offset
            since, offset = change, _offset(zone, edge)
    yield since, last, offset


def _change(zone: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The second at which the offset stops to be `offset`, by halving."""
    low, high = before // _SECOND, after // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle * _SECOND) == offset:
            low = middle
        else:
            high = middle
    return high * _SECOND


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = _moment(at).astimezone(zone).utcoffset()
    assert offset is not None, "a ZoneInfo always has an offset"
    return offset // _US


def _joined(stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """As given, with those that touch made one."""
    pending: tuple[int, int] | None = None
    for start, end in stretches:
        if pending is not None and pending[1] == start:
            pending = (pending[0], end)
            continue
        if pending is not None:
            yield pending
        pending = (start, end)
    if pending is not None:
        yield pending


def _ticks(at: datetime) -> int:
    return (at - _EPOCH) // _US


def _moment(ticks: int) -> datetime:
    return _EPOCH + ticks * _US


AROUND_THE_CLOCK = Calendar("around the clock", ZoneInfo("UTC"), (ALL_DAY,) * 7)
"""Every hour of every day, wherever it is."""
