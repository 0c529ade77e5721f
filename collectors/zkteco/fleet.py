"""The seam between polling and the store: which clocks are due, and what became of their polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.attendance import AttendanceRecord
from domain.report import DeviceReport, RejectedMessage

COLLECTOR = "zkteco"


@dataclass(frozen=True, slots=True)
class Known:
    """What Forecall knows of a clock's logs since it last read them. Kept as JSON.

    Attributes:
        records: the count of attendance records that the clock claimed then.
        layout, length, sha256: the attendance log's layout, bytes, and the digest of those bytes:
            a log that begins with them is only new behind them.
        full: the clock claimed no room for more records: what it does then can't be seen by counts.
        verified: records of that log that a finger made; None: never read.
        operations: the count of operations that the clock claimed then.
        verify_failed, power_ons, clears: entries of their kinds in that log; None: never read.
    """

    records: int = 0
    layout: str = ""
    length: int = 0
    sha256: str = ""
    full: bool = False
    verified: int | None = None
    operations: int = 0
    verify_failed: int | None = None
    power_ons: int | None = None
    clears: int | None = None


@dataclass(frozen=True, slots=True)
class PollTarget:
    """One clock that is due, leased to whoever got this.

    Attributes:
        device_key: the device's key in the store.
        time_zone: of the site, by its IANA name: what the clock should show.
        interval_s: seconds between polls, of the injected clock.
        serial: the clock that last answered at this address; empty: none yet.
        log_is_old: the attendance log was read so long ago that it is read again, whatever the
            clock claims to hold.
        failures: failed polls in a row before this one; `failing_since`: the first one's moment.
        errors: failed polls, ever.
    """

    device_id: int
    device_key: str
    host: str
    port: int
    comm_key: int = field(default=0, repr=False)
    time_zone: str = "UTC"
    interval_s: float = 300.0
    serial: str = ""
    known: Known = Known()
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
        known: what is known of its logs now.
        records: attendance records that are not stored yet, as far as can be told from here.
        log_read: whether the attendance log was read.
        rejected: parts of the log that can't be records.
    """

    report: DeviceReport
    serial: str
    known: Known
    records: Sequence[AttendanceRecord] = ()
    log_read: bool = False
    rejected: Sequence[RejectedMessage] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A poll that failed.

    Attributes:
        at: when it began.
        reason: one of `refused`, `timeout`, `reset`, `auth_failed`, `protocol`.
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


class ClockFleet(Protocol):
    """Where due clocks are claimed and polls are settled; `pipeline.clock_fleet` keeps it."""

    def claim(self, limit: int) -> Sequence[PollTarget]:
        """Up to `limit` due clocks, longest due first, leased to the caller.

        No other caller gets them until they are settled or the lease runs out.
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
