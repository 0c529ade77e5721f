"""The clocks of random cases against an oracle that lives through them minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.case import Kind, TicketEvent
from desk.lifecycle import MOVES, TicketState
from desk.sla import (
    Goal,
    Grade,
    Handling,
    Plan,
    Promise,
    SlaState,
    Start,
    Target,
    Terms,
    TermsAt,
    clocks,
)
from domain.calendar import AROUND_THE_CLOCK, Calendar, Hours
from domain.report import Severity
from tests.desk.cases import MINUTE, NOON, at, case, named, under

NAMES = [
    (start, goal)
    for start in Start
    for goal in Goal
    if (start, goal) != (Start.ARRIVED, Goal.ARRIVED)
]
END = 60


def plan(name: str, minutes: int, pauses: frozenset[TicketState], major: Severity | None) -> Plan:
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
    return Plan(name, name, tuple(promises), pauses=pauses, major=major)


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
        draw(st.sampled_from([None, Severity.CRITICAL])),
    )
    return Terms(made, draw(working_hours()), draw(st.sampled_from(["urban", "suburban"])))


@st.composite
def cases(draw: st.DrawFn) -> list[TicketEvent]:
    foretold = draw(st.booleans())
    moves: list[tuple[float, str]] = []
    state, back, minute = TicketState.NEW, TicketState.NEW, 0
    for _ in range(draw(st.integers(0, 10))):
        minute += draw(st.integers(0, 5))
        names = [name for name, move in MOVES.items() if state in move.sources] + [
            "worse",
            "major",
            "ordinary",
            "operator",
            "maintenance",
        ]
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

    def __init__(self, start: Start, goal: Goal) -> None:
        self.start, self.goal = start, goal
        self.terms: Terms | None = None
        self.used = 0
        self.late = False
        self.met = False

    def hear(self, so_far: Sequence[TicketEvent], terms_at: TermsAt) -> None:
        """One event more has come, now."""
        self.met = is_reached(so_far, self.goal)
        since = begin(so_far, self.start)
        if since is None:
            return
        terms = terms_at(at(since))
        called = called_for(so_far, self.promise(terms), terms)
        if called and self.terms is None:
            self.terms = terms
            self.live_again(so_far, since)
        elif not called and not self.met and not self.late:
            self.terms = None

    def live_again(self, so_far: Sequence[TicketEvent], since: int) -> None:
        """All that it would have counted, had it been known."""
        self.used, self.late = 0, False
        for minute in range(since, minute_of(so_far[-1])):
            known = [event for event in so_far if event.at <= at(minute)]
            self.met = is_reached(known, self.goal)
            self.pass_minute(TicketState(known[-1].to_state), minute)
        self.met = is_reached(so_far, self.goal)

    def pass_minute(self, state: TicketState, minute: int) -> None:
        """The minute that begins with `minute` goes by."""
        if self.terms is None or self.met or state in self.terms.plan.pauses:
            return
        if self.used >= self.target:
            self.late = True
        self.used += self.terms.calendar.is_open(at(minute))

    def promise(self, terms: Terms) -> Promise:
        [mine] = [one for one in terms.plan.promises if one.name == f"{self.start}-{self.goal}"]
        return mine

    @property
    def target(self) -> int:
        assert self.terms is not None
        target = self.promise(self.terms).target(self.terms.region_class)
        assert target is not None
        return int(target.limit / MINUTE)


def minute_of(event: TicketEvent) -> int:
    return int((event.at - NOON) / MINUTE)


def begin(so_far: Sequence[TicketEvent], start: Start) -> int | None:
    """The minute in which a clock's start came."""
    foretold = so_far[0].data["predicted_at"] is not None
    for event in so_far:
        begins = {
            Start.OPENED: event.kind is Kind.OPENED,
            Start.FAULT: event.kind is Kind.FAILED or (event.kind is Kind.OPENED and not foretold),
            Start.ARRIVED: event.to_state == "on_site",
        }
        if begins[start]:
            return minute_of(event)
    return None


def last_said(so_far: Sequence[TicketEvent], name: str) -> str | None:
    said = [event.data[name] for event in so_far if name in event.data]
    return said[-1] if said else None


def called_for(so_far: Sequence[TicketEvent], promise: Promise, terms: Terms) -> bool:
    usual = "operator" if so_far[0].data["fault_class"] == "consumable" else "maintenance"
    severe = any(event.data.get("severity") == "critical" for event in so_far)
    itself = "major" if severe and terms.plan.major is not None else "ordinary"
    return (
        promise.target(terms.region_class) is not None
        and (last_said(so_far, "handling") or usual) in promise.handlings
        and (last_said(so_far, "grade") or itself) in promise.grades
    )


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

    def terms_at(moment: datetime) -> Terms:
        return second if moment >= at(changes) else first

    lives = {f"{start}-{goal}": Life(start, goal) for start, goal in NAMES}
    heard = 0
    for minute in range(now + 1):
        while heard < len(events) and events[heard].at <= at(minute):
            heard += 1
            for life in lives.values():
                life.hear(events[:heard], terms_at)
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
    life = Life(Start.OPENED, Goal.PLANNED)
    two = {"": Target(timedelta(minutes=2))}
    promise = Promise("opened-planned", "", Start.OPENED, Goal.PLANNED, two)
    life.hear(case(), under(Plan("p", "p", (promise,))))
    for minute in range(2):
        life.pass_minute(TicketState.NEW, minute)
    assert not life.late
    life.pass_minute(TicketState.NEW, 2)
    assert (life.late, NOON) == (True, at(0))
