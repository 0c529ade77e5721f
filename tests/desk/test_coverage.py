"""Whether a case is paid for already, and the words that say why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from desk.calls import Call, Channel, take
from desk.contracts import Contract, Contracts, Payer, Replacement, VoidReason, Warranty
from desk.contracts.contract import Books, Place
from desk.coverage import Coverage, Verdict, coverage, coverages, coverages_of_tickets
from tests.alerts.conftest import World
from tests.desk.test_sla_watch import called

INSTALLED = date(2026, 3, 1)
NEW = Warranty(installed_on=INSTALLED)
CONTRACT = Contract(
    key="C-1",
    plan="kiosk",
    calendar=None,
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
    price="1200",
    travel=Payer.CUSTOMER,
    free_support_months=None,
    replacement=Replacement.INCLUDED,
)


def on(day: str, warranty: Warranty = NEW, *rows: Contract) -> Coverage:
    """At noon of a day."""
    at = datetime.fromisoformat(f"{day}T12:00+00:00")
    return coverage(Contracts(Books(), Place("kiosk"), rows, warranty), at)


@pytest.mark.parametrize(
    ("day", "warranty", "verdict", "why"),
    [
        ("2026-03-01", NEW, "covered", "under warranty until 2027-02-28"),
        ("2027-02-28", NEW, "covered", "under warranty until 2027-02-28"),
        ("2027-03-01", NEW, "billable", "no contract; the warranty ended on 2027-02-28"),
        ("2026-02-28", NEW, "billable", "no contract; the warranty begins on 2026-03-01"),
        ("2036-03-01", NEW, "billable", "no contract; its service life ended on 2036-02-29"),
        (
            "2026-03-01",
            Warranty(),
            "billable",
            "no contract, and it is not known when the device was installed",
        ),
        (
            "2028-01-31",
            replace(NEW, starts_on=date(2026, 1, 31), months=25),
            "covered",
            "under warranty until 2028-02-28",
        ),
        (
            "2037-01-01",
            replace(NEW, months=144, support_life_months=144),
            "covered",
            "under warranty until 2038-02-28",
        ),
    ],
)
def test_without_a_contract_the_warranty_decides(
    day: str, warranty: Warranty, verdict: str, why: str
) -> None:
    found = on(day, warranty)
    assert (found.verdict, str(found.why)) == (verdict, why)


@pytest.mark.parametrize("reason", list(VoidReason))
def test_a_warranty_is_void_from_then_on_whatever_the_reason(reason: VoidReason) -> None:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    voided = replace(NEW, voided_at=at, void_reason=reason)
    assert on("2026-05-31", voided).verdict is Verdict.COVERED
    found = on("2026-06-01", voided)
    assert found.verdict is Verdict.BILLABLE
    assert str(found.why).startswith("no contract; the warranty is void since 2026-06-01: ")


def test_a_contract_decides_over_a_warranty_that_is_void_or_over() -> None:
    found = on("2026-12-31", Warranty(), CONTRACT)
    assert found.verdict is Verdict.COVERED
    assert str(found.why) == (
        "contract C-1 (Kiosks and terminals, around the clock), until 2026-12-31"
    )
    assert on("2027-01-01", Warranty(), CONTRACT).verdict is Verdict.BILLABLE
    endless = replace(CONTRACT, valid_until=None, replacement=Replacement.BILLABLE)
    assert str(on("2030-01-01", Warranty(), endless).why) == (
        "contract C-1 (Kiosks and terminals, around the clock); parts are billed"
    )


def test_travel_is_the_customers_unless_the_contract_says_otherwise() -> None:
    ours = replace(CONTRACT, travel=Payer.PROVIDER)
    said = [str(on("2026-06-15", NEW, *rows).more[0]) for rows in ((), (CONTRACT,), (ours,))]
    customers = "the way there is paid for by the customer"
    assert said == [customers, customers, "the way there is paid for by the contract"]


def test_support_from_afar_is_free_at_first() -> None:
    def said(day: str, *rows: Contract) -> list[str]:
        return [str(text) for text in on(day, NEW, *rows).more[1:]]

    assert said("2026-05-31") == ["support from afar is free until 2026-05-31"]
    assert said("2026-06-01") == []
    longer = replace(CONTRACT, free_support_months=12)
    assert said("2026-06-01", longer) == ["support from afar is free until 2027-02-28"]


def test_it_is_stored_and_read_again() -> None:
    for found in (on("2026-03-01"), on("2026-03-01", NEW, CONTRACT)):
        assert Coverage.from_json(found.to_json()) == found


def test_the_store_knows_it_for_devices_and_cases(world: World) -> None:
    with world.database.transaction() as conn:
        conn.execute("UPDATE device SET installed_on = '2026-01-01' WHERE key = 'kiosk-1'")
    now = world.clock.now()
    case = called(world, world.kiosk)
    with world.database.transaction() as conn:
        found = coverages(conn, [world.kiosk, world.pos], now)
        later = coverages_of_tickets(conn, [case], now + timedelta(days=400))
    assert found[world.kiosk].verdict is Verdict.COVERED
    assert found[world.pos].verdict is Verdict.BILLABLE
    assert later[case].verdict is Verdict.BILLABLE


def test_a_case_of_a_whole_site_is_decided_device_by_device(world: World) -> None:
    with world.database.transaction() as conn:
        row = conn.execute("SELECT id FROM site").fetchone()
    assert row is not None
    call = Call(Channel.PHONE, "something is broken", site_id=row["id"])
    case = take(world.database, world.clock, call, actor="desk").id
    with world.database.transaction() as conn:
        found = coverages_of_tickets(conn, [case], world.clock.now())
    assert found[case].verdict is Verdict.EACH


def test_the_first_event_of_a_case_says_it(world: World) -> None:
    case = called(world, world.kiosk)
    found = Coverage.from_json(world.events(case)[0].data["coverage"])
    assert found == coverage(Contracts(Books(), Place("kiosk")), world.clock.now())
