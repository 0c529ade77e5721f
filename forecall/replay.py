"""Plays recorded history through the broker as devices would have sent it, hour by hour.

Every hour goes the whole way before the next begins: published, collected, stored, rolled up, scored,
judged. Repairs and failures enter as what they are, somebody's records, once their hour is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.settings import COLLECTOR, BrokerSettings
from desk.cases import Cases
from desk.records import failure_recorded, maintenance_recorded
from desk.upkeep import tick
from domain.clock import ManualClock
from domain.errors import BadInputError, ForecallError, NotAllowedError
from domain.report import DeviceReport, Flow, Intake, IntakeResult, RejectedMessage, Watch
from forecall.replay_devices import Address, ReplayedFleet
from forecall.replay_figures import ReplayFigures, figures
from models.live.score import score
from pipeline.history import History
from pipeline.ingest import Ingest
from pipeline.rollups import refresh
from pipeline.sweep import sweep
from pipeline.watch import CollectorWatch
from storage.database import Database
from storage.queries import load

HOUR = timedelta(hours=1)
_SOURCE = "history"
_STORED_WITHIN_S = 120.0

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is behind it (0 to 1)."""


class ReplayClock(ManualClock):
    """Moves hour by hour; as fast as that, for all who pace themselves by the wall's time."""

    speed = 86_400.0


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What to play, and how.

    Attributes:
        speed: at most so many seconds of history in one of the wall's; 0: as fast as it goes.
        score_every: how often the fleet is scored, in history's time.
    """

    start: datetime
    end: datetime
    speed: float = 0.0
    score_every: timedelta = timedelta(hours=3)


def replay(
    database: Database,
    history: History,
    plan: ReplayPlan,
    broker: BrokerSettings,
    *,
    progress: Progress | None = None,
) -> ReplayFigures:
    """Plays `history` from `plan.start` until before `plan.end` and counts what was foretold.

    The devices must be there and adopted: import the folder up to `plan.start` before. Playing the
    same hours again stores nothing twice. Raises BadInputError when a device is missing, and
    NotAllowedError when the store is a live system's.
    """
    say = progress or (lambda _what, _share: None)
    _refuse_live(database, plan)
    clock = ReplayClock(plan.start)
    ids = _device_ids(database, history)
    awaited = Awaited(Ingest(database, clock, COLLECTOR))
    with _collecting(database, broker, clock, awaited), _fleet(history, plan, broker) as fleet:
        _Player(database, clock, history, ids, awaited, fleet).play(plan, say)
    return figures(database, history, ids, plan.start, plan.end)


class Awaited:
    """Passes batches on to `intake`, and lets the player wait until its messages are committed."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._awaited: set[Address] = set()
        self._changed = threading.Condition()
        self._rejected = ""

    def store(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage] = ()
    ) -> IntakeResult:
        result = self._intake.store(reports, rejected)
        with self._changed:
            self._rejected = rejected[0].reason if rejected else self._rejected
            for report in reports:
                if report.identity:
                    self._awaited.discard((report.device_key, report.identity.seq))
            self._changed.notify_all()
        return result

    def expect(self, addresses: Sequence[Address]) -> None:
        with self._changed:
            self._awaited.update(addresses)

    def wait(self) -> None:
        """Returns when all that is expected is stored. Raises ForecallError when it does not come."""
        with self._changed:
            stored = self._changed.wait_for(
                lambda: not self._awaited or bool(self._rejected), _STORED_WITHIN_S
            )
        if self._rejected:
            raise ForecallError(f"replay: a message was rejected: {self._rejected}")
        if not stored:
            raise ForecallError(f"replay: {len(self._awaited)} messages were not stored")


class _Listening:
    """A watch that also tells the player when the collector has begun to hear."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._beaten = threading.Event()

    def beat(self, collector: str, flow: Flow | None = None) -> None:
        self._watch.beat(collector, flow)
        self._beaten.set()

    def wait(self) -> None:
        if not self._beaten.wait(_STORED_WITHIN_S):
            raise ForecallError("replay: the collector does not reach the broker")


@dataclass(frozen=True, slots=True)
class _Player:
    database: Database
    clock: ReplayClock
    history: History
    ids: Sequence[int]
    awaited: Awaited
    fleet: ReplayedFleet

    def play(self, plan: ReplayPlan, say: Progress) -> None:
        hour, whole = plan.start, plan.end - plan.start
        next_score = plan.start
        while hour < plan.end:
            began = time.monotonic()
            say(f"{hour:%Y-%m-%d %H:%M}", (hour - plan.start) / whole)
            until = min(hour + HOUR, plan.end)
            self._live(hour, until)
            if until >= next_score:
                score(self.database, self.clock)
                next_score += plan.score_every
            evaluate(self.database, self.clock, Cases(self.clock), RuleBooks(), hold=timedelta())
            tick(self.database, self.clock)
            hour = until
            if plan.speed:
                time.sleep(max(0.0, HOUR.total_seconds() / plan.speed + began - time.monotonic()))

    def _live(self, start: datetime, end: datetime) -> None:
        self.clock.set(end)
        self.fleet.speak(start, end, self.awaited.expect)
        self.awaited.wait()
        sweep(self.database, self.clock)
        while refresh(self.database):
            pass
        self._records(start, end)

    def _records(self, start: datetime, end: datetime) -> None:
        database, clock = self.database, self.clock
        for at, device, component, _action in self.history.failures.between(start, end):
            failure_recorded(database, clock, self.ids[device], component, at, source=_SOURCE)
        for at, device, component, action in self.history.maintenance.between(start, end):
            maintenance_recorded(
                database, clock, self.ids[device], component, action, at, source=_SOURCE
            )


def _refuse_live(database: Database, plan: ReplayPlan) -> None:
    with database.transaction() as conn:
        row = conn.execute(load("replay")["beat_after"], {"end": plan.end}).fetchone()
    if row and row["at"]:
        raise NotAllowedError(
            f"replay: a collector of this store listened at {row['at']:%Y-%m-%d %H:%M}, after the "
            "replay's end; use a store of its own"
        )


def _device_ids(database: Database, history: History) -> list[int]:
    keys = [device.key for device in history.devices]
    with database.transaction() as conn:
        rows = conn.execute(load("replay")["devices"], {"keys": keys}).fetchall()
    known = {row["key"]: int(row["id"]) for row in rows}
    missing = [key for key in keys if key not in known]
    if missing:
        raise BadInputError(
            f"replay: device {missing[0]} and {len(missing) - 1} more are not known or not adopted; "
            "import the folder up to the start first"
        )
    return [known[key] for key in keys]


@contextmanager
def _collecting(
    database: Database, broker: BrokerSettings, clock: ReplayClock, intake: Intake
) -> Iterator[None]:
    """Runs the collector in a thread, as `forecall collect mqtt` does in a process."""
    stop = threading.Event()
    watch = _Listening(CollectorWatch(database, clock))
    collector = MqttCollector(broker, [JsonContract()], intake, watch, clock)
    thread = threading.Thread(target=collector.run, args=(stop,), name="collector", daemon=True)
    thread.start()
    try:
        watch.wait()
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _fleet(history: History, plan: ReplayPlan, broker: BrokerSettings) -> Iterator[ReplayedFleet]:
    fleet = ReplayedFleet(history, plan.start, broker)
    fleet.open()
    try:
        yield fleet
    finally:
        fleet.close()
