"""What a replay shows: how many failures had their ticket in time, and how many tickets were false."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.history import History
from storage.database import Database
from storage.queries import load

LEAD = timedelta(hours=1)
"""A ticket that is opened later than this before the failure comes too late to act on."""


@dataclass(frozen=True, slots=True)
class ReplayFigures:
    """Counts over the replayed period.

    Attributes:
        failures: component failures that the history records.
        foretold: of them, with an open ticket for that component at least an hour before.
        opened: breakdown tickets that a prediction opened.
        false: of them, without a failure of that component by one horizon after the last alarm.
        undecided: of them, those whose horizon reaches beyond the history's end.
    """

    failures: int
    foretold: int
    opened: int
    false: int
    undecided: int


def figures(
    database: Database, history: History, ids: Sequence[int], start: datetime, end: datetime
) -> ReplayFigures:
    """Holds the tickets of the period against the failures that the history records."""
    failed: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    for at, device, component, _action in history.failures:
        failed[ids[device], component].append(at)
    with database.transaction() as conn:
        tickets = conn.execute(load("replay")["tickets"], {"start": start, "end": end}).fetchall()
    within = [(key, at) for key, moments in failed.items() for at in moments if start <= at < end]
    foretold = sum(
        any(_of(ticket) == key and _in_time(ticket, at) for ticket in tickets) for key, at in within
    )
    predicted = [ticket for ticket in tickets if ticket["origin"] == "prediction"]
    wrong = [ticket for ticket in predicted if not _came_true(ticket, failed[_of(ticket)])]
    undecided = sum(_until(ticket) > history.ended for ticket in wrong)
    return ReplayFigures(len(within), foretold, len(predicted), len(wrong) - undecided, undecided)


def _of(ticket: Mapping[str, Any]) -> tuple[int, str]:
    return ticket["device_id"], ticket["component"]


def _in_time(ticket: Mapping[str, Any], failure: datetime) -> bool:
    opened, failed, closed = ticket["opened_at"], ticket["failed_at"], ticket["closed_at"]
    if opened > failure - LEAD or (closed is not None and closed <= failure):
        return False
    return failed is None or bool(failed >= failure)  # else it is an earlier failure's


def _until(ticket: Mapping[str, Any]) -> datetime:
    """Until when the component should have failed: one horizon after the last alarm."""
    last_alarm: datetime = ticket["last_alarm"] or ticket["opened_at"]
    horizon = timedelta(hours=ticket["horizon_h"] or 0)
    return last_alarm + horizon


def _came_true(ticket: Mapping[str, Any], failures: Sequence[datetime]) -> bool:
    return any(ticket["opened_at"] < at <= _until(ticket) for at in failures)
