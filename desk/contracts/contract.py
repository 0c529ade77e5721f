"""What was agreed for a device: contracts with their dates, warranty, and the plans of each time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from desk.contracts.book import PlanBook, shipped
from desk.sla.plan import Plan, Terms
from domain.text import N_


class Payer(StrEnum):
    """Who pays for the way to the device."""

    CUSTOMER = "customer"
    PROVIDER = "provider"


class Replacement(StrEnum):
    """Whether parts and whole units are in the contract's price."""

    INCLUDED = "included"
    BILLABLE = "billable"


class VoidReason(StrEnum):
    """What ends a warranty before its time."""

    SEAL_BROKEN = "seal_broken"
    IMPACT = "impact"
    MISUSE = "misuse"


VOID_TEXT: dict[VoidReason, str] = {
    VoidReason.SEAL_BROKEN: N_("the seal or label is broken"),
    VoidReason.IMPACT: N_("a strong impact"),
    VoidReason.MISUSE: N_("misuse"),
}


@dataclass(frozen=True, slots=True)
class Contract:
    """One row of `contract`. Its days are those of the site's time zone; the last one is within."""

    key: str
    plan: str
    calendar: str | None
    valid_from: date
    valid_until: date | None
    price: str
    travel: Payer
    free_support_months: int | None
    replacement: Replacement

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Warranty:
    """What is known of a device beside its contract. None: not known, or as the plan says."""

    installed_on: date | None = None
    starts_on: date | None = None
    months: int | None = None
    support_life_months: int | None = None
    voided_at: datetime | None = None
    void_reason: VoidReason | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Every plan book there was, oldest first, with the moment it came into force."""

    known: Sequence[tuple[datetime, PlanBook]] = ()

    def at(self, moment: datetime) -> PlanBook:
        """The book in force; before the first one came, that one."""
        found = self.known[0][1] if self.known else shipped()
        for since, book in self.known:
            if since <= moment:
                found = book
        return found

    @property
    def newest(self) -> PlanBook:
        return self.known[-1][1] if self.known else shipped()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case is, as far as promises go. A case may be of a site, or of no known place."""

    kind: str = ""
    region_class: str = "urban"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a device stood before it was moved, until when, and what was agreed for that place."""

    until: datetime
    place: Place
    rows: Sequence[Contract] = ()


@dataclass(frozen=True, slots=True)
class Contracts:
    """All that was ever agreed for a device, a site or a batch, wherever it stood.

    Attributes:
        place: where it is now.
        rows: a site's own contracts before its customer's, and later ones before earlier ones: the
            first that is valid counts.
        of_device: False: of a site or a batch, whose devices differ in age.
        past: where it stood before, oldest first. What held at a moment is what was agreed for the
            place where it stood then.
    """

    books: Books
    place: Place = Place()
    rows: Sequence[Contract] = ()
    warranty: Warranty = Warranty()
    of_device: bool = True
    past: Sequence[Stay] = ()

    def contract_at(self, moment: datetime) -> Contract | None:
        """The contract that counts."""
        day = self.day(moment)
        return next((row for row in self.rows_at(moment) if row.valid_on(day)), None)

    def plan_at(self, moment: datetime) -> Plan:
        """The contract's plan; without a contract, the usual one of the kind."""
        contract, book = self.contract_at(moment), self.books.at(moment)
        if contract is None:
            return book.usual(self.place.kind)
        # A contract that was written down later may name a plan that its own time did not know.
        found = book.plans.get(contract.plan) or self.books.newest.plans.get(contract.plan)
        return found or book.usual(self.place.kind)

    def at(self, moment: datetime) -> Terms:
        """Plan, calendar and region: what a clock that starts now goes by."""
        contract, plan = self.contract_at(moment), self.plan_at(moment)
        place = self.place_at(moment)
        name = contract.calendar if contract is not None and contract.calendar else plan.calendar
        for book in (self.books.at(moment), self.books.newest):
            if name in book.tables:
                return Terms(plan, book.calendar(name, place.zone), place.region_class)
        calendar = self.books.at(moment).calendar("always", place.zone)
        return Terms(plan, calendar, place.region_class)

    def day(self, moment: datetime) -> date:
        """The day that it is there."""
        return moment.astimezone(ZoneInfo(self.place_at(moment).zone)).date()

    def place_at(self, moment: datetime) -> Place:
        """Where it stood."""
        return self._stay(moment)[0]

    def rows_at(self, moment: datetime) -> Sequence[Contract]:
        """What was ever agreed for the place where it stood."""
        return self._stay(moment)[1]

    def edges(self) -> Iterator[datetime]:
        """When other terms may begin to count: it was moved, plans changed, or it is midnight there
        and a contract begins or has ended."""
        yield from (since for since, _ in self.books.known)
        yield from (stay.until for stay in self.past)
        stays = [(stay.place, stay.rows) for stay in self.past] + [(self.place, self.rows)]
        for place, rows in stays:
            days = [row.valid_from for row in rows]
            days += [row.valid_until + timedelta(days=1) for row in rows if row.valid_until]
            yield from (datetime.combine(day, time(), ZoneInfo(place.zone)) for day in days)

    def _stay(self, moment: datetime) -> tuple[Place, Sequence[Contract]]:
        for stay in self.past:
            if moment < stay.until:
                return stay.place, stay.rows
        return self.place, self.rows
