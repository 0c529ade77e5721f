"""What the store tells of cases that were worked on as people do it."""

from __future__ import annotations

from datetime import timedelta

from desk.actions import assign, move
from desk.calls import Call, Channel, take
from desk.lifecycle import CancelReason
from desk.sla.outcomes import outcomes
from domain.device import Cause
from kpi.staff.cases import CaseFacts, read_cases
from kpi.staff.rules import rules
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"


def work(world: World, *moves: str, hours: float = 1) -> None:
    ticket = world.ticket().id
    for name in moves:
        world.pass_time(hours=hours)
        move(world.database, world.clock, ticket, name, actor="li")


def closed(world: World) -> list[CaseFacts]:
    with world.database.transaction() as conn:
        now = world.clock.now()
        return read_cases(conn, now - timedelta(days=60), now + timedelta(hours=1))


def broken(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "hardwareError")
    world.evaluate()


def test_a_visit_is_told_with_its_times(world: World) -> None:
    broken(world)
    assign(world.database, world.clock, world.ticket().id, world.engineer, actor="li")
    call = Call(Channel.PHONE, "it prints nothing", device_id=world.kiosk, component=PRINTER)
    for _ in range(2):
        take(world.database, world.clock, call, actor="desk")
    work(world, "dispatch", "set_out", "arrive", "repair", "verify", "close")
    [one] = closed(world)
    hour = timedelta(hours=1)
    assert (one.response, one.travel, one.repair) == (hour, hour, hour)
    assert (one.visits, one.calls, one.second_calls) == (1, 2, 1)
    assert one.fixed_at_once(rules()) is True
    assert (one.kind, one.failed, one.foretold, one.found_worn) == ("kiosk", True, False, None)


def test_a_fault_that_comes_back_is_told_of_the_case_before(world: World) -> None:
    broken(world)
    work(world, "dispatch", "arrive", "repair", "verify", "close")
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    world.pass_time(days=3)
    broken(world)
    [one] = closed(world)
    assert (one.repeated(rules()), one.fixed_at_once(rules())) == (True, False)


def test_a_case_stays_with_the_site_where_its_device_stood(world: World) -> None:
    broken(world)
    work(world, "dispatch", "arrive", "repair", "verify", "close")
    now = world.clock.now() + timedelta(hours=1)
    with world.database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('new', 'New')")
        conn.execute(
            """INSERT INTO site (key, name, customer_id)
               SELECT 'new', 'New', id FROM customer WHERE key = 'new'"""
        )
        conn.execute(
            """UPDATE device SET placed_at = %s,
                   site_id = (SELECT id FROM site WHERE key = 'new')""",
            (now,),
        )
        sites = conn.execute("SELECT id, key, customer_id FROM site").fetchall()
        told = [*outcomes(conn, now - timedelta(days=60), now)]
        of = {
            site["key"]: [*outcomes(conn, now - timedelta(days=60), now, site["customer_id"])]
            for site in sites
        }
    [one] = closed(world)
    assert (one.site, one.customer) == ("s", "c")
    assert told
    assert of == {"s": told, "new": []}


def test_a_cancelled_case_is_nobody_s_work(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.9)
    world.evaluate()
    ticket, reason = world.ticket().id, CancelReason.FALSE_ALARM
    move(world.database, world.clock, ticket, "cancel", actor="li", reason=reason)
    assert world.tickets() == []
    assert closed(world) == []
