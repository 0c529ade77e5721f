"""The rules of state against an oracle that looks at every second by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.device import Cause, DeviceState, ReportedState, Transition
from domain.report import Contact, DeviceReport, Identity
from pipeline.state import Status, Step, hear, lose_sight, miss, telling

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
END = 80  # seconds

UP, DOWN, UNWATCHED = DeviceState.UP, DeviceState.DOWN, DeviceState.UNWATCHED
BROKEN = ReportedState.HARDWARE_ERROR


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@dataclass(frozen=True, slots=True)
class History:
    """What happens to a device that promises a word every `interval` seconds.

    `said`: second -> the state it claimed, or None for a plain heartbeat. `away`: the seconds at
    which the collector did not listen; messages of that time are lost.
    """

    interval: int
    said: Mapping[int, ReportedState | None]
    away: frozenset[int]

    def heard(self) -> dict[int, ReportedState | None]:
        return {second: self.said[second] for second in sorted(self.said.keys() - self.away)}


@st.composite
def histories(draw: st.DrawFn) -> History:
    seconds = st.integers(1, END - 1)
    claims = st.sampled_from([None, None, None, ReportedState.ONLINE, BROKEN])
    breaks = draw(st.lists(st.tuples(seconds, st.integers(1, 15)), max_size=3))
    away = {s for begin, length in breaks for s in range(begin, min(begin + length, END))}
    said = draw(st.dictionaries(seconds, claims, max_size=40))
    return History(draw(st.integers(1, 5)), said, frozenset(away))


def play(history: History) -> list[Transition]:
    """The history through the rules, second by second, as collector and sweep would do it."""
    status = Status(1, "mqtt", UNWATCHED, at(0))
    made: list[Step] = []
    watching_since = at(0)
    for second in range(1, END + 1):
        if second in history.away:
            continue
        if second - 1 in history.away:
            left = max((s for s in range(second) if s not in history.away), default=0)
            made.append(lose_sight(status, at(left), Cause.COLLECTOR_AWAY))
            status, watching_since = made[-1].status, at(second)
        if second in history.said:
            report = message(second, history.said[second], history.interval)
            made.append(hear(status, report, "mqtt", new_session=status.seq == 0))
            status = made[-1].status
        made.append(miss(status, at(second), watching_since))
        status = made[-1].status
    return [step.transition for step in made if step.transition]


def message(second: int, claim: ReportedState | None, interval: float) -> DeviceReport:
    contact = Contact(interval_s=interval, reported=claim)
    return DeviceReport("d", at(second), at(second), Identity("boot", second), contact)


def oracle(history: History, second: int) -> DeviceState:
    """The state during `second`, knowing the whole history."""
    stretch = next((s for s in stretches(history) if s[0] <= second < s[1]), None)
    if stretch is None:
        return UNWATCHED
    begin, end = stretch
    heard = history.heard()
    ever = [s for s in heard if s <= second]
    spoken = [s for s in ever if s >= begin]
    last = max(spoken, default=begin)
    following = min((s for s in heard if second < s <= end), default=END + 1)
    judged = last + 3 * history.interval
    silent = bool(ever) and judged <= end and following > judged
    if silent and second >= last + history.interval:
        return DOWN
    claims = [heard[s] for s in ever if heard[s]]
    if not spoken:
        return UNWATCHED
    return DOWN if claims and claims[-1] is BROKEN else UP


def stretches(history: History) -> list[tuple[int, int]]:
    """(first, last) second of each stretch in which the collector listened without a break."""
    listened = set(range(END + 1)) - history.away
    begins = sorted(s for s in listened if s - 1 not in listened)
    ends = sorted(s for s in listened if s + 1 not in listened)
    return list(zip(begins, ends, strict=True))


def state_at(made: list[Transition], second: int) -> DeviceState:
    states = [step.to_state for step in made if step.at <= at(second)]
    return states[-1] if states else UNWATCHED


@settings(max_examples=300, deadline=None)
@given(histories())
def test_every_second_has_the_state_that_the_oracle_gives_it(history: History) -> None:
    made = play(history)
    for second in range(END):
        assert state_at(made, second) is oracle(history, second), f"second {second}"


@settings(max_examples=200, deadline=None)
@given(histories())
def test_transitions_chain_without_gap_overlap_or_standstill(history: History) -> None:
    state, since = UNWATCHED, at(0)
    for made in play(history):
        assert made.from_state is state
        assert made.to_state is not state
        assert made.at >= since
        state, since = made.to_state, made.at


def up_since(second: int) -> Status:
    first = hear(
        Status(1, "mqtt", UNWATCHED, at(0)), message(second, None, 10), "mqtt", new_session=True
    )
    return first.status


def will(boot: str, second: int) -> DeviceReport:
    contact = Contact(is_will=True, reported=ReportedState.OFFLINE)
    return DeviceReport("d", at(second), at(second), Identity(boot, 0), contact)


def test_a_last_will_brings_the_deadline_near_and_no_more() -> None:
    status = up_since(1)
    warned = hear(status, will("boot", 2), "mqtt", new_session=False)
    assert warned == Step(replace(status, due_at=at(2 + 15)))


def test_a_last_will_of_an_earlier_session_is_ignored() -> None:
    status = up_since(1)
    assert hear(status, will("earlier", 2), "mqtt", new_session=False) == Step(status)


def test_a_wrong_device_clock_does_not_make_a_device_deaf() -> None:
    status = up_since(100)
    behind = replace(message(160, None, 10), at=at(160) - timedelta(hours=8))
    heard = hear(status, behind, "mqtt", new_session=False).status
    assert heard.last_seen_at == at(160)
    assert heard.due_at == at(190)


def test_a_new_session_is_newer_whatever_its_clock_says() -> None:
    status = up_since(100)
    rebooted = replace(message(101, BROKEN, 10), at=at(0), identity=Identity("second boot", 1))
    step = hear(status, rebooted, "mqtt", new_session=True)
    assert step.status.boot_id == "second boot"
    assert step.transition is not None
    assert (step.transition.to_state, step.transition.at) == (DOWN, at(100))


def test_an_old_sessions_straggler_changes_nothing() -> None:
    status = up_since(100)
    late = replace(message(200, BROKEN, 10), at=at(50), identity=Identity("earlier", 7))
    assert hear(status, late, "mqtt", new_session=False) == Step(status)


def test_a_poll_failed_at_the_moment_that_the_collector_says() -> None:
    heard = DeviceReport("d", at(10), at(10))
    status = hear(Status(1, "zk", UNWATCHED, at(0)), heard, "zk", new_session=False).status
    failed = DeviceReport("d", at(20), at(32), contact=Contact(reachable=False, detail="timeout"))
    step = hear(status, failed, "zk", new_session=False)
    assert step.transition == Transition(1, UP, DOWN, at(20), Cause.POLL_FAILED, "timeout")
    assert step.status.last_seen_at == at(10)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.sampled_from([None, None, None, None, None, ReportedState.ONLINE, BROKEN]),
            st.sampled_from([None, 10.0, 30.0]),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.sampled_from([UP, DOWN, UNWATCHED]),
    st.booleans(),
)
def test_of_a_stretch_only_the_telling_reports_need_be_heard(
    said: list[tuple[int, ReportedState | None, float | None, bool]],
    state: DeviceState,
    new_session: bool,
) -> None:
    reports, second = [], 0
    for number, (pause, reported, interval_s, is_will) in enumerate(said, 1):
        second += pause
        contact = Contact(interval_s=interval_s, reported=reported, is_will=is_will)
        reports.append(
            DeviceReport("d", at(second), at(second + 1), Identity("boot", number), contact)
        )
    begun = Status(1, "mqtt", state, at(0))
    assert _fold(begun, telling(reports), new_session) == _fold(begun, reports, new_session)


def _fold(
    status: Status, reports: Sequence[DeviceReport], new_session: bool
) -> tuple[Status, list[Transition]]:
    transitions = []
    for report in reports:
        step = hear(status, report, "mqtt", new_session=new_session)
        status = step.status
        transitions += [step.transition] if step.transition else []
    return status, transitions
