"""What time alone does, and what comes from records."""

from __future__ import annotations

from desk.actions import move
from desk.records import failure_recorded, maintenance_recorded
from desk.upkeep import tick
from domain.device import Cause
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"


def states(world: World) -> list[str]:
    return [ticket.state.value for ticket in world.tickets(only_open=False)]


def test_what_stays_well_for_a_day_is_verified_and_closed_with_its_alert(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    world.pass_time(hours=23, minutes=59)
    assert tick(world.database, world.clock) == 0
    world.pass_time(minutes=1)
    assert tick(world.database, world.clock) == 1
    assert states(world) == ["closed"]
    assert world.alerts() == []
    assert tick(world.database, world.clock) == 0


def test_a_foretold_failure_that_did_not_come_is_a_false_alarm(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.8)
    world.evaluate()
    world.pass_time(hours=20)
    world.predict(world.kiosk, PRINTER, 0.8)  # an alarm that stands is not over
    world.evaluate()
    world.pass_time(hours=23)
    world.evaluate()
    assert tick(world.database, world.clock) == 0
    world.pass_time(hours=1)
    world.evaluate()
    assert tick(world.database, world.clock) == 1
    assert states(world) == ["cancelled"]
    assert world.alerts() == []
    [ticket] = world.tickets(only_open=False)
    assert world.events(ticket.id)[-1].data == {"move": "cancel", "reason": "false_alarm"}


def test_nobody_is_called_back_from_a_visit(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.8)
    world.evaluate()
    move(world.database, world.clock, world.ticket().id, "dispatch", actor="li")
    world.pass_time(hours=30)
    world.evaluate()
    assert tick(world.database, world.clock) == 0


def test_the_same_fault_soon_after_its_case_is_a_repeat_and_later_is_not(world: World) -> None:
    ids = []
    for days in (3, 31, 0):
        world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
        world.transition(world.kiosk, "up", Cause.CONTACT)
        world.evaluate()
        ids.append(world.ticket().id)
        world.pass_time(hours=24)
        tick(world.database, world.clock)
        world.pass_time(days=days)
    assert [ticket.repeat_of for ticket in world.tickets(only_open=False)] == [None, ids[0], None]


def test_a_recorded_failure_is_the_failure_that_was_foretold(world: World) -> None:
    world.predict(world.kiosk, "comp1", 0.8)
    world.evaluate()
    world.pass_time(hours=5)
    failed_at = world.clock.now()
    failure_recorded(world.database, world.clock, world.kiosk, "comp1", failed_at, source="history")
    assert world.kinds() == ["opened", "failed"]
    assert world.ticket().failed_at == failed_at
    [failure] = world.rows("SELECT * FROM failure")
    assert (failure["at"], failure["source"]) == (failed_at, "history")

    maintenance_recorded(
        world.database, world.clock, world.kiosk, "comp1", "replaced", failed_at, source="history"
    )
    assert world.ticket().state == "repaired"
    assert world.alerts()[0]["active"] is False
    world.pass_time(hours=24)
    assert tick(world.database, world.clock) == 1
    assert states(world) == ["closed"]


def test_cleaning_is_recorded_and_mends_nothing(world: World) -> None:
    world.predict(world.kiosk, "comp1", 0.8)
    world.evaluate()
    now = world.clock.now()
    maintenance_recorded(
        world.database, world.clock, world.kiosk, "comp1", "cleaned", now, source="history"
    )
    assert world.ticket().state == "new"
    assert len(world.rows("SELECT FROM maintenance")) == 1
