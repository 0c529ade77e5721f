"""What collectors hand to ingest: the same shape for every protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

from domain.device import ReportedState

NO_VALUES: Mapping[str, float] = MappingProxyType({})


class MetricKind(StrEnum):
    """A counter only grows, but for resets; a gauge goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Severity(StrEnum):
    """How bad an event is, as its device sees it."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Identity(Struct, frozen=True, gc=False):
    """Tells a redelivered message from a new one.

    Attributes:
        boot_id: changes whenever the device's session starts anew.
        seq: 0 or more; unique within a boot. 0 is the last will's.
    """

    boot_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class EventReport:
    """One thing that happened.

    Attributes:
        component: which part, in the words of `domain.components`; empty: the whole device.
        code: the canonical code.
        raw_code: the code as the device said it, keyed by `dialect`; both may be empty.
    """

    component: str
    code: str
    severity: Severity
    dialect: str = ""
    raw_code: str = ""


class Contact(Struct, frozen=True, gc=False):
    """What a message says of the device being reachable.

    Attributes:
        reachable: False for a failed poll.
        interval_s: the device's promise: it will speak again within so many seconds. None: unchanged.
        reported: the state the device claims, when the message carries one.
        is_will: the broker spoke, not the device: a hint, which only brings the deadline nearer.
        detail: how a poll failed (`refused`, `timeout`, ...), or the claimed reason.
        component: the component that the reported state is owed to.
    """

    reachable: bool = True
    interval_s: float | None = None
    reported: ReportedState | None = None
    is_will: bool = False
    detail: str = ""
    component: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device says of its make; empty fields are left as they are known.

    `where`: the topic, without its last level, or the address that it is heard by.
    """

    model: str = ""
    firmware: str = ""
    serial: str = ""
    where: str = ""


class DeviceReport(Struct, frozen=True, gc=False):
    """One message or one poll of one device, decoded. A struct: there are tens of thousands a second.

    Attributes:
        device_key: the device's name in its own protocol (topic level, serial number).
        at: the device's own time of it.
        received_at: the collector's time when it arrived.
        identity: None when the protocol can't deliver twice (a poll is asked for, not sent).
        counters, gauges: metric -> value. A metric is a UnifiedPOS statistic name or an `x.` name.
    """

    device_key: str
    at: datetime
    received_at: datetime
    identity: Identity | None = None
    contact: Contact = Contact()
    counters: Mapping[str, float] = NO_VALUES
    gauges: Mapping[str, float] = NO_VALUES
    events: Sequence[EventReport] = ()
    facts: DeviceFacts | None = None


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A message that could not be decoded: kept whole, with the reason."""

    collector: str
    received_at: datetime
    source: str
    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of a batch: received = stored + duplicate + rejected."""

    stored: int
    duplicate: int
    rejected: int


class Intake(Protocol):
    """Where collectors hand their batches. Ingest is one."""

    def store(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage] = ()
    ) -> IntakeResult:
        """Commits the batch: when this returns, the messages may be acknowledged.

        Raises StoreUnavailableError when the database is away; nothing of the batch is kept then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Flow:
    """How messages flow through a collector, since its last beat. Seconds are the wall's.

    Attributes:
        in_flight: taken from the broker and not acknowledged yet.
        oldest_s: how long the oldest of these waits; 0: there is none.
        wait_s: the longest that one took from received to committed.
        age_s: the median from the device's own time to committed: what the broker holds back shows
            here. None: no device's time was to be believed, or nothing was committed.
    """

    in_flight: int
    oldest_s: float
    wait_s: float
    age_s: float | None = None


class Watch(Protocol):
    """Where a collector says that it is there to hear its devices."""

    def beat(self, collector: str, flow: Flow | None = None) -> None:
        """Called every few seconds of the wall's time while the collector is taking messages in.

        Silence of the collector makes its devices `unwatched`, never `down`. `flow` is kept with
        the beat, for whoever asks how far behind the collector is.
        Raises StoreUnavailableError when the database is away.
        """
        ...
