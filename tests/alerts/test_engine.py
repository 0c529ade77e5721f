"""From signs to one alert and one ticket a fault."""

from __future__ import annotations

from domain.device import Cause
from domain.fault import FaultClass
from domain.report import Severity
from tests.alerts.conftest import REASON, World

PRINTER = "receiptPrinter"


def test_a_silent_device_gets_a_case_and_its_return_ends_the_alert(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    assert world.evaluate() == 1
    [alert] = world.alerts()
    assert (alert["component"], alert["fault_class"]) == ("device", "unreachable")
    assert (alert["state"], alert["active"]) == ("unacknowledged", True)
    ticket = world.ticket()
    assert ticket.assignee_id == world.engineer
    assert ticket.failed_at == world.clock.now()

    world.pass_time(minutes=5)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["state"], alert["active"]) == ("returned_unacknowledged", False)
    assert world.ticket().state == "repaired"
    assert world.rows("SELECT FROM failure") == []  # a lost network breaks no part


def test_what_is_stored_is_judged_once(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    assert world.evaluate() == 1
    assert world.evaluate() == 0
    assert world.rows("SELECT FROM pending_sign") == []


def test_a_device_that_is_not_adopted_raises_nothing(world: World) -> None:
    world.transition(world.stranger, "down", Cause.MISSED_HEARTBEATS)
    world.event(world.stranger, PRINTER, "paperOut")
    world.predict(world.stranger, PRINTER, 0.9)
    world.gauge(world.stranger, "x.LogFill", 99)
    assert world.evaluate() == 0
    assert world.alerts() == []
    assert world.rows("SELECT FROM pending_sign") == []


def test_a_critical_event_and_the_downtime_it_causes_are_one_fault(world: World) -> None:
    world.event(world.kiosk, PRINTER, "mechanicalFailure", "critical")
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["component"], alert["fault_class"]) == (PRINTER, "breakdown")
    assert alert["signs"] == 2
    assert len(world.rows("SELECT FROM failure")) == 1
    assert world.kinds() == ["opened", "sign"]


def test_a_device_that_names_no_part_is_explained_by_the_part_known_to_be_broken(
    world: World,
) -> None:
    world.event(world.kiosk, PRINTER, "mechanicalFailure", "critical")
    world.transition(world.kiosk, "down", Cause.REPORTED, detail="hardwareError")
    world.evaluate()
    assert [alert["component"] for alert in world.alerts()] == [PRINTER]


def test_a_foretold_failure_that_comes_is_on_the_same_ticket(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.8)
    world.evaluate()
    ticket = world.ticket()
    assert ticket.origin == "prediction"
    assert ticket.predicted_at == world.clock.now()
    assert ticket.failed_at is None
    assert str(ticket.title) == "Likely to fail within 24 h (80 %): 9 failed cuts"
    [opened] = world.events(ticket.id)
    assert opened.data["reasons"] == [REASON.to_json()]
    assert "print a test page" in opened.data["first_steps"]
    assert opened.data["part"] == "printer mechanism with cutter"

    world.pass_time(hours=6)
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    failed = world.ticket()
    assert failed.id == ticket.id
    assert failed.failed_at == world.clock.now()
    assert failed.severity is Severity.CRITICAL
    assert world.kinds() == ["opened", "failed"]
    [failure] = world.rows("SELECT * FROM failure")
    assert (failure["component"], failure["source"]) == (PRINTER, "transition")

    world.pass_time(hours=3)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    assert world.ticket().state == "repaired"
    assert world.alerts()[0]["active"] is False
    [repair] = world.rows("SELECT * FROM maintenance")
    assert (repair["component"], repair["action"]) == (PRINTER, "repaired")


def test_silence_joins_the_foretold_failure_of_a_part_that_silences(world: World) -> None:
    world.predict(world.clock_device, "powerSupply", 0.7)
    world.evaluate()
    world.pass_time(hours=2)
    world.transition(world.clock_device, "down", Cause.POLL_FAILED, detail="timeout")
    world.evaluate()
    ticket = world.ticket()
    assert (world.fault().component, ticket.failed_at) == ("powerSupply", world.clock.now())


def test_silence_does_not_join_the_foretold_failure_of_another_part(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.7)
    world.evaluate()
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    world.evaluate()
    assert {ticket.fault and ticket.fault.fault_class for ticket in world.tickets()} == {
        FaultClass.BREAKDOWN,
        FaultClass.UNREACHABLE,
    }


def test_a_prediction_returns_after_two_calm_scorings_in_a_row(world: World) -> None:
    for probability, active in [(0.8, True), (0.1, True), (0.4, True), (0.2, True), (0.1, False)]:
        world.predict(world.kiosk, PRINTER, probability)
        world.evaluate()
        assert world.alerts()[0]["active"] is active, probability
        world.pass_time(minutes=30)
    assert world.ticket().returned_at is not None
    assert world.ticket().state == "new"  # its horizon is not over yet


def test_a_repeated_prediction_adds_no_entry_but_keeps_the_alert_up_to_date(world: World) -> None:
    for probability in (0.6, 0.7, 0.9):
        world.predict(world.kiosk, PRINTER, probability)
        world.evaluate()
        world.pass_time(minutes=30)
    [alert] = world.alerts()
    assert alert["signs"] == 3
    assert alert["probability"] > 0.89
    assert world.kinds() == ["opened"]


def test_a_repaired_part_is_not_foretold_to_fail_for_a_while(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    world.pass_time(hours=1)
    world.predict(world.kiosk, PRINTER, 0.99)
    assert world.evaluate() == 0
    assert world.alerts()[0]["active"] is False


def test_after_the_settling_a_prediction_opens_the_next_case(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    first = world.ticket()
    world.pass_time(hours=25)
    world.predict(world.kiosk, PRINTER, 0.99)
    world.evaluate()
    assert world.ticket().repeat_of == first.id
    assert [ticket.state for ticket in world.tickets(only_open=False)] == ["closed", "new"]


def test_a_code_that_takes_the_fault_back_ends_its_alert(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    assert world.fault().fault_class is FaultClass.CONSUMABLE
    world.event(world.kiosk, "billAcceptor", "paperOk")  # another part's
    world.evaluate()
    assert world.alerts()[0]["active"] is True
    world.event(world.kiosk, PRINTER, "paperOk")
    world.evaluate()
    assert world.alerts()[0]["active"] is False
    assert world.ticket().state == "repaired"
    assert world.rows("SELECT FROM maintenance") == []  # paper is no repair


def test_a_warning_is_shown_and_opens_no_ticket_until_it_gets_worse(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.evaluate()
    assert world.alerts()[0]["severity"] == "warning"
    assert world.tickets() == []
    world.event(world.kiosk, PRINTER, "paperOut")
    world.evaluate()
    assert world.alerts()[0]["severity"] == "error"
    assert world.ticket().severity is Severity.ERROR


def test_an_unknown_code_counts_only_when_it_is_critical(world: World) -> None:
    world.event(world.kiosk, PRINTER, "error7", "error")
    assert world.evaluate() == 0
    world.event(world.kiosk, PRINTER, "error7", "critical")
    assert world.evaluate() == 1


def test_an_event_that_is_not_repeated_speaks_of_the_past(world: World) -> None:
    world.event(world.kiosk, PRINTER, "mechanicalFailure", "critical")
    world.evaluate()
    world.pass_time(hours=23)
    world.event(world.kiosk, PRINTER, "mechanicalFailure", "critical")
    world.evaluate()
    world.pass_time(hours=23)
    world.evaluate()
    assert world.alerts()[0]["active"] is True
    world.pass_time(hours=1)
    world.evaluate()
    assert world.alerts()[0]["active"] is False
    assert world.ticket().state == "new"  # nobody knows that it works again


def test_a_gauge_over_its_limit_returns_only_beyond_the_second_one(world: World) -> None:
    for value, active in [(95, True), (85, True), (79, False), (85, False), (91, True)]:
        world.gauge(world.clock_device, "x.LogFill", value)
        world.evaluate()
        assert world.alerts()[0]["active"] is active, value
        world.pass_time(minutes=5)
    assert world.ticket().state == "new"


def test_drift_counts_in_both_directions_and_opens_no_ticket(world: World) -> None:
    world.gauge(world.clock_device, "x.ClockDrift", -130)
    world.evaluate()
    [alert] = world.alerts()
    assert (alert["component"], alert["fault_class"]) == ("realTimeClock", "degraded")
    assert world.tickets() == []


def test_a_gauge_that_was_heard_long_ago_says_nothing(world: World) -> None:
    world.gauge(world.clock_device, "x.LogFill", 95)
    world.pass_time(hours=6)
    assert world.evaluate() == 0


def test_a_new_sign_of_a_repaired_fault_takes_the_same_case_up_again(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    world.pass_time(hours=1)
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    world.evaluate()
    assert world.ticket().state == "new"
    assert world.ticket().returned_at is None
    assert world.alerts()[0]["state"] == "unacknowledged"
    assert world.kinds() == ["opened", "returned", "moved", "failed", "moved"]


def test_a_returned_warning_that_nobody_looks_at_is_closed_after_a_day(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.event(world.kiosk, PRINTER, "paperOk")
    world.evaluate()
    assert world.alerts()[0]["state"] == "returned_unacknowledged"
    world.pass_time(hours=24)
    world.evaluate()
    assert world.alerts() == []


def test_each_change_of_an_alert_is_recorded_with_its_name(world: World) -> None:
    world.event(world.kiosk, PRINTER, "paperLow")
    world.event(world.kiosk, PRINTER, "paperOk")
    world.event(world.kiosk, PRINTER, "paperLow")
    world.evaluate()
    names = world.rows("SELECT name FROM alert_transition ORDER BY id")
    assert [row["name"] for row in names] == ["raise", "return", "raise"]
