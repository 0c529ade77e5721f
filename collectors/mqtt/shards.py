"""The topics in shards, each one session on the broker, shared among the collectors that are alive."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from collectors.mqtt.settings import COLLECTOR, check_filter
from domain.errors import ConfigurationError, ForecallError, StoreUnavailableError

LEASE_S = 6.0
"""Wall seconds that a shard stays with a collector that gives no sign of life."""

_TURN_S = 1.5
_ENDS_WITHIN_S = 30.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the topics.

    Attributes:
        name: of small letters, digits and -; empty: the only shard.
        topics: its filters; none: everything.

    Raises ConfigurationError when one of them is not allowed.
    """

    name: str = ""
    topics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name and not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"mqtt_shards: {self.name[:80]!r}; allowed: 1 to 32 of a-z 0-9 -"
            )
        if self.name and not self.topics:
            raise ConfigurationError(f"mqtt_shards: {self.name} has no topics; name at least one")
        for topic in self.topics:
            check_filter(topic)

    @property
    def collector(self) -> str:
        """Its name in the store: each shard watches its own devices."""
        return f"{COLLECTOR}:{self.name}" if self.name else COLLECTOR

    def client_id(self, base: str) -> str:
        """The name of its session on the broker, whoever holds it."""
        return f"{base}-{self.name}" if self.name else base


@dataclass(frozen=True, slots=True)
class Holding:
    """The names of the shards that are leased to us, and of those of them that others wait for."""

    held: frozenset[str]
    surplus: frozenset[str] = frozenset()


class ShardLeases(Protocol):
    """Where shards are claimed; `pipeline.shards` keeps it. All raise StoreUnavailableError."""

    def renew(self) -> Holding:
        """Says that we are alive, renews what we hold, and claims what falls to us.

        What was held and is not any more has been taken over: its session must be closed.
        """
        ...

    def give_up(self, names: frozenset[str]) -> None:
        """Gives leases back, once their sessions are closed."""
        ...

    def leave(self) -> None:
        """Gives all of them back and shares no longer."""
        ...


Collect = Callable[[threading.Event], None]
"""Collects from one shard until the event is set: `MqttCollector.run`."""


class _Work:
    """One shard's collector in a thread."""

    def __init__(self, shard: Shard, collect: Collect) -> None:
        self._stop = threading.Event()
        self._collect = collect
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=shard.collector)
        self._thread.start()

    def check(self) -> None:
        """Raises what ended it."""
        if not self._thread.is_alive():
            why = self._error or "without an error"
            raise ForecallError(f"{self._thread.name} has ended by itself: {why}") from self._error

    def ask_to_stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        self._thread.join(_ENDS_WITHIN_S)

    def _run(self) -> None:
        try:
            self._collect(self._stop)
        except Exception as error:  # noqa: BLE001 - kept for the thread that watches over this one
            self._error = error


class ShardRunner:
    """Runs a collector for each shard that is leased to us, and no other.

    A shard's client id is fixed, so whoever opens its session gets all that was not acknowledged
    before. Without a lease a session is closed: two that hold one client id would throw each
    other out for ever.
    """

    def __init__(
        self, shards: Sequence[Shard], leases: ShardLeases, collecting: Callable[[Shard], Collect]
    ) -> None:
        self._shards = {shard.name: shard for shard in shards}
        self._leases = leases
        self._collecting = collecting
        self._works: dict[str, _Work] = {}
        self._renewed = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Collects until `stop` is set. Raises ForecallError when a collector fails."""
        try:
            while not stop.is_set():
                self._turn()
                stop.wait(_TURN_S)
        finally:
            self._end(frozenset(self._works))
            self._leave()

    def _turn(self) -> None:
        asked = time.monotonic()
        try:
            holding = self._leases.renew()
            self._renewed = asked
            self._follow(holding)
        except StoreUnavailableError as error:
            _log.warning("leases_not_renewed", error=str(error))
            if time.monotonic() - self._renewed > LEASE_S:
                self._end(frozenset(self._works))
        for work in self._works.values():
            work.check()

    def _follow(self, holding: Holding) -> None:
        self._end(frozenset(self._works) - holding.held | holding.surplus)
        if holding.surplus:
            self._leases.give_up(holding.surplus)
        for name in sorted(holding.held - holding.surplus - self._works.keys()):
            _log.info("shard_taken", shard=name)
            shard = self._shards[name]
            self._works[name] = _Work(shard, self._collecting(shard))

    def _end(self, names: frozenset[str]) -> None:
        """Closes sessions; the broker hands what they had not acknowledged to the next holder."""
        ended = {name: self._works.pop(name) for name in names & self._works.keys()}
        for name, work in ended.items():
            _log.info("shard_left", shard=name)
            work.ask_to_stop()
        for work in ended.values():
            work.join()

    def _leave(self) -> None:
        try:
            self._leases.leave()
        except StoreUnavailableError as error:
            _log.warning("leases_left_to_run_out", error=str(error))
