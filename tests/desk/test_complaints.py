"""What users of other systems complain about, as far as it is a case's life."""

from __future__ import annotations

from datetime import timedelta

from desk.actions import move
from desk.calls import Call, Channel, take
from desk.lifecycle import CancelReason
from domain.device import Cause
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"
HOLD = timedelta(seconds=4)


def breaks(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")


def works(world: World) -> None:
    world.transition(world.kiosk, "up", Cause.CONTACT)


def test_a_resolved_case_does_not_swallow_a_new_fault(world: World) -> None:
    """keephq/keep#2481: a resolved incident took the next alert in and nobody was told."""
    breaks(world)
    world.evaluate()
    first = world.ticket()
    for name in ("plan", "repair"):
        move(world.database, world.clock, first.id, name, actor="li")
    works(world)
    world.evaluate()
    for name in ("verify", "close"):
        move(world.database, world.clock, first.id, name, actor="li")
    world.pass_time(hours=1)
    breaks(world)
    world.evaluate()
    second = world.ticket()
    assert second.id != first.id
    assert (second.state, second.repeat_of) == ("new", first.id)


def test_a_cancelled_case_does_not_either(world: World) -> None:
    """keephq/keep#2481, by the other way out."""
    breaks(world)
    world.evaluate()
    first = world.ticket()
    reason = CancelReason.FALSE_ALARM
    move(world.database, world.clock, first.id, "cancel", actor="li", reason=reason)
    works(world)
    world.evaluate()
    world.pass_time(hours=1)
    breaks(world)
    world.evaluate()
    assert world.ticket().repeat_of == first.id


def test_what_has_recovered_opens_no_ticket(world: World) -> None:
    """keephq/keep#3418: a ticket was opened for an alert that was resolved already."""
    breaks(world)
    world.evaluate(hold=HOLD)
    assert world.tickets() == []  # it may be part of something larger
    works(world)
    world.evaluate(hold=HOLD)
    world.pass_time(minutes=1)
    world.evaluate(hold=HOLD)
    assert world.tickets(only_open=False) == []


def test_a_call_meanwhile_is_a_case_all_the_same(world: World) -> None:
    """The other side of keephq/keep#3418: who called must not be told that nothing was the matter."""
    breaks(world)
    world.evaluate(hold=HOLD)
    call = Call(Channel.PHONE, "no receipt", device_id=world.kiosk, component=PRINTER)
    ticket = take(world.database, world.clock, call, actor="desk")
    world.pass_time(minutes=1)
    world.evaluate(hold=HOLD)
    assert world.ticket().id == ticket.id
