"""Attendance records: punches on a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Punch:
    """One attendance record as the clock holds it.

    Attributes:
        user_ref: the user's number on the clock, as text.
        local_time: as the clock wrote it: naive, in the site's time zone. The only naive time in
            Forecall; it never leaves the record that it belongs to.
        status: how the user was recognised (verify type: finger, card, PIN, face).
        punch: what it was (state: in, out, break); 255 when the keypad gave none.
    """

    user_ref: str
    local_time: datetime
    status: int
    punch: int


@dataclass(frozen=True, slots=True)
class AttendanceRecord:
    """A punch and its place among equal ones of the same log: 1 for the first, 2 for the next, ...

    Two equal punches within a second are two records; a record read twice is one.
    """

    punch: Punch
    nth: int
