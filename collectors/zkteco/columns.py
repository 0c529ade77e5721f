"""Attendance records as columns: what a log of 200,000 records is read into, in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.attendance import AttendanceRecord, Punch

EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - what a clock's wall shows has no zone
"""Clocks count from here, and so does PostgreSQL."""

_DAY_S = 86_400
_MONTHS = 100 * 12  # two digits of the year
_FIRST_DAYS = np.arange("2000-01", "2100-02", dtype="datetime64[M]").astype("datetime64[D]").astype(
    np.int64
) - np.datetime64("2000-01-01").astype(np.int64)
"""Days from the epoch to the first of each month, and to the one behind the last."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Punches:
    """Attendance records, one an index; arrays of equal length.

    Attributes:
        user: the user's number as UTF-8, padded with zeros.
        local_s: whole seconds from `EPOCH` to what the clock's wall showed.
        status, punch: as in `domain.attendance.Punch`.
        nth: the place among equal ones, as in `AttendanceRecord`.
    """

    user: npt.NDArray[np.bytes_]
    local_s: Ints
    status: npt.NDArray[np.uint8]
    punch: npt.NDArray[np.uint8]
    nth: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.user)

    def of(self, here: Bools) -> Punches:
        """Those where `here` is true."""
        return Punches(
            self.user[here], self.local_s[here], self.status[here], self.punch[here], self.nth[here]
        )

    def records(self) -> list[AttendanceRecord]:
        """The same one by one, for where there are few."""
        rows = zip(
            *(self.user.tolist(), self.local_s.tolist(), self.status.tolist()),
            *(self.punch.tolist(), self.nth.tolist()),
            strict=True,
        )
        return [
            AttendanceRecord(
                Punch(user.decode(), EPOCH + timedelta(seconds=local_s), status, punch), nth
            )
            for user, local_s, status, punch, nth in rows
        ]


def decode(raw: npt.NDArray[Any], numbers: Mapping[int, str]) -> tuple[Punches, Bools]:
    """The columns of raw records, and which of them can be records at all.

    `raw` has the fields `user`, `status`, `code` and `punch`; `numbers` gives the user's number for
    the index, where a layout names users so. Impossible ones are: a day that no calendar has, a year
    past 2099, no user, or one that can't be printed.
    """
    local_s, dated = local_seconds(raw["code"])
    named = raw["user"].dtype.kind == "S"
    user = _texts(raw["user"]) if named else _numbered(raw["user"], numbers)
    possible: Bools = dated & (user != b"")
    status, punch = raw["status"].copy(), raw["punch"].copy()
    nth = np.zeros(len(raw), np.int32)
    nth[possible] = _places(user[possible], local_s[possible], status[possible], punch[possible])
    return Punches(user, local_s, status, punch, nth), possible


def local_seconds(codes: npt.NDArray[np.uint32]) -> tuple[Ints, Bools]:
    """What the clocks' counts mean: their months have 31 days each. And whether there is such a day."""
    days, seconds = np.divmod(codes, np.uint32(_DAY_S))
    month, day = np.divmod(days.astype(np.int64), 31)
    inside = np.minimum(month, _MONTHS - 1)
    first = _FIRST_DAYS[inside] + day
    return first * _DAY_S + seconds, (month < _MONTHS) & (first < _FIRST_DAYS[inside + 1])


def _texts(fields: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bytes_]:
    """The texts before the first zero byte; empty where they can't be printed."""
    texts = np.ascontiguousarray(fields)
    letters = texts.view(np.uint8)
    plain = np.count_nonzero(letters - np.uint8(0x20) <= 0x7E - 0x20)
    # Nothing but ASCII, and nothing behind a zero byte: so it is on nearly every clock.
    if plain == np.count_nonzero(letters) == np.strings.str_len(texts).sum():
        return texts
    told = {text: _printable(text) for text in set(texts.tolist())}
    return np.array([told[text] for text in texts.tolist()], np.bytes_)


def _printable(text: bytes) -> bytes:
    decoded = text.partition(b"\0")[0].decode("utf-8", "replace")
    return decoded.encode() if decoded.isprintable() else b""


def _numbered(indices: npt.NDArray[Any], numbers: Mapping[int, str]) -> npt.NDArray[np.bytes_]:
    """The number of each index; the index itself where none is known. 0 names nobody."""
    distinct, place = np.unique(indices, return_inverse=True)
    found = [numbers.get(index, str(index)) if index else "" for index in distinct.tolist()]
    texts: npt.NDArray[np.bytes_] = np.array([number.encode() for number in found], np.bytes_)
    return texts[place]


def _places(
    user: npt.NDArray[np.bytes_],
    local_s: Ints,
    status: npt.NDArray[np.uint8],
    punch: npt.NDArray[np.uint8],
) -> npt.NDArray[np.int32]:
    """The place of each record among equal ones, from 1, in their order.

    Only those that share their second with another are compared. A log is nearly sorted by time,
    so that the stable sort takes one pass.
    """
    places = np.ones(len(user), np.int32)
    order = np.argsort(local_s, kind="stable")
    same = np.diff(local_s[order]) == 0
    rivals = np.union1d(order[:-1][same], order[1:][same])
    if not len(rivals):
        return places
    keys = [user[rivals], local_s[rivals], status[rivals], punch[rivals]]
    groups = np.zeros(len(rivals), np.int64)
    for key in keys:
        groups = np.unique(
            groups * len(rivals) + np.unique(key, return_inverse=True)[1], return_inverse=True
        )[1]
    by_group = np.argsort(groups, kind="stable")
    first = np.flatnonzero(np.diff(groups[by_group], prepend=-1))
    sizes = np.diff(np.append(first, len(rivals)))
    places[rivals[by_group]] = np.arange(len(rivals)) - np.repeat(first, sizes) + 1
    return places
