"""Whether the work on a case is paid for already, and why: contract, warranty, support. Pure but for
the two functions that ask the store.

A contract that is valid decides; without one, the warranty does until it ends or is void; after the
device's service life nothing is promised. Days are those of the device's site.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from desk.contracts.contract import VOID_TEXT, Contract, Contracts, Payer, Replacement
from desk.contracts.reading import contracts_of, contracts_of_tickets
from desk.sla.plan import Plan
from domain.text import N_, Text, Value
from storage.database import Conn


class Verdict(StrEnum):
    """Who pays for the work."""

    COVERED = "covered"
    BILLABLE = "billable"
    EACH = "each"  # a case of many devices: decided for each of them


VERDICT_TEXT: dict[Verdict, str] = {
    Verdict.COVERED: N_("covered"),
    Verdict.BILLABLE: N_("billable"),
    Verdict.EACH: N_("decided for each device"),
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is covered, in words that are stored with the case.

    Attributes:
        more: who pays for the way there, and until when support from afar is free.
    """

    verdict: Verdict
    why: Text
    more: tuple[Text, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "why": self.why.to_json(),
            "more": [text.to_json() for text in self.more],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Coverage:
        more = tuple(Text.from_json(each) for each in data["more"])
        return Coverage(Verdict(data["verdict"]), Text.from_json(data["why"]), more)


def coverages(conn: Conn, device_ids: Iterable[int], at: datetime) -> dict[int, Coverage]:
    """What is covered for each device at a moment; three queries for any number."""
    found = contracts_of(conn, device_ids)
    return {device_id: coverage(contracts, at) for device_id, contracts in found.items()}


def coverages_of_tickets(
    conn: Conn, ticket_ids: Iterable[int], at: datetime
) -> dict[int, Coverage]:
    """What is covered for each case at a moment."""
    found = contracts_of_tickets(conn, ticket_ids)
    return {ticket_id: coverage(contracts, at) for ticket_id, contracts in found.items()}


def coverage(contracts: Contracts, at: datetime) -> Coverage:
    """What is covered under all that was agreed, at a moment."""
    contract, day = contracts.contract_at(at), contracts.day(at)
    start = contracts.warranty.starts_on or contracts.warranty.installed_on
    plan = contracts.plan_at(at)
    more = (_travel(contract), *_free_support(contract, plan, start, day))
    if contract is not None:
        return Coverage(Verdict.COVERED, _by_contract(contract, plan), more)
    if not contracts.of_device:
        why = Text(N_("no contract; warranties are looked at device by device"))
        return Coverage(Verdict.EACH, why, more)
    verdict, why = _by_warranty(contracts, plan, start, at, day)
    return Coverage(verdict, why, more)


def ends(contracts: Contracts, at: datetime) -> tuple[date | None, date | None]:
    """The first day after a device's warranty, and after its service life, as its plan says at a
    moment; None where the day of installation isn't known, or the warranty is void."""
    warranty = contracts.warranty
    start = warranty.starts_on or warranty.installed_on
    if start is None:
        return None, None
    warranty_ends, life_ends = _ends(contracts, contracts.plan_at(at), start)
    return None if warranty.voided_at is not None else warranty_ends, life_ends


def _by_contract(contract: Contract, plan: Plan) -> Text:
    values: dict[str, Value] = {"contract": contract.key, "plan": Text(plan.label)}
    included = contract.replacement is Replacement.INCLUDED
    if contract.valid_until is None:
        why = N_("contract {contract} ({plan})")
        parts = N_("contract {contract} ({plan}); parts are billed")
        return Text(why if included else parts, values)
    why = N_("contract {contract} ({plan}), until {day}")
    parts = N_("contract {contract} ({plan}), until {day}; parts are billed")
    return Text(why if included else parts, values | {"day": contract.valid_until.isoformat()})


def _by_warranty(
    contracts: Contracts, plan: Plan, start: date | None, at: datetime, day: date
) -> tuple[Verdict, Text]:
    warranty = contracts.warranty
    if start is None:
        why = N_("no contract, and it is not known when the device was installed")
        return Verdict.BILLABLE, Text(why)
    ends, life_ends = _ends(contracts, plan, start)
    if day >= life_ends:
        return Verdict.BILLABLE, _on(N_("no contract; its service life ended on {day}"), life_ends)
    if warranty.voided_at is not None and warranty.voided_at <= at:
        assert warranty.void_reason is not None, "the store keeps both or none"
        values: dict[str, Value] = {
            "day": contracts.day(warranty.voided_at).isoformat(),
            "reason": Text(VOID_TEXT[warranty.void_reason]),
        }
        why = N_("no contract; the warranty is void since {day}: {reason}")
        return Verdict.BILLABLE, Text(why, values)
    if day >= ends:
        return Verdict.BILLABLE, _on(N_("no contract; the warranty ended on {day}"), ends)
    if day < start:
        return Verdict.BILLABLE, Text(
            N_("no contract; the warranty begins on {day}"), {"day": start.isoformat()}
        )
    return Verdict.COVERED, _on(N_("under warranty until {day}"), ends)


def _ends(contracts: Contracts, plan: Plan, start: date) -> tuple[date, date]:
    """The first days after the warranty and after the service life."""
    warranty = contracts.warranty
    return (
        _months_after(start, _or(warranty.months, plan.warranty)),
        _months_after(start, _or(warranty.support_life_months, plan.support_life)),
    )


def _travel(contract: Contract | None) -> Text:
    if contract is not None and contract.travel is Payer.PROVIDER:
        return Text(N_("the way there is paid for by the contract"))
    return Text(N_("the way there is paid for by the customer"))


def _free_support(
    contract: Contract | None, plan: Plan, start: date | None, day: date
) -> Iterable[Text]:
    if start is None:
        return
    months = contract.free_support_months if contract is not None else None
    ends = _months_after(start, _or(months, plan.free_support))
    if start <= day < ends:
        yield _on(N_("support from afar is free until {day}"), ends)


def _on(template: str, end: date) -> Text:
    """A sentence of a last day; `end` is the first one that is not within."""
    return Text(template, {"day": (end - timedelta(days=1)).isoformat()})


def _or(own: int | None, usual: int) -> int:
    return usual if own is None else own


def _months_after(start: date, months: int) -> date:
    """The same day so many months later, or the last one of a month that has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
