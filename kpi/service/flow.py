"""How cases came and went in a period, and how often people had to call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.case import ORIGIN_TEXT
from kpi.service.cases import Case
from kpi.service.scope import Whose
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Flow:
    """What was open, came and went: `open_before + opened - closed - cancelled == open_after`.

    Attributes:
        open_before: opened before the period and not ended by its start.
    """

    open_before: int
    opened: int
    closed: int
    cancelled: int
    open_after: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Who knew first, of the cases opened in the period that were not cancelled.

    Attributes:
        first: opened before anybody had called about it.
        called_later: of those, how many were called about all the same.
        called: opened by a call.
    """

    first: int
    called_later: int
    called: int


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of a period; `second_calls`: about something that was called about not long before.

    Attributes:
        cases: about so many different cases.
    """

    calls: int
    second_calls: int
    cases: int


def read_calls(conn: Conn, of: Whose, start: datetime, end: datetime) -> Calls:
    """Of [start, end)."""
    asked = {"customer_id": of.customer_id, "start": start, "end": end}
    row = conn.execute(load("reports_service")["calls"], asked).fetchone()
    assert row is not None, "counts always have a row"
    return Calls(**row)


def flow(cases: Iterable[Case], start: datetime) -> Flow:
    """Of cases that were open at some time of a period, as they stood at its end."""
    known = list(cases)
    opened = sum(case.opened_at >= start for case in known)
    cancelled = sum(case.cancelled for case in known)
    ended = sum(case.ended_at is not None for case in known)
    return Flow(
        open_before=len(known) - opened,
        opened=opened,
        closed=ended - cancelled,
        cancelled=cancelled,
        open_after=len(known) - ended,
    )


def by_origin(cases: Iterable[Case], start: datetime) -> list[tuple[str, Flow]]:
    """The flow of each origin that there was, in the order in which origins are told."""
    known = list(cases)
    there = Counter(case.origin for case in known)
    return [
        (origin, flow((case for case in known if case.origin == origin), start))
        for origin in ORIGIN_TEXT
        if there[origin]
    ]


def heard(opened: Sequence[Case]) -> Heard:
    """Of cases that were opened in the period. A case that a call opened was called about at once."""
    true = [case for case in opened if not case.cancelled]
    first = [case for case in true if not case.by_call]
    return Heard(
        first=len(first),
        called_later=sum(case.called_at is not None for case in first),
        called=len(true) - len(first),
    )
