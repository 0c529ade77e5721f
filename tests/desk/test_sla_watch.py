"""Warnings and breaches come once, at their moment, whoever looks; and what a period's outcomes are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import psycopg
import pytest

from desk import actions, ledger
from desk.calls import Call, Channel, take
from desk.case import Kind, TicketEvent, fold
from desk.contracts import contract_of
from desk.contracts.sheet import read_sheet
from desk.contracts.writing import take_in
from desk.lifecycle import CancelReason
from desk.sla import SlaState, clocks
from desk.sla.outcomes import Outcome, outcomes
from desk.sla.reading import clocks_of, next_due
from desk.sla.watch import watch
from domain.device import Cause
from storage.database import Conn
from tests.alerts.conftest import World

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def called(world: World, device_id: int, component: str = "receiptPrinter") -> int:
    """A case that is open because somebody called about a device."""
    call = Call(Channel.PHONE, "it does not work", device_id=device_id, component=component)
    return take(world.database, world.clock, call, actor="desk").id


def told(world: World, ticket_id: int) -> list[tuple[str, str]]:
    """The warnings and breaches in a case's history."""
    return [
        (event.kind.removeprefix("sla_"), event.data["clock"])
        for event in world.events(ticket_id)
        if event.kind in (Kind.SLA_WARNING, Kind.SLA_BREACH)
    ]


def look(world: World, **span: float) -> int:
    world.pass_time(**span)
    return watch(world.database, world.clock)


def move(world: World, ticket_id: int, name: str) -> None:
    reason = CancelReason.DUPLICATE if name == "cancel" else None
    actions.move(world.database, world.clock, ticket_id, name, actor="li", reason=reason)


def test_a_warning_comes_before_the_breach_and_each_comes_once(world: World) -> None:
    case = called(world, world.kiosk)
    assert look(world) == 0
    assert look(world, minutes=30) == 0
    assert look(world, seconds=1) == 1
    assert told(world, case) == [("warning", "plan_of_action")]
    assert [look(world, minutes=5) for _ in range(3)] == [0, 1, 0]
    assert told(world, case) == [("warning", "plan_of_action"), ("breach", "plan_of_action")]
    assert look(world) == 0
    [breach] = [event for event in world.events(case) if event.kind is Kind.SLA_BREACH]
    assert breach.data["due"] == (world.events(case)[0].at + 40 * MINUTE).isoformat()
    assert fold(world.events(case)) == world.ticket()


def test_who_comes_late_records_the_breach_and_no_warning_of_it(world: World) -> None:
    case = called(world, world.kiosk)
    look(world, hours=5)
    assert told(world, case) == [("breach", "plan_of_action"), ("breach", "on_site")]


def test_a_promise_that_was_kept_late_was_broken_all_the_same(world: World) -> None:
    case = called(world, world.kiosk)
    look(world)
    world.pass_time(minutes=41)
    move(world, case, "plan")
    look(world)
    assert told(world, case) == [("breach", "plan_of_action")]


def test_a_case_that_waits_for_the_customer_is_not_warned(world: World) -> None:
    case = called(world, world.kiosk)
    move(world, case, "wait_for_customer")
    look(world, hours=100)
    assert told(world, case) == []
    move(world, case, "resume")
    look(world, minutes=31)
    assert ("breach", "on_site") not in told(world, case)


def test_a_breach_of_a_case_that_ended_meanwhile_is_recorded_and_then_it_rests(
    world: World,
) -> None:
    case = called(world, world.kiosk)
    look(world)
    world.pass_time(minutes=50)
    move(world, case, "cancel")
    assert look(world) == 1
    assert told(world, case) == [("breach", "plan_of_action")]
    look(world, hours=50)
    assert world.rows("SELECT * FROM sla_watch") == []
    assert told(world, case) == [("breach", "plan_of_action")]


def test_only_cases_that_changed_or_whose_moment_has_come_are_looked_at(world: World) -> None:
    kiosk, pos = called(world, world.kiosk), called(world, world.pos)
    look(world)
    world.pass_time(minutes=10)
    move(world, pos, "plan")
    look(world)
    seen = world.rows(
        "SELECT ticket_id, version, wake_at, due_at FROM sla_watch ORDER BY ticket_id"
    )
    opened = world.events(kiosk)[0].at
    assert [row["ticket_id"] for row in seen] == [kiosk, pos]
    assert (seen[0]["wake_at"], seen[0]["due_at"]) == (opened + 30 * MINUTE, opened + 40 * MINUTE)
    assert seen[1]["version"] == world.events(pos)[-1].version
    assert seen[1]["due_at"] == opened + timedelta(hours=4)


def test_a_contract_that_comes_later_counts_for_the_clocks_that_start_later(world: World) -> None:
    case = called(world, world.kiosk)
    look(world)
    world.pass_time(minutes=20)
    head = "contract,customer,plan,valid_from\n"
    sheet = read_sheet("c.csv", f"{head}a,c,clock,2026-01-01\n".encode())
    with world.database.transaction() as conn:
        take_in(conn, world.clock, sheet, actor="mia")  # it was valid already when the case came
    look(world, minutes=30)
    assert told(world, case) == []
    assert look(world, minutes=80) == 1
    assert told(world, case) == [("breach", "respond")]


def test_two_workers_at_once_record_each_thing_once(world: World) -> None:
    cases = [
        called(world, device, part)
        for device in (world.kiosk, world.pos, world.clock_device)
        for part in ("receiptPrinter", "cardReader", "billAcceptor")
    ]
    world.pass_time(hours=3)
    start = Barrier(4)

    def work(_: int) -> int:
        start.wait()
        return watch(world.database, world.clock)

    with ThreadPoolExecutor(4) as pool:
        recorded = sum(pool.map(work, range(4)))
    for case in cases:
        events = told(world, case)
        assert len(events) == len(set(events)) > 0
        recorded -= len(events)
        assert fold(world.events(case)) == next(t for t in world.tickets() if t.id == case)
    assert recorded == 0


def test_the_store_itself_refuses_a_second_one(world: World) -> None:
    case = called(world, world.kiosk)

    def record() -> None:
        with world.database.transaction() as conn:
            ticket, now = ledger.lock(conn, case), world.clock.now()
            ledger.append(conn, ticket, Kind.SLA_BREACH, now, "test", {"clock": "total"})

    record()
    with pytest.raises(psycopg.errors.UniqueViolation):
        record()


def test_the_clock_that_runs_out_next_leads_the_list(world: World) -> None:
    case = called(world, world.kiosk)

    def leads() -> tuple[str, SlaState] | None:
        with world.database.transaction() as conn:
            clock = next_due(clocks_of(conn, [case], world.clock.now())[case])
        return (clock.name, clock.state) if clock else None

    assert leads() == ("plan_of_action", SlaState.RUNNING)
    world.pass_time(minutes=41)
    assert leads() == ("on_site", SlaState.RUNNING)
    world.pass_time(days=4)
    assert leads() == ("plan_of_action", SlaState.BREACHED)
    move(world, case, "cancel")
    assert leads() is None


def test_a_batch_goes_by_the_contract_of_the_place_where_it_is(world: World) -> None:
    head = "contract,customer,site,plan,valid_from\n"
    sheet = read_sheet("c.csv", f"{head}a,c,s,clock,2026-01-01\n".encode())
    with world.database.transaction() as conn:
        take_in(conn, world.clock, sheet, actor="mia")
        conn.execute("UPDATE site SET region_class = 'suburban'")
    for device in (world.kiosk, world.pos, world.clock_device):
        world.transition(device, "down", Cause.MISSED_HEARTBEATS)
    world.evaluate()
    [batch] = [ticket for ticket in world.tickets() if ticket.batch_id is not None]
    with world.database.transaction() as conn:
        found = clocks_of(conn, [batch.id], world.clock.now())[batch.id]
    assert [(clock.name, clock.plan) for clock in found] == [
        ("respond", "clock"),
        ("resolve", "clock"),
    ]
    covered = world.events(batch.id)[0].data["coverage"]
    assert (covered["verdict"], covered["why"]["values"]["contract"]) == ("covered", "a")


# What became of the promises of a period.


def of_period(world: World, **back: float) -> list[Outcome]:
    now = world.clock.now()
    with world.database.transaction() as conn:
        return list(outcomes(conn, now - timedelta(**back), now + SECOND))


def expected(conn: Conn, world: World, case: int, device: int) -> Iterator[tuple[object, ...]]:
    """The plain way: one case at a time, as it stood when it ended."""
    events: list[TicketEvent] = ledger.events(conn, case)
    closed_at = events[-1].at
    for clock in clocks(events, contract_of(conn, device).at, closed_at):
        kept = clock.state is SlaState.MET
        yield case, device, clock.name, clock.plan, kept, clock.used.total_seconds()


def test_outcomes_are_what_the_pure_function_says_of_each_case(world: World) -> None:
    devices = {called(world, device): device for device in (world.kiosk, world.clock_device)}
    kiosk, clock = devices
    world.pass_time(minutes=50)
    for name in ("plan", "dispatch", "arrive"):
        move(world, kiosk, name)
    world.pass_time(hours=1)
    for name in ("repair", "verify", "close"):
        move(world, kiosk, name)
    move(world, clock, "cancel")
    open_still = called(world, world.pos)
    world.pass_time(hours=7)
    found = of_period(world, days=1)
    with world.database.transaction() as conn:
        plain = [
            row for case, device in devices.items() for row in expected(conn, world, case, device)
        ]
    assert sorted(
        (one.ticket_id, one.device_id, one.clock, one.plan, one.kept, one.used_s) for one in found
    ) == sorted(plain)
    assert {one.clock: one.kept for one in found if one.ticket_id == kiosk} == {
        "plan_of_action": False,
        "on_site": True,
        "repair": True,
        "total": True,
    }
    assert {one.engineer_id for one in found} == {world.engineer}
    assert {one.cancelled for one in found if one.ticket_id == clock} == {True}
    assert open_still not in {one.ticket_id for one in found}
    assert of_period(world, hours=6) == []
