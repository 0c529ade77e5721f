"""The seam between the receiver and the store: what a clock said, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.attendance import AttendanceRecord
from domain.report import EventReport

COLLECTOR = "adms"


@dataclass(frozen=True, slots=True)
class BadPart:
    """Part of a body that can't be read, with the reason."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the operation log.

    Attributes:
        local_time: by the clock's own time, naive.
        reason: the second object, which names an alarm's reason; None when it is no number.
        details: operator and objects, as they came.
        nth: its place among equal lines of the same body.
    """

    kind: int
    local_time: datetime
    reason: int | None
    details: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Greeting:
    """It asks for its options; that is how it begins."""

    push_version: str = ""


@dataclass(frozen=True, slots=True)
class Punches:
    """A batch of its attendance log. `nth` counts inside this batch."""

    records: Sequence[AttendanceRecord]
    stamp: str = ""
    bad: Sequence[BadPart] = ()


@dataclass(frozen=True, slots=True)
class Operations:
    """A batch of its operation log. `others`: lines of users and templates, which are not kept."""

    entries: Sequence[Operation]
    stamp: str = ""
    others: int = 0
    bad: Sequence[BadPart] = ()


@dataclass(frozen=True, slots=True)
class Errors:
    """A batch of its error log."""

    events: Sequence[EventReport]
    stamp: str = ""
    bad: Sequence[BadPart] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What it says of its make and settings, by the protocol's keys."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """It asks whether there is a command for it. `info`: what it holds, by the keys of `Options`."""

    info: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What became of a command. `return_code`: 0 or more is success."""

    number: int
    return_code: int
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of commands."""

    answers: Sequence[CommandAnswer]
    bad: Sequence[BadPart] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    """It is there."""


@dataclass(frozen=True, slots=True)
class Other:
    """A table that is not collected (photographs, biometric templates). Nothing of it is kept."""

    table: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that is kept as it came, or its beginning, because it can't be taken in."""

    part: BadPart


Said = (
    Greeting
    | Punches
    | Operations
    | Errors
    | Options
    | Question
    | Answers
    | Ping
    | Other
    | Unreadable
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of one clock. `address`: where it came from."""

    serial: str
    address: str
    said: Said


@dataclass(frozen=True, slots=True)
class Reply:
    """What the clock is told.

    Attributes:
        adopted: False: nothing of what it said was taken in.
        simulated: the clock lives in the simulation's time.
        text: the body.
    """

    adopted: bool
    simulated: bool = False
    text: str = "OK"


class PushFleet(Protocol):
    """Who takes in what clocks say; `pipeline.push_fleet` does."""

    def hear(self, call: Call) -> Reply:
        """Commits what was said; when it returns, the clock may be answered.

        A serial number that nobody knows becomes a device that is found, not adopted.
        Raises StoreUnavailableError when the database is away, NotAllowedError when too many
        unknown clocks called, and BadInputError when a value can't be stored; nothing is kept then.
        """
        ...
