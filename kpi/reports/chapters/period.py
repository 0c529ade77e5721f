"""What a period is compared with, and its story."""

from __future__ import annotations

from datetime import datetime

from kpi.reports.asked import Asked
from kpi.reports.period import Length, Period
from kpi.service.scope import Whose
from kpi.service.story import Story, read_story
from storage.database import Conn

_A_YEAR = {Length.MONTH: 12, Length.QUARTER: 4, Length.YEAR: 1}


def read(conn: Conn, of: Whose, asked: Asked) -> Story:
    """The story of what was asked for, so far as it is over."""
    ago = _year_ago(asked.period)
    return read_story(
        conn,
        of,
        (asked.start, asked.until),
        _span(asked.period.before, asked),
        _span(ago, asked) if ago else None,
        asked.zone,
        asked.made_at,
    )


def _span(period: Period, asked: Asked) -> tuple[datetime, datetime]:
    return period.bounds(asked.zone)


def _year_ago(period: Period) -> Period | None:
    """The same months of the year before; some days have none."""
    if period.length not in _A_YEAR:
        return None
    for _ in range(_A_YEAR[period.length]):
        period = period.before
    return period
