"""The clocks of a case against an oracle that looks at every minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.case import Kind, TicketEvent
from desk.lifecycle import MOVES, TicketState
from desk.sla import (
    CLOCK_PLAN,
    KIOSK_PLAN,
    Goal,
    Plan,
    Promise,
    SlaClock,
    SlaState,
    Start,
    clocks,
    plan_for,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def case(*moves: tuple[float, str], foretold: bool = False) -> list[TicketEvent]:
    """The history of a case opened at noon; `failed` stands among the moves for the failure."""
    data = {"predicted_at": NOON.isoformat() if foretold else None, "failed_at": None}
    events = [TicketEvent(1, 1, NOON, Kind.OPENED, "test", "", TicketState.NEW, data)]
    state = TicketState.NEW
    for minute, name in moves:
        kind, target, more = Kind.MOVED, state, dict[str, Any]()
        if name == "failed":
            kind = Kind.FAILED
        else:
            assert state in MOVES[name].sources, (state, name)
            target, more = MOVES[name].target or TicketState.PLANNED, {"move": name}
        version = len(events) + 1
        events.append(TicketEvent(1, version, at(minute), kind, "test", state, target, more))
        state = target
    return events


def named(found: Sequence[SlaClock]) -> dict[str, SlaClock]:
    return {clock.name: clock for clock in found}


def test_a_visit_in_time_meets_every_clock() -> None:
    events = case((30, "plan"), (60, "dispatch"), (200, "arrive"), (290, "repair"))
    found = named(clocks(events, KIOSK_PLAN, "urban", at(1000)))
    assert list(found) == ["plan_of_action", "on_site", "repair", "total"]
    assert {clock.state for clock in found.values()} == {SlaState.MET}
    assert found["on_site"].due_at == at(240)
    assert found["on_site"].met_at == at(200)
    assert found["repair"].due_at == at(320)
    assert found["total"].remaining == timedelta(days=3) - timedelta(minutes=290)


def test_the_way_to_the_site_decides_when_the_engineer_is_due() -> None:
    due = {
        region: named(clocks(case(), KIOSK_PLAN, region, at(1)))["on_site"].due_at
        for region in ("urban", "suburban", "other_city")
    }
    assert due == {"urban": at(240), "suburban": at(360), "other_city": at(24 * 60)}


def test_a_clock_runs_until_its_last_second_and_is_breached_after_it() -> None:
    def plan_of_action(now: datetime) -> SlaState:
        return named(clocks(case(), KIOSK_PLAN, "urban", now))["plan_of_action"].state

    assert plan_of_action(at(40)) is SlaState.RUNNING
    assert plan_of_action(at(40) + timedelta(seconds=1)) is SlaState.BREACHED


def test_waiting_for_the_customer_stops_the_clocks() -> None:
    events = case((10, "wait_for_customer"), (100, "resume"))
    waiting = named(clocks(events, KIOSK_PLAN, "urban", at(50)))["on_site"]
    assert (waiting.paused, waiting.remaining) == (True, timedelta(minutes=230))
    resumed = named(clocks(events, KIOSK_PLAN, "urban", at(120)))["on_site"]
    assert (resumed.paused, resumed.due_at) == (False, at(330))


def test_waiting_for_a_part_does_not() -> None:
    events = case((10, "wait_for_part"))
    assert named(clocks(events, KIOSK_PLAN, "urban", at(50)))["on_site"].due_at == at(240)


def test_a_foretold_failure_promises_a_visit_only_once_it_has_come() -> None:
    quiet = clocks(case(foretold=True), KIOSK_PLAN, "urban", at(500))
    assert list(named(quiet)) == ["plan_of_action"]
    failed = clocks(case((300, "failed"), foretold=True), KIOSK_PLAN, "urban", at(500))
    assert named(failed)["on_site"].due_at == at(540)


def test_what_is_repaired_from_afar_needs_no_visit() -> None:
    events = case((5, "start_remote_diagnosis"), (35, "repair"))
    found = named(clocks(events, KIOSK_PLAN, "urban", at(5000)))
    assert "repair" not in found
    assert found["on_site"].state is SlaState.MET


def test_a_case_that_fails_again_is_not_done() -> None:
    events = case((10, "restore"), (60, "fail_again"))
    total = named(clocks(events, KIOSK_PLAN, "urban", at(100)))["total"]
    assert (total.state, total.met_at) == (SlaState.RUNNING, None)


def test_attendance_clocks_have_a_plan_of_their_own() -> None:
    assert plan_for("clock") is CLOCK_PLAN
    assert plan_for("pos") is plan_for("machine") is KIOSK_PLAN
    found = named(clocks(case(), CLOCK_PLAN, "urban", at(1)))
    assert {name: clock.due_at for name, clock in found.items()} == {
        "respond": at(120),
        "resolve": at(24 * 60),
    }


def oracle(
    events: Sequence[TicketEvent], promise: Promise, region: str, now: int
) -> tuple[SlaState, int] | None:
    """Counts minutes: the state, and how many of the target's minutes are left (0: breached)."""
    target = int((promise.targets.get(region) or promise.targets[""]) / MINUTE)
    started, used, reached = False, 0, False
    for minute in range(now + 1):
        so_far = [event for event in events if event.at <= at(minute)]
        if started and not reached and so_far_state(events, minute - 1) != "waiting_customer":
            used += 1
        started = started or has_started(so_far, promise.start)
        reached = is_reached(so_far, promise.goal)
    if not started:
        return None
    if used > target:
        return SlaState.BREACHED, 0
    return (SlaState.MET if reached else SlaState.RUNNING), target - used


def so_far_state(events: Sequence[TicketEvent], minute: int) -> str:
    return [event for event in events if event.at <= at(minute)][-1].to_state


def has_started(so_far: Sequence[TicketEvent], start: Start) -> bool:
    if start is Start.OPENED:
        return True
    if start is Start.ARRIVED:
        return any(event.to_state == "on_site" for event in so_far)
    return so_far[0].data["predicted_at"] is None or any(e.kind is Kind.FAILED for e in so_far)


def is_reached(so_far: Sequence[TicketEvent], goal: Goal) -> bool:
    states = {event.to_state for event in so_far}
    done = so_far[-1].to_state in ("repaired", "verified", "closed", "cancelled")
    if goal is Goal.PLANNED:
        return states != {"new"}
    return done or (goal is Goal.ARRIVED and "on_site" in states)


SMALL_PLAN = Plan(
    "small",
    tuple(
        Promise(f"{start}-{goal}", "", start, goal, {"": 9 * MINUTE, "urban": 6 * MINUTE})
        for start in Start
        for goal in Goal
        if (start, goal) != (Start.ARRIVED, Goal.ARRIVED)
    ),
)
ONCE = sorted(set(MOVES) - {"fail_again"})


@st.composite
def cases(draw: st.DrawFn) -> list[TicketEvent]:
    foretold = draw(st.booleans())
    moves: list[tuple[float, str]] = []
    state, minute = TicketState.NEW, 0
    for _ in range(draw(st.integers(0, 8))):
        minute += draw(st.integers(0, 5))
        can = [name for name in ONCE if state in MOVES[name].sources]
        names = [*can, "failed"] if foretold and not state.done else can
        if not names:
            break
        name = draw(st.sampled_from(names))
        moves.append((minute, name))
        state = state if name == "failed" else MOVES[name].target or TicketState.PLANNED
    return case(*moves, foretold=foretold)


@settings(max_examples=300, deadline=None)
@given(events=cases(), now=st.integers(0, 40), region=st.sampled_from(["urban", "suburban"]))
def test_the_clocks_agree_with_counting_minutes(
    events: list[TicketEvent], now: int, region: str
) -> None:
    found = named(clocks(events, SMALL_PLAN, region, at(now)))
    for promise in SMALL_PLAN.promises:
        expected = oracle(events, promise, region, now)
        clock = found.get(promise.name)
        if expected is None:
            assert clock is None, promise.name
            continue
        assert clock is not None, promise.name
        left = max(int(clock.remaining / MINUTE), 0)
        assert (clock.state, left if clock.state is not SlaState.BREACHED else 0) == expected
