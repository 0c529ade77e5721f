"""The clocks of random cases against an oracle that lives through them minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.case import Kind, TicketEvent
from desk.lifecycle import MOVES, TicketState
from desk.sla import Goal, Grade, Handling, Plan, Promise, SlaState, Start, Target, Terms, clocks
from domain.calendar import AROUND_THE_CLOCK, Calendar, Hours
from tests.desk.cases import MINUTE, NOON, at, case, named

NAMES = [
    (start, goal)
    for start in Start
    for goal in Goal
    if (start, goal) != (Start.ARRIVED, Goal.ARRIVED)
]
END = 60


def plan(name: str, minutes: int, pauses: frozenset[TicketState]) -> Plan:
    """A plan of all clocks there can be; some only for some faults and some places."""
    promises = []
    for number, (start, goal) in enumerate(NAMES):
        urban, other = Target((minutes + number % 3) * MINUTE), Target((minutes + 4) * MINUTE)
        promises.append(
            Promise(
                f"{start}-{goal}",
                "",
                start,
                goal,
                {"urban": urban} if number % 4 == 1 else {"urban": urban, "": other},
                frozenset({Handling.OPERATOR}) if number % 5 == 2 else frozenset(Handling),
                frozenset({Grade.MAJOR}) if number % 5 == 3 else frozenset(Grade),
            )
        )
    return Plan(name, name, tuple(promises), pauses=pauses)


CUSTOMER = frozenset({TicketState.WAITING_CUSTOMER})
ANY_WAIT = CUSTOMER | {TicketState.WAITING_PART}


@st.composite
def working_hours(draw: st.DrawFn) -> Calendar:
    """Hours around noon, to the minute."""
    if draw(st.booleans()):
        return AROUND_THE_CLOCK
    edges = sorted(draw(st.sets(st.integers(0, END), min_size=2, max_size=6)))
    hours: Hours = tuple(
        (43_200 + 60 * opens, 43_200 + 60 * closes)
        for opens, closes in zip(edges[::2], edges[1::2], strict=False)
    )
    return Calendar("random", ZoneInfo("UTC"), (hours,) * 7)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    made = plan(
        draw(st.sampled_from(["one", "two"])),
        draw(st.integers(1, 9)),
        draw(st.sampled_from([CUSTOMER, ANY_WAIT, frozenset[TicketState]()])),
    )
    return Terms(made, draw(working_hours()), draw(st.sampled_from(["urban", "suburban"])))


@st.composite
def cases(draw: st.DrawFn) -> list[TicketEvent]:
    foretold = draw(st.booleans())
    moves: list[tuple[float, str]] = []
    state, back, minute = TicketState.NEW, TicketState.NEW, 0
    for _ in range(draw(st.integers(0, 10))):
        minute += draw(st.integers(0, 5))
        names = [name for name, move in MOVES.items() if state in move.sources] + ["worse"]
        if foretold and not state.done:
            names.append("failed")
        if state.ended:
            break
        name = draw(st.sampled_from(names))
        moves.append((minute, name))
        if name in MOVES:
            state, back = MOVES[name].target or back, back if state.waiting else state
    return case(
        *moves,
        foretold=foretold,
        fault_class=draw(st.sampled_from(["breakdown", "consumable"])),
    )


class Life:
    """One clock, lived through: a slow and plain telling of what it is to do."""

    def __init__(self, promise: Promise) -> None:
        self.promise = promise
        self.terms: Terms | None = None
        self.used = 0
        self.late = False
        self.met = False

    def hear(self, so_far: Sequence[TicketEvent], terms: Terms) -> None:
        """One event more has come, now."""
        mine = [each for each in terms.plan.promises if each.name == self.promise.name]
        if self.terms is None and mine and called_for(so_far, mine[0], terms):
            was_called_for = called_for(so_far[:-1], mine[0], terms)
            if not was_called_for:
                self.terms, self.promise = terms, mine[0]
        self.met = is_reached(so_far, self.promise.goal)

    def pass_minute(self, state: TicketState, minute: int) -> None:
        """The minute that begins with `minute` goes by."""
        if self.terms is None or self.met or state in self.terms.plan.pauses:
            return
        if self.used >= self.target:
            self.late = True
        self.used += self.terms.calendar.is_open(at(minute))

    @property
    def target(self) -> int:
        assert self.terms is not None
        target = self.promise.target(self.terms.region_class)
        assert target is not None
        return int(target.limit / MINUTE)


def called_for(so_far: Sequence[TicketEvent], promise: Promise, terms: Terms) -> bool:
    if not so_far or promise.target(terms.region_class) is None:
        return False
    operator = so_far[0].data["fault_class"] == "consumable"
    major = any(event.data.get("severity") == "critical" for event in so_far)
    if (Handling.OPERATOR if operator else Handling.MAINTENANCE) not in promise.handlings:
        return False
    if (Grade.MAJOR if major else Grade.ORDINARY) not in promise.grades:
        return False
    if promise.start is Start.ARRIVED:
        return any(event.to_state == "on_site" for event in so_far)
    failed = any(event.kind is Kind.FAILED for event in so_far)
    return promise.start is Start.OPENED or failed or so_far[0].data["predicted_at"] is None


def is_reached(so_far: Sequence[TicketEvent], goal: Goal) -> bool:
    states = {str(event.to_state) for event in so_far}
    if so_far[-1].to_state in ("repaired", "verified", "closed", "cancelled"):
        return True
    there, helped = "on_site" in states, "remote_diagnosis" in states
    match goal:
        case Goal.PLANNED:
            return states != {"new"}
        case Goal.HELPED:
            return there or helped
        case Goal.SET_OUT:
            return there or "under_way" in states
        case Goal.ARRIVED:
            return there
    return False


@settings(max_examples=300, deadline=None)
@given(
    events=cases(),
    now=st.integers(0, END),
    first=terms(),
    second=terms(),
    changes=st.integers(0, END),
)
def test_the_clocks_agree_with_living_through_the_minutes(
    events: list[TicketEvent], now: int, first: Terms, second: Terms, changes: int
) -> None:
    if first.plan.name == second.plan.name:
        second = replace(second, plan=replace(second.plan, name="other"))

    def terms_at(moment: object) -> Terms:
        return second if moment >= at(changes) else first  # type: ignore[operator]

    lives = {
        f"{start}-{goal}": Life(promise)
        for (start, goal), promise in zip(NAMES, first.plan.promises, strict=True)
    }
    heard = 0
    for minute in range(now + 1):
        while heard < len(events) and events[heard].at <= at(minute):
            heard += 1
            for life in lives.values():
                life.hear(events[:heard], terms_at(at(minute)))
        if minute < now:
            for life in lives.values():
                life.pass_minute(TicketState(events[heard - 1].to_state), minute)
    found = named(clocks(events, terms_at, at(now)))
    for name, life in lives.items():
        if life.terms is None:
            assert name not in found
            continue
        clock = found[name]
        assert clock.used == life.used * MINUTE, name
        assert clock.plan == life.terms.plan.name
        expected = SlaState.MET if life.met else SlaState.RUNNING
        assert clock.state is (SlaState.BREACHED if life.late else expected), name
    assert set(found) == {name for name, life in lives.items() if life.terms is not None}


@settings(max_examples=100, deadline=None)
@given(events=cases(), now=st.integers(0, END), agreed=terms(), later=st.integers(1, 30))
def test_a_clock_that_nothing_happens_to_is_breached_just_when_it_said(
    events: list[TicketEvent], now: int, agreed: Terms, later: int
) -> None:
    """The worker sleeps until `due_at` and `warn_at`: they must not come early or late."""
    known = [event for event in events if event.at <= at(now)]
    then = at(now + later)
    for clock in clocks(known, lambda _: agreed, at(now)):
        if clock.met_at is not None or clock.state is SlaState.BREACHED:
            continue
        after = named(clocks(known, lambda _: agreed, then))[clock.name]
        paused = known[-1].to_state in agreed.plan.pauses
        assert (after.state is SlaState.BREACHED) == (not paused and then > clock.due_at)
        assert paused or (after.due_at, after.warn_at) == (clock.due_at, clock.warn_at)


def test_the_oracle_knows_a_late_clock() -> None:
    """Else the property above could hold of nothing."""
    life = Life(Promise("x", "", Start.OPENED, Goal.PLANNED, {"": Target(timedelta(minutes=2))}))
    life.hear(case(), Terms(Plan("p", "p", (life.promise,)), AROUND_THE_CLOCK, "urban"))
    for minute in range(2):
        life.pass_minute(TicketState.NEW, minute)
    assert not life.late
    life.pass_minute(TicketState.NEW, 2)
    assert (life.late, NOON) == (True, at(0))
