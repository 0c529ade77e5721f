"""What goes to a worker process, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from collectors.zkteco.decode import AttendanceLog, OperationCounts
from collectors.zkteco.fleet import PollTarget


@dataclass(frozen=True, slots=True)
class Job:
    """One poll: `timeout_s` limits each wait for the clock, `deadline_s` the whole."""

    target: PollTarget
    timeout_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one poll saw.

    Attributes:
        connect_s: seconds until the TCP connection stood. `command_s`: median of small commands.
        local_time: what the clock showed: naive, whole seconds; None when no calendar has that day.
        asked_at: the wall's time (seconds since the epoch) halfway between asking for the clock's
            time and getting it.
        record_capacity: 0 when the clock does not say.
        log, operations: None when they were not read.
    """

    connect_s: float
    command_s: float
    local_time: datetime | None
    asked_at: float
    serial: str
    firmware: str
    platform: str
    device_name: str
    user_count: int
    finger_count: int
    record_count: int
    record_capacity: int
    operation_count: int
    log: AttendanceLog | None = None
    operations: OperationCounts | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How a poll failed; `reason` as in DeviceUnreachableError."""

    reason: str
    message: str
