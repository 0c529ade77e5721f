"""A device that leaves the fleet leaves nothing open behind."""

from __future__ import annotations

import pytest

from desk import actions
from desk.calls import Call, Channel, take
from desk.case import fold
from desk.retiring import retire
from desk.sla.reading import clocks_of
from desk.sla.watch import watch
from domain.device import Cause
from domain.errors import NotAllowedError
from tests.alerts.conftest import World


@pytest.fixture
def kiosk(world: World) -> str:
    [row] = world.rows(f"SELECT key FROM device WHERE id = {world.kiosk}")
    return str(row["key"])


def test_its_alerts_and_tickets_end_with_the_reason_and_its_promises_with_them(
    world: World, kiosk: str
) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "mechanicalFailure")
    world.evaluate()
    ticket = world.ticket()
    world.pass_time(minutes=5)
    [ended] = retire(world.database, world.clock, kiosk, actor="mia", reason="sold")
    assert (ended.id, ended.state) == (ticket.id, "cancelled")
    last = world.events(ticket.id)[-1]
    assert last.data == {"move": "cancel", "reason": "retired", "note": "sold"}
    assert fold(world.events(ticket.id)) == ended
    assert (world.alerts(), world.tickets()) == ([], [])
    world.pass_time(days=5)
    assert watch(world.database, world.clock) == 0
    with world.database.transaction() as conn:
        found = clocks_of(conn, [ticket.id], world.clock.now())[ticket.id]
    assert found
    assert not any(clock.open for clock in found)
    assert world.rows(
        "SELECT action, object, detail FROM audit_entry ORDER BY id DESC LIMIT 1"
    ) == [{"action": "retire", "object": f"device/{kiosk}", "detail": {"reason": "sold"}}]


def test_what_was_repaired_is_closed_and_others_are_left_alone(world: World, kiosk: str) -> None:
    for device in (world.kiosk, world.pos):
        call = Call(Channel.PHONE, "it jams", device_id=device, component="receiptPrinter")
        take(world.database, world.clock, call, actor="desk")
    repaired, other = world.tickets()
    for name in ("plan", "repair"):
        actions.move(world.database, world.clock, repaired.id, name, actor="li")
    [ended] = retire(world.database, world.clock, kiosk, actor="mia")
    assert (ended.id, ended.state) == (repaired.id, "closed")
    assert [ticket.id for ticket in world.tickets()] == [other.id]


def test_a_sign_that_waited_raises_nothing_afterwards(world: World, kiosk: str) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "mechanicalFailure")
    retire(world.database, world.clock, kiosk, actor="mia")
    world.evaluate()
    assert (world.alerts(), world.tickets()) == ([], [])


def test_a_device_that_is_not_in_the_fleet_is_refused_and_keeps_its_cases(
    world: World, kiosk: str
) -> None:
    retire(world.database, world.clock, kiosk, actor="mia")
    call = Call(Channel.PHONE, "it jams", device_id=world.kiosk, component="receiptPrinter")
    take(world.database, world.clock, call, actor="desk")
    with pytest.raises(NotAllowedError, match="not in the fleet"):
        retire(world.database, world.clock, kiosk, actor="mia")
    assert len(world.tickets()) == 1
