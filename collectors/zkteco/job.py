"""What goes to a worker process, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from collectors.zkteco.decode import AttendanceLog
from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.oplog import OperationLog


@dataclass(frozen=True, slots=True)
class Job:
    """One poll: `timeout_s` limits each wait for the clock, `deadline_s` the whole."""

    target: PollTarget
    timeout_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Make:
    """What a clock says of its make. `free_flash`: bytes; None when it does not say."""

    firmware: str
    platform: str
    device_name: str
    mac: str
    free_flash: int | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one poll saw.

    Attributes:
        connect_s: seconds until the TCP connection stood. `command_s`: median of small commands.
        local_time: what the clock showed: naive, whole seconds; None when no calendar has that day.
        asked_at: the wall's time (seconds since the epoch) halfway between asking for the clock's
            time and getting it.
        record_capacity: 0 when the clock does not say.
        make: None when it was not asked for.
        log, operations: None when they were not read.
        transfer_rate: bytes/s at which the attendance log came; None: not read, or too short to tell.
    """

    connect_s: float
    command_s: float
    local_time: datetime | None
    asked_at: float
    serial: str
    user_count: int
    finger_count: int
    record_count: int
    record_capacity: int
    operation_count: int
    make: Make | None = None
    log: AttendanceLog | None = None
    operations: OperationLog | None = None
    transfer_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How a poll failed; `reason` as in DeviceUnreachableError."""

    reason: str
    message: str
