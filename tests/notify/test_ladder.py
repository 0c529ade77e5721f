"""A notice, whatever happens to its case and in which order, against a simple model of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts.notify import ladder
from alerts.notify.ladder import Notice
from alerts.notify.policy import Step
from alerts.outbox import Topic

STEPS = tuple(Step(tell=("x",), by=("y",), after_min=after) for after in (0, 15, 45))
SETTLE = timedelta(minutes=5)


class Telling(RuleBasedStateMachine):
    """One fault that comes, goes, is seen and is muted; somebody looks every minute."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 2, tzinfo=UTC)
        self.active, self.seen, self.muted = True, False, False
        self.away_since: datetime | None = None
        self.steps_told: list[datetime] = []
        self.ends_told = 0
        self.notice: Notice | None = ladder.begin("alert/1", "r", STEPS, self.now)

    def _hear(self, topic: Topic) -> None:
        if self.notice is not None:
            self.notice = ladder.hear(
                self.notice, topic, self.now, STEPS, held=self.muted, settle=SETTLE
            )
        elif topic is Topic.ALERT_RAISED:
            self.notice = ladder.begin("alert/1", "r", STEPS, self.now)
            self.steps_told = []

    @precondition(lambda self: self.active)
    @rule()
    def goes_away(self) -> None:
        self.active, self.away_since = False, self.now
        self._hear(Topic.ALERT_RETURNED)

    @precondition(lambda self: not self.active and not self.muted)
    @rule()
    def comes_back(self) -> None:
        self.active, self.away_since, self.seen = True, None, False
        self._hear(Topic.ALERT_RAISED)

    @precondition(lambda self: self.active and not self.seen)
    @rule()
    def is_acknowledged(self) -> None:
        self.seen = True
        self._hear(Topic.ALERT_ACKNOWLEDGED)

    @precondition(lambda self: not self.muted)
    @rule()
    def is_muted(self) -> None:
        self.muted = True
        self._hear(Topic.ALERT_CHANGED)

    @precondition(lambda self: self.muted)
    @rule()
    def is_heard_again(self) -> None:
        self.muted = False
        wants = self.active and not self.seen
        self._hear(Topic.ALERT_RAISED if wants else Topic.ALERT_CHANGED)

    @rule(minutes=st.integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            self._look()

    def _look(self) -> None:
        notice = self.notice
        if notice is None or notice.next_at is None or notice.next_at > self.now:
            return
        if notice.returned_at is not None:
            assert not self.active, "an end was told while the fault is there"
            assert self.away_since is not None
            assert self.now - self.away_since >= SETTLE
            self.ends_told += 1
            self.notice = None
            return
        assert self.active, "a fault was told that is away"
        assert not self.muted, "a fault was told that is muted"
        assert not self.seen, "a fault was told that was acknowledged"
        self.steps_told.append(self.now)
        self.notice = ladder.climbed(notice, STEPS, self.now)

    @invariant()
    def each_step_once_and_in_its_distance(self) -> None:
        assert len(self.steps_told) <= len(STEPS)
        for place, (one, other) in enumerate(
            zip(self.steps_told, self.steps_told[1:], strict=False)
        ):
            wait = STEPS[place + 1].after_min - STEPS[place].after_min
            assert other - one >= timedelta(minutes=wait)

    @invariant()
    def nobody_is_left_waiting(self) -> None:
        """A fault that wants somebody, and has steps left, has a time for the next one."""
        notice = self.notice
        if self.active and not self.seen and not self.muted:
            assert notice is not None
            if notice.step < len(STEPS):
                assert notice.next_at is not None

    @invariant()
    def an_end_is_on_its_way(self) -> None:
        if self.notice is not None and not self.active:
            assert self.notice.next_at is not None


TestTelling = Telling.TestCase
TestTelling.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
