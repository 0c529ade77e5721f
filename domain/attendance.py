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


FINGER = 1
"""The verify type of a fingerprint."""

_USER, _FINGER, _CARD = N_("user number"), N_("fingerprint"), N_("card")
_PASSWORD, _FACE, _VEIN, _PALM = N_("password"), N_("face"), N_("finger vein"), N_("palm")
STATUS_WORDS: Mapping[int, str] = {
    0: N_("any way"),
    FINGER: _FINGER,
    2: _USER,
    3: _PASSWORD,
    4: _CARD,
    5: f"{_FINGER} / {_PASSWORD}",
    6: f"{_FINGER} / {_CARD}",
    7: f"{_CARD} / {_PASSWORD}",
    8: f"{_USER} + {_FINGER}",
    9: f"{_FINGER} + {_PASSWORD}",
    10: f"{_CARD} + {_FINGER}",
    11: f"{_CARD} + {_PASSWORD}",
    12: f"{_FINGER} + {_PASSWORD} + {_CARD}",
    13: f"{_USER} + {_FINGER} + {_PASSWORD}",
    14: f"{_USER} + {_FINGER} / {_CARD} + {_FINGER}",
    15: _FACE,
    16: f"{_FACE} + {_FINGER}",
    17: f"{_FACE} + {_PASSWORD}",
    18: f"{_FACE} + {_CARD}",
    19: f"{_FACE} + {_FINGER} + {_CARD}",
    20: f"{_FACE} + {_FINGER} + {_PASSWORD}",
    21: _VEIN,
    22: f"{_VEIN} + {_PASSWORD}",
    23: f"{_VEIN} + {_CARD}",
    24: f"{_VEIN} + {_PASSWORD} + {_CARD}",
    25: _PALM,
    26: f"{_PALM} + {_CARD}",
    27: f"{_PALM} + {_FACE}",
    28: f"{_PALM} + {_FINGER}",
    29: f"{_PALM} + {_FINGER} + {_FACE}",
    200: N_("another way"),
}
"""How a user was recognised, in the words of exports: ` / ` is or, ` + ` is and. After the vendor's
table of verify types."""

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
