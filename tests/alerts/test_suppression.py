"""What holds tickets and notifications back, never the watching nor the recovery."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import suppression
from alerts.suppression import Scope
from desk.actions import acknowledge_alert, move
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, come_back, go_down, hang_on, told

PRINTER = "receiptPrinter"


def window(world: World, what: str = "device", hours: float = 2, starts_in: float = 0) -> int:
    """A maintenance window on the kiosk, its site or its customer."""
    [place] = world.rows(
        f"""SELECT device.id AS device, site_id AS site, customer_id AS customer
            FROM device JOIN site ON site.id = site_id WHERE device.id = {world.kiosk}"""
    )
    start = world.clock.now() + timedelta(hours=starts_in)
    return suppression.add_window(
        world.database,
        world.clock,
        Scope(what, place[what]),
        start,
        start + timedelta(hours=hours),
        reason="new router",
        actor="li",
    )


def steps(world: World) -> list[str]:
    return [row["name"] for row in world.rows("SELECT name FROM alert_transition ORDER BY id")]


def why(world: World) -> dict[int, str]:
    ids = [alert["id"] for alert in world.alerts()]
    with world.database.transaction() as conn:
        found = suppression.why_held(conn, ids, world.clock.now())
    return {alert_id: str(text) for alert_id, text in found.items()}


@pytest.mark.parametrize("what", ["device", "site", "customer"])
def test_under_a_window_a_fault_is_seen_and_nobody_is_told(world: World, what: str) -> None:
    made = window(world, what)
    go_down(world, [world.kiosk])
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["state"], alert["active"]) == ("suppressed", True)
    assert world.tickets() == []
    assert told(world, "alert.raised") == []
    assert why(world) == {alert["id"]: f"Maintenance window {made}: new router"}
    assert steps(world) == ["raise", "suppress"]


def test_what_still_holds_when_a_window_ends_opens_its_case(world: World) -> None:
    window(world)
    go_down(world, [world.kiosk])
    world.evaluate()
    world.pass_time(hours=2)
    world.evaluate()
    assert world.alerts()[0]["state"] == "unacknowledged"
    assert world.ticket().origin == "device"
    assert len(told(world, "alert.raised")) == 1
    assert world.ticket().failed_at == world.clock.now() - timedelta(hours=2)


def test_a_muted_recovery_closes_as_usual(world: World) -> None:
    """prometheus/alertmanager#226, #1803: a muted recovery leaves the case open for ever."""
    go_down(world, [world.kiosk])
    world.evaluate()
    window(world)
    world.evaluate()
    assert world.alerts()[0]["state"] == "suppressed"
    come_back(world, [world.kiosk])
    world.evaluate()
    assert world.ticket().state == "repaired"
    assert told(world, "alert.returned") == [f"alert/{world.alerts()[0]['id']}"]
    world.pass_time(hours=25)
    move(world.database, world.clock, world.ticket().id, "verify", actor="li")
    move(world.database, world.clock, world.ticket().id, "close", actor="li")
    assert (world.alerts(), world.tickets()) == ([], [])


def test_a_fault_that_came_and_went_under_a_window_leaves_nothing_open(world: World) -> None:
    window(world)
    go_down(world, [world.kiosk])
    world.evaluate()
    come_back(world, [world.kiosk])
    world.evaluate()
    world.pass_time(hours=3)
    world.evaluate()
    assert world.alerts() == []
    assert world.tickets(only_open=False) == []
    assert [alert["state"] for alert in world.alerts(only_open=False)] == ["normal"]


def test_suppressed_cycles_do_not_spend_what_a_fault_may_say(world: World) -> None:
    """librenms PR #20359: suppressed cycles spend the budget so that the child never alerts."""
    window(world, hours=1)
    for _ in range(8):
        go_down(world, [world.kiosk])
        world.evaluate()
        come_back(world, [world.kiosk])
        world.evaluate()
        world.pass_time(minutes=5)
    world.pass_time(minutes=30)
    go_down(world, [world.kiosk])
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["state"], alert["flapping_since"]) == ("unacknowledged", None)
    assert len(world.tickets()) == len(told(world, "alert.raised")) == 1


def test_what_comes_and_goes_in_a_window_is_no_flapping_after_it(world: World) -> None:
    """librenms PR #20359, of a fault whose case is open: its alert stays the same one all the time."""
    go_down(world, [world.kiosk])
    world.evaluate()
    window(world, hours=1)
    for _ in range(5):
        world.pass_time(minutes=10)
        come_back(world, [world.kiosk])
        world.evaluate()
        go_down(world, [world.kiosk])
        world.evaluate()
    come_back(world, [world.kiosk])
    world.evaluate()
    world.pass_time(minutes=11)
    go_down(world, [world.kiosk])
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["state"], alert["flapping_since"]) == ("unacknowledged", None)
    assert told(world, "alert.raised") == 2 * [f"alert/{alert['id']}"]
    assert len(world.tickets(only_open=False)) == 1


def test_a_window_that_is_to_come_holds_nothing_back_yet(world: World) -> None:
    window(world, starts_in=1)
    go_down(world, [world.kiosk])
    world.evaluate()
    assert len(world.tickets()) == 1
    world.pass_time(hours=1)
    world.evaluate()
    assert world.alerts()[0]["state"] == "suppressed"
    assert len(world.tickets()) == 1  # what is open stays


def test_a_cancelled_window_tells_what_holds(world: World) -> None:
    made = window(world)
    go_down(world, [world.kiosk])
    world.evaluate()
    suppression.cancel_window(world.database, world.clock, made, actor="li")
    world.evaluate()
    assert len(world.tickets()) == 1
    with pytest.raises(NotFoundError):
        suppression.cancel_window(world.database, world.clock, made, actor="li")


def test_a_shelf_holds_its_fault_only_also_when_it_comes_again(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.evaluate()
    [alert] = world.alerts()
    until = world.clock.now() + timedelta(hours=8)
    suppression.shelve(
        world.database, world.clock, alert["id"], until, reason="paper is coming", actor="li"
    )
    assert world.alerts()[0]["state"] == "shelved"
    world.event(world.kiosk, PRINTER, "paperOk")
    world.evaluate()
    assert world.alerts() == []
    world.event(world.kiosk, PRINTER, "paperOut")
    world.event(world.pos, PRINTER, "paperOut")
    world.evaluate()
    assert {row["device_id"]: row["state"] for row in world.alerts()} == {
        world.kiosk: "shelved",
        world.pos: "unacknowledged",
    }
    world.pass_time(hours=8)
    world.evaluate()
    assert {row["state"] for row in world.alerts()} == {"unacknowledged"}
    assert len(world.tickets()) == 2


def test_an_alert_is_taken_off_its_shelf_by_hand(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    [alert] = world.alerts()
    until = world.clock.now() + timedelta(hours=8)
    suppression.shelve(world.database, world.clock, alert["id"], until, reason="known", actor="li")
    suppression.unshelve(world.database, world.clock, alert["id"], actor="li")
    assert world.alerts()[0]["state"] == "unacknowledged"
    with pytest.raises(NotAllowedError):
        suppression.unshelve(world.database, world.clock, alert["id"], actor="li")
    audit = world.rows("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in audit] == ["shelve", "unshelve"]


@pytest.mark.parametrize("hours", [0, -1, 24 * 31])
def test_a_shelf_is_bounded_and_has_a_reason(world: World, hours: float) -> None:
    world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    [alert] = world.alerts()
    until = world.clock.now() + timedelta(hours=hours)
    with pytest.raises(BadInputError, match="until"):
        suppression.shelve(
            world.database, world.clock, alert["id"], until, reason="known", actor="li"
        )
    with pytest.raises(BadInputError, match="reason"):
        suppression.shelve(
            world.database,
            world.clock,
            alert["id"],
            world.clock.now() + timedelta(hours=1),
            reason=" ",
            actor="li",
        )
    assert world.alerts()[0]["state"] == "unacknowledged"


def test_out_of_service_lasts_until_somebody_ends_it(world: World) -> None:
    suppression.take_out_of_service(
        world.database, world.clock, world.kiosk, reason="shop is rebuilt", actor="li"
    )
    go_down(world, [world.kiosk])
    world.evaluate()
    world.pass_time(hours=24 * 40)
    world.evaluate()
    assert world.alerts()[0]["state"] == "out_of_service"
    with pytest.raises(NotAllowedError):
        acknowledge_alert(world.database, world.clock, world.alerts()[0]["id"], actor="li")
    suppression.return_to_service(world.database, world.clock, world.kiosk, actor="li")
    world.evaluate()
    assert len(world.tickets()) == 1
    [key] = world.rows(f"SELECT key FROM device WHERE id = {world.kiosk}")
    acts = world.rows("SELECT DISTINCT object FROM audit_entry")
    assert acts == [{"object": f"device/{key['key']}"}]


def test_what_hangs_on_a_device_that_is_down_is_held_back_until_it_is_up(world: World) -> None:
    """louislam/uptime-kuma#1089: a router's children do not each call for help."""
    hang_on(world, "r1", "router", [world.kiosk, world.clock_device], device=world.pos)
    go_down(world, [world.kiosk])  # the child is missed first
    world.evaluate(HOLD)
    go_down(world, [world.pos])
    world.clock.advance(HOLD / 2)
    world.evaluate(HOLD)
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    assert [ticket.fault and ticket.fault.device_id for ticket in world.tickets()] == [world.pos]
    [child] = [alert for alert in world.alerts() if alert["device_id"] == world.kiosk]
    assert child["state"] == "suppressed"
    assert why(world)[child["id"]].startswith("r1, on which it hangs, is down")
    come_back(world, [world.pos])
    world.evaluate(HOLD)
    assert world.alerts()[0]["state"] == "unacknowledged"  # the router is up, and the child is not
    assert len(world.tickets()) == 2


def test_a_parent_that_is_down_does_not_explain_an_empty_paper_roll(world: World) -> None:
    hang_on(world, "r1", "router", [world.kiosk], device=world.pos)
    go_down(world, [world.pos])
    world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    assert len(world.tickets()) == 2
