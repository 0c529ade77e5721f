"""The clocks of a case: what starts, stops and pauses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.case import Kind
from desk.contracts import shipped
from desk.lifecycle import TicketState
from desk.sla import Hold, SlaState, Terms, clocks
from desk.sla.clocks import FaultKind, kind_of
from domain.calendar import AROUND_THE_CLOCK, DAY_OFF, Calendar
from domain.fault import Grade, Handling
from domain.report import Severity
from tests.desk.cases import MINUTE, NOON, at, case, named, under

KIOSK = shipped().plans["kiosk"]
OFFICE_PLAN = shipped().plans["kiosk_office"]
CLOCK = shipped().plans["clock"]
OFFICE = Calendar("office", ZoneInfo("UTC"), (((9 * 3600, 18 * 3600),),) * 5 + (DAY_OFF,) * 2)


def test_a_visit_in_time_meets_every_clock() -> None:
    events = case((30, "plan"), (60, "dispatch"), (200, "arrive"), (290, "repair"))
    found = named(clocks(events, under(KIOSK), at(1000)))
    assert list(found) == ["plan_of_action", "on_site", "repair", "total"]
    assert {clock.state for clock in found.values()} == {SlaState.MET}
    assert found["on_site"].due_at == at(240)
    assert found["on_site"].met_at == at(200)
    assert found["repair"].due_at == at(320)
    assert found["total"].remaining == timedelta(days=3) - 290 * MINUTE


def test_the_way_to_the_site_decides_when_the_engineer_is_due() -> None:
    due = {
        region: named(clocks(case(), under(KIOSK, region), at(1)))["on_site"].due_at
        for region in ("urban", "suburban", "other_city")
    }
    assert due == {"urban": at(240), "suburban": at(360), "other_city": at(24 * 60)}


def test_to_another_city_the_engineer_sets_out_within_an_hour() -> None:
    assert "set_out" not in named(clocks(case(), under(KIOSK), at(1)))
    events = case((10, "dispatch"), (50, "set_out"), (700, "arrive"))
    found = named(clocks(events, under(KIOSK, "other_city"), at(800)))
    assert (found["set_out"].state, found["set_out"].due_at) == (SlaState.MET, at(60))
    assert found["set_out"].met_at == at(50)


def test_who_can_help_himself_is_helped_by_telephone() -> None:
    events = case((5, "plan"), (20, "start_remote_diagnosis"), fault_class="consumable")
    found = named(clocks(events, under(KIOSK), at(100)))
    assert (found["phone_support"].due_at, found["phone_support"].met_at) == (at(30), at(20))
    assert "phone_support" not in named(clocks(case(), under(KIOSK), at(1)))


ARRIVED = ((10, "plan"), (20, "dispatch"), (100, "arrive"))


def test_a_breakdown_is_to_be_repaired_two_hours_after_the_arrival() -> None:
    """However severe it is for the customer: what paralyses one device is an ordinary repair."""
    found = named(clocks(case(*ARRIVED, severity="critical"), under(KIOSK), at(200)))
    assert found["repair"].due_at == at(100 + 120)
    assert "total_major" not in found


def test_a_fault_that_somebody_calls_major_has_ten_hours_from_the_arrival() -> None:
    for said in ((150, "major"), (5, "major")):
        events = case(*sorted((*ARRIVED, said)))
        found = named(clocks(events, under(KIOSK), at(200)))
        assert found["total_major"].due_at == at(100 + 600)
        assert "repair" not in found


def test_many_devices_at_once_are_a_major_fault() -> None:
    events = case(*ARRIVED)
    events[0] = replace(events[0], data={**events[0].data, "batch_id": 7})
    found = named(clocks(events, under(KIOSK), at(200)))
    assert "total_major" in found
    assert "repair" not in found
    assert kind_of(events, under(KIOSK)) == FaultKind(Handling.MAINTENANCE, Grade.MAJOR)
    said = replace(events[-1], version=9, kind=Kind.CLASSIFIED, data={"grade": "ordinary"})
    assert kind_of([*events, said], under(KIOSK)).grade is Grade.ORDINARY


def test_what_was_missed_by_then_stays_missed_whatever_the_fault_is_called_afterwards() -> None:
    found = named(clocks(case(*ARRIVED, (221, "major")), under(KIOSK), at(300)))
    assert found["repair"].state is SlaState.BREACHED
    assert found["total_major"].state is SlaState.RUNNING
    in_time = clocks(case(*ARRIVED, (150, "repair"), (160, "major")), under(KIOSK), at(300))
    assert named(in_time)["repair"].state is SlaState.MET


def test_a_fault_that_turns_out_ordinary_was_to_be_repaired_since_the_arrival() -> None:
    events = case((5, "major"), *ARRIVED, (150, "ordinary"))
    found = named(clocks(events, under(KIOSK), at(200)))
    assert found["repair"].due_at == at(220)
    assert "total_major" not in found


def test_a_plan_may_say_that_severity_alone_makes_a_fault_major() -> None:
    strict = under(replace(KIOSK, major=Severity.CRITICAL))
    found = named(clocks(case(*ARRIVED, (130, "worse")), strict, at(140)))
    assert found["total_major"].started_at == at(100)
    assert "repair" not in found


def test_what_the_operator_turns_out_to_handle_is_helped_by_telephone() -> None:
    found = named(clocks(case((10, "operator")), under(KIOSK), at(20)))
    assert found["phone_support"].due_at == at(30)
    events = case((10, "maintenance"), fault_class="consumable")
    assert "phone_support" not in named(clocks(events, under(KIOSK), at(20)))


def test_a_unit_that_is_replaced_keeps_the_promise_of_the_repair() -> None:
    events = case(*ARRIVED, (190, "replace_unit"))
    assert named(clocks(events, under(KIOSK), at(300)))["repair"].met_at == at(190)
    assert kind_of(events, under(KIOSK)).handling is Handling.REPLACEMENT


def test_a_clock_runs_until_its_last_second_and_is_breached_after_it() -> None:
    def plan_of_action(now: datetime) -> SlaState:
        return named(clocks(case(), under(KIOSK), now))["plan_of_action"].state

    assert plan_of_action(at(40)) is SlaState.RUNNING
    assert plan_of_action(at(40) + timedelta(seconds=1)) is SlaState.BREACHED


def test_it_warns_when_the_aim_has_passed_or_a_share_of_the_time() -> None:
    found = named(clocks(case(), under(KIOSK), at(1)))
    assert found["on_site"].warn_at == at(120)  # 2 to 4 hours
    assert found["plan_of_action"].warn_at == at(30)


def test_waiting_for_the_customer_stops_the_clocks() -> None:
    events = case((10, "wait_for_customer"), (100, "resume"))
    waiting = named(clocks(events, under(KIOSK), at(50)))["on_site"]
    assert (waiting.hold, waiting.remaining) == (Hold.CUSTOMER, 230 * MINUTE)
    resumed = named(clocks(events, under(KIOSK), at(120)))["on_site"]
    assert (resumed.hold, resumed.due_at) == (None, at(330))


def test_waiting_for_a_part_does_not_unless_the_plan_says_so() -> None:
    events = case((10, "wait_for_part"))
    assert named(clocks(events, under(KIOSK), at(50)))["on_site"].due_at == at(240)
    kind = replace(KIOSK, pauses=KIOSK.pauses | {TicketState.WAITING_PART})
    paused = named(clocks(events, under(kind), at(50)))["on_site"]
    assert (paused.hold, paused.used) == (Hold.PART, 10 * MINUTE)


def test_a_foretold_failure_promises_a_visit_only_once_it_has_come() -> None:
    quiet = clocks(case(foretold=True), under(KIOSK), at(500))
    assert list(named(quiet)) == ["plan_of_action"]
    failed = clocks(case((300, "failed"), foretold=True), under(KIOSK), at(500))
    assert named(failed)["on_site"].due_at == at(540)


def test_what_is_repaired_from_afar_needs_no_visit() -> None:
    events = case((5, "start_remote_diagnosis"), (35, "repair"))
    found = named(clocks(events, under(KIOSK), at(5000)))
    assert "repair" not in found
    assert found["on_site"].state is SlaState.MET


def test_a_case_that_fails_again_is_not_done_and_the_time_it_was_well_is_not_counted() -> None:
    events = case((10, "restore"), (60, "fail_again"))
    total = named(clocks(events, under(KIOSK), at(100)))["total"]
    assert (total.state, total.met_at, total.used) == (SlaState.RUNNING, None, 50 * MINUTE)


def test_attendance_clocks_have_a_plan_of_their_own() -> None:
    book = shipped()
    assert book.usual("clock") is CLOCK
    assert book.usual("pos") is book.usual("machine") is KIOSK
    found = named(clocks(case(), under(CLOCK), at(1)))
    assert {name: clock.due_at for name, clock in found.items()} == {
        "respond": at(120),
        "resolve": at(24 * 60),
    }


# What people complain of in other systems.


def test_a_case_is_not_late_while_it_waits_for_the_customer() -> None:
    """glpi-project/glpi#10594: a ticket that is pending is shown as violating its SLA."""
    events = case((10, "wait_for_customer"))
    found = clocks(events, under(KIOSK), at(60 * 24 * 30))
    assert [clock.state for clock in found if clock.open] == [SlaState.RUNNING] * 2
    assert {clock.used for clock in found if clock.open} == {10 * MINUTE}


def test_a_wait_over_a_weekend_counts_its_working_hours_only_once() -> None:
    """glpi-project/glpi#24481: weekends in a wait put the due date at a wrong day."""
    friday = datetime(2026, 3, 6, 16, tzinfo=UTC)
    events = case((60, "wait_for_customer"), (60 * 66, "resume"), since=friday)
    terms = under(OFFICE_PLAN, calendar=OFFICE)
    found = named(clocks(events, terms, friday + timedelta(days=4)))
    # 16:00-17:00 on Friday, then from Monday 10:00: 3 hours are left.
    assert found["on_site"].due_at == datetime(2026, 3, 9, 13, tzinfo=UTC)


def test_time_on_hold_is_taken_off_once() -> None:
    """frappe/erpnext#52489: each change of state while on hold takes the time off again."""
    once = case((10, "wait_for_customer"), (130, "resume"))
    twice = case(
        (10, "wait_for_customer"), (70, "resume"), (70, "wait_for_customer"), (130, "resume")
    )
    noted = [*once[:2], replace(once[1], version=3, at=at(60)), replace(once[2], version=4)]
    found = [
        named(clocks(events, under(KIOSK), at(200)))["on_site"] for events in (once, twice, noted)
    ]
    assert {clock.used for clock in found} == {80 * MINUTE}
    assert {clock.due_at for clock in found} == {at(240 + 120)}


def test_outside_working_hours_a_clock_stands_still() -> None:
    friday = datetime(2026, 3, 6, 17, tzinfo=UTC)
    terms = under(OFFICE_PLAN, calendar=OFFICE)
    saturday = named(clocks(case(since=friday), terms, friday + timedelta(days=1)))["on_site"]
    assert (saturday.hold, saturday.remaining) == (Hold.CLOSED, 180 * MINUTE)
    assert saturday.due_at == datetime(2026, 3, 9, 12, tzinfo=UTC)


# A plan that changes in the middle.


def test_a_clock_keeps_the_terms_under_which_it_started() -> None:
    before, after = Terms(KIOSK, AROUND_THE_CLOCK, "urban"), Terms(OFFICE_PLAN, OFFICE, "urban")
    events = case((10, "plan"), (20, "dispatch"), (200, "arrive"))
    found = named(clocks(events, lambda at_: after if at_ >= at(100) else before, at(250)))
    assert {name: clock.plan for name, clock in found.items()} == {
        "plan_of_action": "kiosk",
        "on_site": "kiosk",
        "repair": "kiosk_office",
        "total": "kiosk",
    }
    assert found["total"].due_at == NOON + timedelta(days=3)
    assert found["repair"].due_at == at(320)


def test_a_change_of_plan_alone_starts_and_ends_nothing() -> None:
    before, after = Terms(CLOCK, AROUND_THE_CLOCK, "urban"), Terms(KIOSK, AROUND_THE_CLOCK, "urban")
    events = case((10, "plan"), (200, "dispatch"))
    found = clocks(events, lambda at_: after if at_ >= at(100) else before, at(300))
    assert [clock.name for clock in found] == ["respond", "resolve"]
