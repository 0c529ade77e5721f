"""What somebody asks a report for, and what a kind of report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.errors import BadInputError
from kpi.reports.document import Document
from kpi.reports.period import Length, Period
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that is to be made.

    Attributes:
        period: the days it is about, with those before and after (`period.before`, `period.after`).
        zone: whose midnights its days begin at.
        made_at: the moment of which the figures are; aware.
        customer: the key of the customer it is about; None: the whole fleet.
    """

    period: Period
    zone: ZoneInfo
    made_at: datetime
    customer: str | None = None

    @property
    def start(self) -> datetime:
        """Where the period begins, in `zone`."""
        return self.period.bounds(self.zone)[0]

    @property
    def end(self) -> datetime:
        """Where the period ends, in `zone`; may lie ahead of `made_at`."""
        return self.period.bounds(self.zone)[1]

    @property
    def until(self) -> datetime:
        """Where the figures end: with the period, or at `made_at` while it lasts; in `zone`."""
        return min(self.end, self.made_at.astimezone(self.zone))


class About(StrEnum):
    """Whom a kind of report can be about."""

    FLEET = "fleet"  # never one customer
    CUSTOMER = "customer"  # always one customer
    EITHER = "either"


_ANY = frozenset(Length)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report.

    Attributes:
        name: on the command line and in the store, such as `operations`.
        title: marked with N_.
        about: whom it can be about.
        make: reads the store and returns the document. Raises BadInputError for what can't be asked.
        periods: how long its periods can be.
    """

    name: str
    title: str
    about: About
    make: Callable[[Conn, Asked], Document]
    periods: frozenset[Length] = _ANY

    def check(self, asked: Asked) -> None:
        """Raises BadInputError unless the kind can be asked for this."""
        if asked.period.length not in self.periods:
            allowed = ", ".join(length for length in Length if length in self.periods)
            raise BadInputError(
                f"period: {asked.period.name!r} is a {asked.period.length}; "
                f"the report {self.name!r} is made of: {allowed}"
            )
        if self.about is About.CUSTOMER and asked.customer is None:
            raise BadInputError(f"customer: none is named; the report {self.name!r} is about one")
        if self.about is About.FLEET and asked.customer is not None:
            raise BadInputError(
                f"customer: {asked.customer!r}; the report {self.name!r} is about the whole fleet"
            )
        if asked.start >= asked.made_at:
            raise BadInputError(
                f"period: {asked.period.name!r} has not begun; "
                f"it is {asked.made_at.astimezone(asked.zone):%Y-%m-%d %H:%M} in {asked.zone.key}"
            )
