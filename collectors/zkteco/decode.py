"""A clock's raw attendance log into records. Nothing is dropped: what can't be a record comes back as
bytes.

pyzk's own decoder loses a whole log to one impossible date, mistakes the layout when a punch comes
in between its two reads, and takes a hundred times as long (`python -m benchmarks.clocks`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from collectors.zkteco.columns import Punches, decode
from collectors.zkteco.known import Known

_LENGTH = struct.Struct("<I")
_FINGER = 1  # the verify type of a fingerprint
_MADE_SINCE_S = 3288 * 86_400  # 2009: no clock of this protocol is older
_SAMPLE = 64  # records looked at to tell a layout


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which clocks lay out an attendance record: the fields that we read of it."""

    name: str
    fields: np.dtype[Any]

    @property
    def size(self) -> int:
        return self.fields.itemsize

    def read(self, body: bytes) -> npt.NDArray[Any]:
        """Every whole record of `body`, without copying it."""
        return np.frombuffer(body, self.fields, len(body) // self.size)


def _layout(name: str, size: int, user: str, at: tuple[int, int, int, int]) -> Layout:
    """`at`: where user, status, time code and punch stand in the record."""
    names = ("user", "status", "code", "punch")
    formats = (user, "u1", "<u4", "u1")
    fields = {"names": names, "formats": formats, "offsets": at, "itemsize": size}
    return Layout(name, np.dtype(fields))  # type: ignore[call-overload]  # its stubs know lists only


BY_INDEX = frozenset({"8", "8-ma300"})
"""Layouts that name a user by the clock's own index instead of the user's number."""

LAYOUTS = {
    layout.name: layout
    for layout in (
        _layout("40", 40, "S24", (2, 26, 27, 31)),
        _layout("49", 49, "S24", (2, 26, 27, 31)),
        _layout("16", 16, "<u4", (0, 8, 4, 9)),
        _layout("8", 8, "<u2", (0, 2, 3, 7)),
        _layout("8-ma300", 8, "<u2", (0, 2, 4, 3)),
    )
}


@dataclass(frozen=True, slots=True)
class AttendanceLog:
    """An attendance log, decoded.

    Attributes:
        layout: a name of `LAYOUTS`; empty for an empty log of a clock never read before.
        length, sha256: of the log's bytes.
        count: records in it, known ones and impossible ones included.
        verified: how many of them a finger made.
        start: so many bytes were known before; `tail` are those behind them.
        fresh: the possible records in the tail.
        impossible: the bytes of the others in the tail, and of a torn end.
    """

    layout: str
    length: int
    sha256: str
    count: int
    verified: int
    start: int
    tail: bytes
    fresh: Punches
    impossible: bytes


def read_attendance(
    raw: bytes, claimed: int, known: Known, users: Mapping[int, str]
) -> AttendanceLog:
    """Decodes the answer to a bulk read of the attendance log.

    `claimed`: how many records the clock said it holds, which may be wrong. `users`: index ->
    number, for the layouts that name a user by index.
    """
    body = log_body(raw)
    layout = LAYOUTS[choose_layout(body, claimed, known.layout)]
    records = layout.read(body)
    start = known.length if _begins_as_known(body, layout, known) else 0
    # All of it, although the beginning is known: equal records are counted from the first.
    punches, possible = decode(records, users if layout.name in BY_INDEX else {})
    behind = np.arange(len(records)) >= start // layout.size
    return AttendanceLog(
        layout=layout.name if body else known.layout,
        length=len(body),
        sha256=sha256(body).hexdigest(),
        count=len(records),
        verified=int(np.count_nonzero(punches.status == _FINGER)),
        start=start,
        tail=body[start:],
        fresh=punches.of(possible & behind),
        impossible=_bytes_of(body, layout, ~possible & behind),
    )


def log_body(raw: bytes) -> bytes:
    """The log behind its u32 length; as much of it as came."""
    if len(raw) < _LENGTH.size:
        return b""
    (declared,) = _LENGTH.unpack_from(raw)
    return raw[_LENGTH.size : _LENGTH.size + declared]


def choose_layout(body: bytes, claimed: int, known: str = "") -> str:
    """The name of the layout that reads `body` best.

    First what makes sense as records, then what divides the length, what fits the count that the
    clock claims, and what this clock used before.
    """

    def fitness(layout: Layout) -> tuple[float, bool, bool, bool]:
        return (
            round(_sense(layout, body), 1),
            len(body) % layout.size == 0,
            len(body) // layout.size == claimed,
            layout.name == known,
        )

    return max(LAYOUTS.values(), key=fitness).name


def _begins_as_known(body: bytes, layout: Layout, known: Known) -> bool:
    return (
        layout.name == known.layout
        and len(body) >= known.length
        and sha256(memoryview(body)[: known.length]).hexdigest() == known.sha256
    )


def _bytes_of(body: bytes, layout: Layout, here: npt.NDArray[np.bool_]) -> bytes:
    """The records of `body` at the places where `here` is true, and its torn end."""
    size = layout.size
    found = [body[at * size : (at + 1) * size] for at in np.flatnonzero(here).tolist()]
    return b"".join(found) + body[len(here) * size :]


def _sense(layout: Layout, body: bytes) -> float:
    """The share of records, among a sample spread over the log, that look as people make them."""
    records = layout.read(body)
    sample = records[:: max(1, len(records) // _SAMPLE)]
    if not len(sample):
        return 0.0
    punches, possible = decode(sample, {})
    trimmed = np.array([user.decode() == user.decode().strip() for user in punches.user.tolist()])
    pressed = (punches.punch < 16) | (punches.punch == 255)
    made = possible & trimmed & pressed & (punches.local_s >= _MADE_SINCE_S)
    return float(made.mean())
