"""What became of what was foretold, as far as the desk knows it: precision, and labels to learn from.

A pure function of tickets, their events and failures: nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from domain.fault import Finding
from domain.text import N_
from models.data.dataset import Dataset, join_marks
from pipeline.features.frames import HOUR, Marks
from storage.database import Conn, Row
from storage.queries import load

LOOK_BACK = timedelta(days=90)
"""Tickets and predictions of so long are looked at."""


class Outcome(StrEnum):
    """How a ticket that a prediction opened ended."""

    CAME_TRUE = "came_true"  # the component failed within the time foretold
    PREVENTED = "prevented"  # the part was found worn, before it failed
    NOTHING_WRONG = "nothing_wrong"  # it was looked at, or the time passed, and nothing was wrong
    UNKNOWN = "unknown"  # still open, withdrawn, a duplicate, or nobody said what was found


OUTCOME_TEXT: dict[Outcome, str] = {
    Outcome.CAME_TRUE: N_("came true"),
    Outcome.PREVENTED: N_("prevented: the part was found worn"),
    Outcome.NOTHING_WRONG: N_("nothing was wrong"),
    Outcome.UNKNOWN: N_("not known yet"),
}


@dataclass(frozen=True, slots=True)
class Settled:
    """A ticket that a prediction opened.

    Attributes:
        model_id: whose prediction; None where it is no longer kept.
        at: when the component failed, was repaired or was found well; None: not known.
    """

    ticket_id: int
    device_id: int
    component: str
    model_id: int | None
    predicted_at: datetime
    outcome: Outcome
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Precision:
    """How many tickets of one model were right."""

    right: int
    wrong: int

    @property
    def share(self) -> float | None:
        """None where nothing is decided."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None


def outcomes(conn: Conn, since: datetime, now: datetime) -> list[Settled]:
    """The tickets that predictions opened from `since` to `now`, the oldest first."""
    rows = conn.execute(load("models")["outcomes"], {"since": since, "now": now}).fetchall()
    return [_settled(row) for row in rows]


def precision(settled: Sequence[Settled]) -> Precision:
    """Of those whose outcome is known."""
    right = sum(each.outcome in (Outcome.CAME_TRUE, Outcome.PREVENTED) for each in settled)
    return Precision(right, sum(each.outcome is Outcome.NOTHING_WRONG for each in settled))


def with_prevented(conn: Conn, data: Dataset, now: datetime) -> Dataset:
    """`data` with each prevented failure as a failure at its repair: to learn from and to judge by.

    Its features are untouched: they tell of failures that happened. A false alarm needs nothing:
    no failure follows it, and that is its label.
    """
    place = {int(device): index for index, device in enumerate(data.device_ids)}
    found = [
        each
        for each in outcomes(conn, data.start, now)
        if each.outcome is Outcome.PREVENTED and each.device_id in place
    ]
    if not found:
        return data
    names = tuple(sorted({each.component for each in found}))
    at = np.array([(each.at - data.start) / HOUR for each in found if each.at])
    marks = Marks(
        names,
        np.array([names.index(each.component) for each in found], np.int64),
        np.array([place[each.device_id] for each in found], np.int64),
        at,
        at,
    )
    return replace(data, failures=join_marks([data.failures, marks], [0, 0]))


def _settled(row: Row) -> Settled:
    outcome, at = _outcome(row)
    return Settled(
        row["id"],
        row["device_id"],
        row["component"],
        row["model_id"],
        row["predicted_at"],
        outcome,
        at,
    )


def _outcome(row: Row) -> tuple[Outcome, datetime | None]:
    if row["failed_at"] is not None:
        return Outcome.CAME_TRUE, row["failed_at"]
    at = row["repaired_at"] or row["found_at"]
    if row["finding"] is not None:
        found = _OF_FINDING[Finding(row["finding"])]
        return found, None if found is Outcome.UNKNOWN else at
    if row["reason"] == "false_alarm":
        return Outcome.NOTHING_WRONG, row["closed_at"]
    return Outcome.UNKNOWN, None


_OF_FINDING = {
    Finding.FAILED: Outcome.CAME_TRUE,
    Finding.WORN: Outcome.PREVENTED,
    Finding.NO_FAULT_FOUND: Outcome.NOTHING_WRONG,
    Finding.CANNOT_TELL: Outcome.UNKNOWN,
}
"""What a deliberate look says; that something was repaired says nothing of the part."""
