"""Attendance records: punches on a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.text import N_


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


_FINGER, _CARD, _PASSWORD, _FACE, _VEIN, _PALM = (
    "fingerprint",
    "card",
    "password",
    "face",
    "finger vein",
    "palm",
)
STATUS_WORDS: Mapping[int, str] = {
    0: "any",
    1: _FINGER,
    2: "user number",
    3: _PASSWORD,
    4: _CARD,
    5: f"{_FINGER} or {_PASSWORD}",
    6: f"{_FINGER} or {_CARD}",
    7: f"{_CARD} or {_PASSWORD}",
    8: f"user number and {_FINGER}",
    9: f"{_FINGER} and {_PASSWORD}",
    10: f"{_CARD} and {_FINGER}",
    11: f"{_CARD} and {_PASSWORD}",
    12: f"{_FINGER}, {_PASSWORD} and {_CARD}",
    13: f"user number, {_FINGER} and {_PASSWORD}",
    14: f"user number or {_CARD}, and {_FINGER}",
    15: _FACE,
    16: f"{_FACE} and {_FINGER}",
    17: f"{_FACE} and {_PASSWORD}",
    18: f"{_FACE} and {_CARD}",
    19: f"{_FACE}, {_FINGER} and {_CARD}",
    20: f"{_FACE}, {_FINGER} and {_PASSWORD}",
    21: _VEIN,
    22: f"{_VEIN} and {_PASSWORD}",
    23: f"{_VEIN} and {_CARD}",
    24: f"{_VEIN}, {_PASSWORD} and {_CARD}",
    25: _PALM,
    26: f"{_PALM} and {_CARD}",
    27: f"{_PALM} and {_FACE}",
    28: f"{_PALM} and {_FINGER}",
    29: f"{_PALM}, {_FINGER} and {_FACE}",
    200: "other",
}
"""How a user was recognised, in the words of exports. After the vendor's table of verify types."""

PUNCH_WORDS: Mapping[int, str] = {
    0: N_("in"),
    1: N_("out"),
    2: N_("break begins"),
    3: N_("break ends"),
    4: N_("overtime in"),
    5: N_("overtime out"),
    255: N_("not said"),
}
"""What a punch was, in the words of exports."""
