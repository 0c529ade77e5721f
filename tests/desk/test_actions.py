"""What people do with cases, and what it leaves behind."""

from __future__ import annotations

import psycopg
import pytest

from desk.actions import (
    acknowledge,
    acknowledge_alert,
    assign,
    classify,
    move,
    note,
)
from desk.case import Ticket
from desk.lifecycle import CancelReason
from desk.sla.reading import clocks_of
from domain.device import Cause
from domain.errors import NotAllowedError, NotFoundError
from domain.fault import Classified, Grade, Handling
from domain.vocabulary import DEVICE
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"


@pytest.fixture
def broken(world: World) -> Ticket:
    """The case of a printer that took its kiosk down."""
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    return world.ticket()


def go(world: World, ticket: Ticket, *names: str) -> Ticket:
    for name in names:
        ticket = move(world.database, world.clock, ticket.id, name, actor="li")
    return ticket


def test_acknowledging_plans_the_case_and_quiets_its_alert(world: World, broken: Ticket) -> None:
    ticket = acknowledge(world.database, world.clock, broken.id, actor="li", note="I call them")
    assert ticket.state == "planned"
    assert world.alerts()[0]["state"] == "acknowledged"
    assert world.events(ticket.id)[-1].data == {"move": "plan", "note": "I call them"}
    with pytest.raises(NotAllowedError, match="waits for nobody"):
        acknowledge(world.database, world.clock, broken.id, actor="li")


def test_the_way_of_a_visit_from_report_to_end(world: World, broken: Ticket) -> None:
    ticket = go(world, broken, "plan", "dispatch", "set_out", "arrive", "repair")
    assert ticket.state == "repaired"
    assert world.alerts()[0]["active"] is True  # the device has not come back yet
    world.pass_time(minutes=5)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    go(world, ticket, "verify", "close")
    assert world.alerts() == []
    assert world.tickets() == []
    [repair] = world.rows("SELECT * FROM maintenance")
    assert (repair["component"], repair["source"]) == (PRINTER, "ticket")


def test_a_move_that_the_table_does_not_have_is_refused_with_what_it_has(
    world: World, broken: Ticket
) -> None:
    with pytest.raises(NotAllowedError, match="a ticket that is new can't 'close'; it can: plan,"):
        go(world, broken, "close")
    with pytest.raises(NotAllowedError, match="there is no move 'fly'"):
        go(world, broken, "fly")
    with pytest.raises(NotAllowedError, match="made by what is observed"):
        go(world, broken, "restore")
    with pytest.raises(NotFoundError, match="there is no ticket 999"):
        move(world.database, world.clock, 999, "plan", actor="li")
    assert world.kinds() == ["opened"]
    assert world.rows("SELECT FROM audit_entry") == []


def test_a_cancelled_case_keeps_its_alert_only_while_the_fault_is_observed(
    world: World, broken: Ticket
) -> None:
    with pytest.raises(NotAllowedError, match="needs a reason: false_alarm, duplicate"):
        go(world, broken, "cancel")
    move(
        world.database,
        world.clock,
        broken.id,
        "cancel",
        actor="li",
        reason=CancelReason.DUPLICATE,
    )
    [alert] = world.alerts()
    assert (alert["state"], alert["active"]) == ("acknowledged", True)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    assert world.alerts() == []


def test_a_false_alarm_is_not_raised_again_by_the_same_prediction(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.8)
    world.evaluate()
    reason = CancelReason.FALSE_ALARM
    ticket = world.ticket()
    move(world.database, world.clock, ticket.id, "cancel", actor="li", reason=reason)
    for probability, tickets in [(0.9, 0), (0.1, 0), (0.1, 0), (0.9, 1)]:
        world.pass_time(minutes=30)
        world.predict(world.kiosk, PRINTER, probability)
        world.evaluate()
        assert len(world.tickets()) == tickets, probability
    assert world.ticket().repeat_of == ticket.id


def test_a_preventive_repair_ends_the_prediction(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.8)
    world.evaluate()
    ticket = go(world, world.ticket(), "plan", "repair")
    assert ticket.returned_at == world.clock.now()
    assert world.alerts()[0]["active"] is False
    assert len(world.rows("SELECT FROM maintenance")) == 1
    world.pass_time(hours=1)
    world.predict(world.kiosk, PRINTER, 0.8)
    assert world.evaluate() == 0


def test_a_case_is_handed_to_an_engineer_that_exists(world: World, broken: Ticket) -> None:
    world.rows("INSERT INTO engineer (key, name) VALUES ('sara', 'Sara') RETURNING id")
    sara = world.rows("SELECT id FROM engineer WHERE key = 'sara'")[0]["id"]
    assert assign(world.database, world.clock, broken.id, sara, actor="li").assignee_id == sara
    with pytest.raises(NotFoundError, match="there is no engineer 77"):
        assign(world.database, world.clock, broken.id, 77, actor="li")
    assert world.ticket().assignee_id == sara


def promised(world: World, ticket: Ticket) -> set[str]:
    with world.database.transaction() as conn:
        found = clocks_of(conn, [ticket.id], world.clock.now())
    return {clock.name for clock in found[ticket.id]}


def test_the_kind_of_a_fault_is_said_and_the_promises_follow(world: World, broken: Ticket) -> None:
    go(world, broken, "plan", "dispatch", "arrive")
    assert "repair" in promised(world, broken)
    said, all_of_it = Classified(grade=Grade.MAJOR), (world.database, world.clock, broken.id)
    ticket = classify(*all_of_it, said, actor="li", note="the log is gone")
    assert (ticket.handling, ticket.grade) == (None, Grade.MAJOR)
    assert "total_major" in promised(world, broken)
    assert "repair" not in promised(world, broken)
    assert world.rows("SELECT action, detail FROM audit_entry ORDER BY id DESC LIMIT 1") == [
        {"action": "classify", "detail": {"detail": "major"}}
    ]
    with pytest.raises(NotAllowedError, match="must be said"):
        classify(*all_of_it, Classified(), actor="li")


def test_a_unit_that_is_replaced_says_so_and_an_ended_case_is_classified_no_more(
    world: World, broken: Ticket
) -> None:
    ticket = go(world, broken, "plan", "dispatch", "arrive", "replace_unit")
    assert (ticket.state, ticket.handling) == ("repaired", Handling.REPLACEMENT)
    assert world.rows("SELECT component, action FROM maintenance") == [
        {"component": DEVICE, "action": "replaced"}  # of the unit: all of its parts are new
    ]
    go(world, ticket, "verify", "close")
    with pytest.raises(NotAllowedError, match="closed"):
        classify(world.database, world.clock, broken.id, Classified(grade=Grade.MAJOR), actor="li")


def test_a_note_is_kept_and_an_empty_one_refused(world: World, broken: Ticket) -> None:
    note(world.database, world.clock, broken.id, " asked for photos ", actor="li")
    assert world.events(broken.id)[-1].data == {"note": "asked for photos"}
    with pytest.raises(NotAllowedError, match="needs words"):
        note(world.database, world.clock, broken.id, " ", actor="li")


def test_every_action_says_who_did_it(world: World, broken: Ticket) -> None:
    acknowledge(world.database, world.clock, broken.id, actor="li")
    note(world.database, world.clock, broken.id, "seen", actor="sara")
    entries = world.rows("SELECT actor, action, object FROM audit_entry ORDER BY id")
    assert [tuple(entry.values()) for entry in entries] == [
        ("li", "acknowledge", f"ticket/{broken.id}"),
        ("sara", "note", f"ticket/{broken.id}"),
    ]


def test_a_warning_without_a_ticket_can_be_acknowledged(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.evaluate()
    alert_id = world.alerts()[0]["id"]
    acknowledge_alert(world.database, world.clock, alert_id, actor="li")
    assert world.alerts()[0]["state"] == "acknowledged"
    with pytest.raises(NotAllowedError, match="can't go through 'acknowledge'"):
        acknowledge_alert(world.database, world.clock, alert_id, actor="li")
    world.event(world.kiosk, PRINTER, "paperOk")
    world.evaluate()
    assert world.alerts() == []
    with pytest.raises(NotAllowedError, match="is closed"):
        acknowledge_alert(world.database, world.clock, alert_id, actor="li")
    with pytest.raises(NotFoundError, match="there is no alert 999"):
        acknowledge_alert(world.database, world.clock, 999, actor="li")


def test_history_can_not_be_rewritten(world: World, broken: Ticket) -> None:
    for statement in ("UPDATE ticket_event SET actor = 'me'", "DELETE FROM ticket_event"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            world.rows(statement)
