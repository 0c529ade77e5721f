"""One emulated clock: what it holds, and what is wrong with it. The server reads it live."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from zoneinfo import ZoneInfo

from domain.attendance import Punch
from domain.clock import Clock
from simulator.zkteco.records import (
    Operation,
    RecordSize,
    User,
    event_bytes,
    operation_bytes,
    punch_bytes,
)
from simulator.zkteco.wire import EventCode, encode_time

_SIZES = struct.Struct("<23i")


class Fault(Enum):
    """How a clock fails to answer."""

    NONE = "none"
    SILENT = "silent"  # accepts connections, answers nothing
    REFUSING = "refusing"  # nothing listens: no power, or no service
    RESETTING = "resetting"  # resets the connection at the first command after CONNECT
    HALF_DOWNLOAD = "half download"  # closes in the middle of a bulk read
    STALLED_CHUNK = "stalled chunk"  # stops in the middle of a bulk read, stays connected
    DRIPPING = "dripping"  # sends a bulk read byte by byte, without end in sight


class OperationCode:
    """Codes of the operation log that a simulation writes."""

    POWER_ON = 0
    POWER_OFF = 1
    VERIFY_FAILED = 2
    SET_TIME = 21
    RECORDS_CLEARED = 23


@dataclass(frozen=True, slots=True)
class Make:
    """What a clock says of its make."""

    firmware: str = "Ver 6.60 Apr 18 2019"
    platform: str = "ZMM220_TFT"
    device_name: str = "K40/ID"
    mac: str = "00:17:61:10:2f:aa"
    record_size: RecordSize = 40
    user_capacity: int = 3000
    finger_capacity: int = 3000
    record_capacity: int = 100_000
    free_flash: int = 5_242_880  # bytes
    keeps_operations: bool = True  # older firmware has no operation log
    overwrites: bool = False  # a full log drops its oldest record; else the new one is lost


@dataclass(eq=False)
class EmulatedClock:
    """A clock's memory, mutable so that a simulation can age it.

    Change it from the thread of its server's event loop, or leave single calls to another thread:
    each is one step.

    Attributes:
        clock: the true time.
        drift: how far this clock is ahead of it.
        latency_s: wall seconds that it takes to think before each answer.
        frame_gap_s: wall seconds between the packets of one answer.
        lost: punches that found the log full.
        commands: how often each command came in.
        attendance_log: records of `make.record_size` bytes each.
        operation_log: entries of 16 bytes each.
    """

    serial: str
    clock: Clock
    time_zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    comm_key: int = 0
    make: Make = field(default_factory=Make)
    drift: timedelta = timedelta(0)
    latency_s: float = 0.0
    frame_gap_s: float = 0.0
    enabled: bool = True
    lost: int = 0
    commands: Counter[int] = field(default_factory=Counter)
    attendance_log: bytearray = field(default_factory=bytearray)
    operation_log: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._fault = Fault.NONE
        self._users: dict[str, User] = {}
        self._fault_listeners: list[Callable[[], None]] = []
        self._event_listeners: list[Callable[[EventCode, bytes], None]] = []

    # -- time ----------------------------------------------------------------------------------

    def local_time(self) -> datetime:
        """What its display shows: naive, in the site's time zone, off by the drift."""
        return self._local(self.clock.now())

    def set_local_time(self, local: datetime) -> None:
        """Sets its time, as a person at the keypad or SET_TIME does."""
        self.drift += local - self.local_time().replace(microsecond=0)
        self.operate(OperationCode.SET_TIME)

    def _local(self, moment: datetime) -> datetime:
        return (moment + self.drift).astimezone(self.time_zone).replace(tzinfo=None)

    # -- people --------------------------------------------------------------------------------

    @property
    def users(self) -> list[User]:
        return list(self._users.values())

    def enrol(self, user_ref: str, name: str = "", **details: int) -> User:
        """Adds a person; the uid is the next free index."""
        user = User(len(self._users) + 1, user_ref, name or f"User {user_ref}", **details)
        self._users[user_ref] = user
        return user

    # -- attendance ----------------------------------------------------------------------------

    @property
    def record_count(self) -> int:
        return len(self.attendance_log) // self.make.record_size

    @property
    def full(self) -> bool:
        return self.record_count >= self.make.record_capacity

    def punch(
        self, user_ref: str, status: int = 1, punch: int = 0, at: datetime | None = None
    ) -> None:
        """Somebody punches, now or at the moment `at`; registered clients are told."""
        local = self._local(at or self.clock.now())
        self.record(user_ref, status, encode_time(local), punch)
        self._tell(
            EventCode.ATTLOG, event_bytes(self.make.record_size, user_ref, status, punch, local)
        )

    def load(self, punches: Iterable[Punch]) -> None:
        """Fills the log with past records, in order."""
        for punch in punches:
            self.record(punch.user_ref, punch.status, encode_time(punch.local_time), punch.punch)

    def record(self, user_ref: str, status: int, time_code: int, punch: int) -> None:
        """Writes one record as memory would hold it; `time_code` need not be a possible time."""
        size = self.make.record_size
        if self.full and not self.make.overwrites:
            self.lost += 1
            return
        if self.full:
            del self.attendance_log[:size]
        user = self._users.get(user_ref)
        uid = user.uid if user else int(user_ref) & 0xFFFF if user_ref.isdecimal() else 0
        self.attendance_log += punch_bytes(size, uid, user_ref, status, time_code, punch)

    def clear_records(self) -> None:
        """Empties the attendance log, as the menu or CLEAR_ATTLOG does."""
        self.attendance_log.clear()
        self.operate(OperationCode.RECORDS_CLEARED)

    # -- operation log and events --------------------------------------------------------------

    def operate(self, code: int, at: datetime | None = None) -> None:
        """Writes one entry into the operation log, now or at the moment `at`."""
        self.operation_log += operation_bytes(Operation(code, self._local(at or self.clock.now())))

    def fail_verification(self, at: datetime | None = None) -> None:
        """A finger is not recognised: an entry in the operation log, and a VERIFY event."""
        self.operate(OperationCode.VERIFY_FAILED, at)
        self._tell(EventCode.VERIFY, b"\xff\xff\xff\xff")

    def alarm(self, code: int) -> None:
        """An ALARM event: 0x37 tamper, 0x3A misoperation."""
        self._tell(EventCode.ALARM, struct.pack("<I", code))

    # -- what the server reads -----------------------------------------------------------------

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        for listener in self._fault_listeners:
            listener()

    def on_fault(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever the fault is set."""
        self._fault_listeners.append(listener)

    def on_event(self, listener: Callable[[EventCode, bytes], None]) -> None:
        """Calls `listener` with each event."""
        self._event_listeners.append(listener)

    def _tell(self, code: EventCode, data: bytes) -> None:
        for listener in self._event_listeners:
            listener(code, data)

    def options(self) -> dict[str, str]:
        """What OPTIONS_RRQ can ask for."""
        return {
            "~SerialNumber": self.serial,
            "~Platform": self.make.platform,
            "~DeviceName": self.make.device_name,
            "~ZKFPVersion": "10",
            "~OEMVendor": "ZKTeco Inc.",
            "MAC": self.make.mac,
            "FreeFlashSize": str(self.make.free_flash),
            "IPAddress": "127.0.0.1",
            "NetMask": "255.0.0.0",
            "GATEIPAddress": "127.0.0.1",
        }

    def free_sizes(self) -> bytes:
        """The 92 bytes of GET_FREE_SIZES: counts, capacities and what remains of them."""
        make, users = self.make, self.users
        fingers = sum(user.fingers for user in users)
        fields = [0] * 23
        fields[4], fields[6], fields[8] = len(users), fingers, self.record_count
        fields[10] = len(self.operation_log) // 16
        fields[12] = sum(user.privilege > 0 for user in users)
        fields[14:17] = make.finger_capacity, make.user_capacity, make.record_capacity
        fields[17] = make.finger_capacity - fingers
        fields[18] = make.user_capacity - len(users)
        fields[19] = make.record_capacity - self.record_count
        return _SIZES.pack(*fields)
