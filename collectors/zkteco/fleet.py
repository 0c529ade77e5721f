"""The seam between polling and the store: which clocks are due, and what became of their polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from collectors.zkteco.decode import AttendanceLog
from collectors.zkteco.known import Known
from domain.report import DeviceReport, RejectedMessage

COLLECTOR = "zkteco"


@dataclass(frozen=True, slots=True)
class PollTarget:
    """One clock that is due, leased to whoever got this.

    Attributes:
        device_key: the device's key in the store.
        time_zone: of the site, by its IANA name: what the clock should show.
        interval_s: seconds between polls, of the injected clock.
        serial: the clock that last answered at this address; empty: none yet.
        transport: `tcp` or `udp`.
        log_is_old: the attendance log was read so long ago that it is read again, whatever the
            clock claims to hold; and the clock is asked for its make.
        failures: failed polls in a row before this one; `failing_since`: the first one's moment.
        errors: failed polls, ever.
    """

    device_id: int
    device_key: str
    host: str
    port: int
    comm_key: int = field(default=0, repr=False)
    transport: str = "tcp"
    time_zone: str = "UTC"
    interval_s: float = 300.0
    serial: str = ""
    known: Known = field(default_factory=Known)
    log_is_old: bool = True
    failures: int = 0
    failing_since: datetime | None = None
    errors: int = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A poll that succeeded, ready to be stored.

    Attributes:
        serial: of the clock that answered.
        known: what is known of it now.
        log: its attendance log; None when it was not read. Its fresh records are not stored yet, as
            far as can be told from here.
        operations: what its operation log tells anew, one report a moment.
        rejected: parts of the log that can't be records.
    """

    report: DeviceReport
    serial: str
    known: Known
    log: AttendanceLog | None = None
    operations: Sequence[DeviceReport] = ()
    rejected: Sequence[RejectedMessage] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A poll that failed.

    Attributes:
        at: when it began.
        reason: one of `refused`, `timeout`, `reset`, `auth_failed`, `protocol`; or `stranger`: the
            clock of another device answered.
        report: says that the clock is unreachable; None while one more try is due before that.
    """

    at: datetime
    reason: str
    message: str
    report: DeviceReport | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one poll, and when the next one is due."""

    target: PollTarget
    result: Answer | Unanswered
    next_poll_at: datetime


class LiveFleet(Protocol):
    """Which clocks are listened to, and what is done when one tells something.

    Each raises StoreUnavailableError when the database is away.
    """

    def claim_live(self, limit: int) -> Sequence[PollTarget]:
        """Up to `limit` clocks that want to be listened to and that nobody listens to, leased."""
        ...

    def renew_live(self, targets: Sequence[PollTarget]) -> set[int]:
        """Keeps the leases; returns the devices that are still the caller's, where they were."""
        ...

    def leave_live(self, devices: Sequence[int]) -> None:
        """Gives up listening: the clock went away; somebody tries again after a while."""
        ...

    def hint(self, devices: Sequence[int]) -> None:
        """Has the clocks polled soon, and their logs read whatever they claim to hold."""
        ...


class ClockFleet(LiveFleet, Protocol):
    """Where due clocks are claimed and polls are settled; `pipeline.clock_fleet` keeps it."""

    def claim(self, limit: int, doubtful: int) -> Sequence[PollTarget]:
        """Up to `limit` due clocks, longest due first, leased to the caller.

        Among them up to `doubtful` that failed last time, and of a site no more than may be polled
        there at once, by all callers. No other caller gets them until they are settled or the lease
        runs out.
        Raises StoreUnavailableError when the database is away.
        """
        ...

    def settle(self, outcomes: Sequence[Outcome]) -> int:
        """Stores what the polls brought and gives the leases back, in one transaction.

        Outcomes whose lease has run out are left out: somebody else polls that clock now. Returns
        how many were kept. Raises StoreUnavailableError when the database is away and
        BadInputError when a value can't be stored; nothing is kept then.
        """
        ...

    def release(self) -> None:
        """Gives back every lease of this caller: it polls no more.

        Raises StoreUnavailableError when the database is away; the leases run out then.
        """
        ...
