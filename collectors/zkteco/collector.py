"""Polls the clocks that are due, for as long as it is let."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog

from collectors.zkteco.fleet import COLLECTOR, ClockFleet, Outcome
from collectors.zkteco.job import Failure
from collectors.zkteco.live import LiveListener
from collectors.zkteco.pool import Done, WorkerPool
from collectors.zkteco.reporting import answered, failed
from domain.clock import Clock
from domain.errors import BadInputError, StoreUnavailableError
from domain.report import Watch

BEAT_EVERY_S = 2.0

_TURN_S = 0.1
_CLAIM_EVERY_S = 0.1  # as many as workers are idle then
_SETTLE_EVERY_S = 0.2  # one transaction for what ended meanwhile costs little more than for one
_MOST_UNSETTLED = 64
_BACK_OFF_S = 1.0

_log = structlog.get_logger()


class ClockCollector:
    """Claims due clocks, polls them in worker processes, settles what came of it.

    Any number of collectors may share a fleet. Seconds here are the wall's: `timeout_s` limits each
    wait for a clock, `deadline_s` a whole poll.
    """

    def __init__(
        self,
        fleet: ClockFleet,
        watch: Watch,
        clock: Clock,
        workers: int = 8,
        *,
        timeout_s: float = 5.0,
        deadline_s: float = 45.0,
    ) -> None:
        self._fleet = fleet
        self._watch = watch
        self._clock = clock
        self._workers = workers
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._next_beat = self._next_claim = self._next_settling = 0.0
        self._unsettled: list[Outcome] = []

    def run(self, stop: Event) -> None:
        """Polls until `stop` is set; what is under way then is given up, for others to poll."""
        live = LiveListener(self._fleet, self._timeout_s)
        listener = Thread(target=live.run, args=[stop], daemon=True)
        listener.start()
        with WorkerPool(
            self._workers, timeout_s=self._timeout_s, deadline_s=self._deadline_s
        ) as pool:
            while not stop.is_set():
                try:
                    self._turn(pool)
                except StoreUnavailableError as error:
                    _log.warning("store unavailable", error=str(error))
                    stop.wait(_BACK_OFF_S)
        listener.join()
        self._release()

    def _turn(self, pool: WorkerPool) -> None:
        """New polls begin before old ones are settled, so that workers are busy meanwhile."""
        self._unsettled += [self._outcome(done) for done in pool.finished(_TURN_S)]
        self._beat()
        # While the store is away nothing is claimed: what is in memory stays bounded.
        room = pool.idle and len(self._unsettled) < _MOST_UNSETTLED
        if room and time.monotonic() >= self._next_claim:
            for target in self._fleet.claim(pool.idle, self._room_for_doubtful(pool)):
                pool.begin(target)
            self._next_claim = time.monotonic() + _CLAIM_EVERY_S
        if self._unsettled and time.monotonic() >= self._next_settling:
            self._settle()
            self._next_settling = time.monotonic() + _SETTLE_EVERY_S

    def _room_for_doubtful(self, pool: WorkerPool) -> int:
        """Clocks that failed last time hold a worker until a wait ends: no more than half of them."""
        return max(1, self._workers // 2) - pool.doubtful

    def _release(self) -> None:
        try:
            self._fleet.release()
        except StoreUnavailableError as error:
            _log.warning("leases left to run out", error=str(error))

    def _beat(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._watch.beat(COLLECTOR)
            self._next_beat = time.monotonic() + BEAT_EVERY_S

    def _settle(self) -> None:
        try:
            self._fleet.settle(self._unsettled)
        except BadInputError:
            self._settle_singly(self._unsettled)
        self._unsettled = []

    def _settle_singly(self, outcomes: Sequence[Outcome]) -> None:
        """One clock's unfit value holds up no other clock; its lease runs out and it is polled anew."""
        for outcome in outcomes:
            try:
                self._fleet.settle([outcome])
            except BadInputError as error:
                _log.error("poll not stored", clock=outcome.target.address, error=str(error))

    def _outcome(self, done: Done) -> Outcome:
        target, began, result = done
        if isinstance(result, Failure):
            _log.info("poll failed", clock=target.address, reason=result.reason, why=result.message)
            return failed(target, result, self._moment(began), self._clock.now())
        return answered(target, result, self._clock.now(), self._moment(result.asked_at))

    def _moment(self, wall: float) -> datetime:
        """The clock's time when the wall's clock showed `wall`, a short while ago."""
        passed = (time.time() - wall) * self._clock.speed
        return self._clock.now() - timedelta(seconds=passed)
