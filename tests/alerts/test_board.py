"""The life of an alert: the table of its steps, and what is kept of them."""

from __future__ import annotations

from collections import Counter

import pytest

from alerts import board
from alerts.engine import FLAPS, FLAPS_NO_MORE
from alerts.lifecycle import HOLDS, STEPS, AlertState, allowed, step
from desk.actions import acknowledge_alert, move
from desk.case import Kind, TicketEvent
from desk.lifecycle import CancelReason
from domain.device import Cause
from domain.errors import NotAllowedError
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, come_back, go_down, told

PRINTER = "receiptPrinter"


def test_a_step_leads_to_one_state(world: World) -> None:
    doubles = Counter((one.name, one.source) for one in STEPS)
    assert set(doubles.values()) == {1}


def test_only_the_condition_makes_an_alert_active() -> None:
    comes, goes = {"raise", "raise_suppressed"}, {"return"}
    for one in STEPS:
        if one.name in comes:
            assert (one.source.active, one.target.active) == (False, True)
        elif one.name in goes:
            assert (one.source.active, one.target.active) == (True, False)
        else:
            assert one.source.active == one.target.active


def test_what_is_held_back_can_return_and_be_released_and_nothing_else() -> None:
    for state, name in HOLDS.items():
        assert state.held_back
        assert step(name, AlertState.UNACKNOWLEDGED).target is state
        names = {one.name for one in STEPS if one.source is state}
        assert names == {"return", "release", "flap", "calm"}
        assert step("return", state).target is AlertState.NORMAL


def test_a_step_that_the_table_does_not_have_is_refused() -> None:
    assert not allowed("acknowledge", AlertState.SHELVED)
    with pytest.raises(NotAllowedError, match="shelved"):
        step("acknowledge", AlertState.SHELVED)


def test_every_state_is_told_with_its_step_actor_and_time(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.evaluate()
    acknowledge_alert(world.database, world.clock, world.alerts()[0]["id"], actor="li")
    kept = world.rows("SELECT from_state, to_state, name, actor FROM alert_transition ORDER BY id")
    assert [tuple(row.values()) for row in kept] == [
        ("normal", "unacknowledged", "raise", "forecall"),
        ("unacknowledged", "acknowledged", "acknowledge", "li"),
    ]


def test_two_signs_of_one_moment_are_one_alert_and_one_end_ends_it(world: World) -> None:
    """thingsboard/thingsboard#2986, #15583: two alarms are opened and only one clears."""
    for _ in range(2):
        world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    assert [alert["signs"] for alert in world.alerts()] == [2]
    world.event(world.kiosk, PRINTER, "paperOk")
    world.evaluate()
    assert world.alerts()[0]["active"] is False
    assert len(world.tickets()) == 1


@pytest.mark.parametrize("order", ["down, up", "up, down, up"])
def test_data_that_arrives_while_the_device_is_taken_for_silent_wins(
    world: World, order: str
) -> None:
    """thingsboard/thingsboard#7909, moscajs/mosca#632: the alarm sticks though the device is heard."""
    for state in order.split(", "):
        cause = Cause.CONTACT if state == "up" else Cause.MISSED_HEARTBEATS
        world.transition(world.kiosk, state, cause)
    world.evaluate(HOLD)
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    assert world.alerts()[0]["active"] is False
    assert world.tickets(only_open=False) == []


def test_a_closed_case_never_swallows_a_new_fault(world: World) -> None:
    """keephq/keep#2481: a resolved case swallows a new fault."""
    go_down(world, [world.kiosk])
    world.evaluate()
    first = world.ticket()
    move(
        world.database,
        world.clock,
        first.id,
        "cancel",
        actor="li",
        reason=CancelReason.WITHDRAWN,
    )
    come_back(world, [world.kiosk])
    world.evaluate()
    assert world.alerts() == []
    go_down(world, [world.kiosk])
    world.evaluate()
    second = world.ticket()
    assert (second.repeat_of, second.state) == (first.id, "new")
    assert len(told(world, "alert.raised")) == 2


def cycle(world: World, times: int) -> None:
    for _ in range(times):
        go_down(world, [world.kiosk])
        world.evaluate()
        world.pass_time(minutes=1)
        come_back(world, [world.kiosk])
        world.evaluate()
        world.pass_time(minutes=1)


def test_a_fault_that_comes_and_goes_is_flapping_and_its_state_stays_true(world: World) -> None:
    cycle(world, 3)
    assert world.alerts()[0]["flapping_since"] is None
    cycle(world, 1)
    [alert] = world.alerts()
    assert alert["flapping_since"] is not None
    assert (alert["active"], alert["state"]) == (False, "returned_unacknowledged")
    go_down(world, [world.kiosk])
    world.evaluate()
    assert world.alerts()[0]["active"] is True


def test_flapping_tells_nobody_and_moves_no_ticket(world: World) -> None:
    cycle(world, 4)
    before = len(world.events(world.ticket().id))
    raised = len(told(world, "alert.raised"))
    cycle(world, 10)
    assert len(world.events(world.ticket().id)) == before
    assert len(told(world, "alert.raised")) == raised
    assert len(world.tickets(only_open=False)) == 1


def test_a_flapping_fault_that_stays_is_told(world: World) -> None:
    cycle(world, 4)
    raised = len(told(world, "alert.raised"))
    go_down(world, [world.kiosk])
    world.evaluate()
    world.pass_time(minutes=9)
    world.evaluate()
    assert len(told(world, "alert.raised")) == raised
    world.pass_time(minutes=1)
    world.evaluate()
    assert len(told(world, "alert.raised")) == raised + 1


def notes(world: World) -> list[TicketEvent]:
    return [event for event in world.events(world.ticket().id) if event.kind is Kind.NOTE]


def test_it_is_said_when_a_flapping_fault_has_calmed_down(world: World) -> None:
    cycle(world, 4)
    world.pass_time(minutes=30)
    world.evaluate()
    [alert] = world.alerts()
    assert alert["flapping_since"] is None
    names = [row["name"] for row in world.rows("SELECT name FROM alert_transition ORDER BY id")]
    assert names[-1] == "calm"
    said = [event.data.get("message", {}).get("template") for event in notes(world)]
    assert said == [FLAPS, FLAPS_NO_MORE]
    assert world.ticket().state == "repaired"  # it is up, and stays so


def test_an_alert_that_flaps_is_not_closed_under_it(world: World) -> None:
    cycle(world, 4)
    [alert] = world.alerts()
    with world.database.transaction() as conn:
        board.settle(conn, alert["id"], world.clock.now(), "li")
    assert [one["id"] for one in world.alerts()] == [alert["id"]]
