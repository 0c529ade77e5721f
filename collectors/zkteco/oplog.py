"""A clock's raw operation log: what stands in it, and what is new since it was last read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from collectors.operations import CLEARING, POWER_ON, TIME_SET, VERIFY_FAILED
from collectors.zkteco.columns import EPOCH, local_seconds
from collectors.zkteco.decode import log_body
from collectors.zkteco.known import Known

_ENTRY = np.dtype(
    [("operator", "<u2"), ("code", "u1"), ("", "u1"), ("time", "<u4"), ("values", "<u2", 4)]
)
_REMEMBERED = 4 * _ENTRY.itemsize
"""So many of the last bytes tell where the known part ends, even when the oldest entries have gone."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry. `local_time` is naive, as the clock wrote it; None when no calendar has that day."""

    code: int
    local_time: datetime | None
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OperationLog:
    """An operation log.

    Attributes:
        verify_failed, power_ons, clears, times_set: how many entries of each kind stand in it.
        length: bytes of its entries. `end`: the last few of them, in hexadecimal.
        fresh: the entries behind those that were known.
    """

    verify_failed: int
    power_ons: int
    clears: int
    times_set: int
    length: int
    end: str
    fresh: Sequence[Operation]


def read_operations(raw: bytes, known: Known) -> OperationLog:
    """Decodes the answer to a bulk read of the operation log. A torn end is left for the next time."""
    body = log_body(raw)
    entries = np.frombuffer(body, _ENTRY, len(body) // _ENTRY.itemsize)
    body = body[: entries.nbytes]
    counts = np.bincount(entries["code"], minlength=256)
    return OperationLog(
        verify_failed=int(counts[VERIFY_FAILED]),
        power_ons=int(counts[POWER_ON]),
        clears=int(sum(counts[code] for code in CLEARING)),
        times_set=int(counts[TIME_SET]),
        length=len(body),
        end=body[-_REMEMBERED:].hex(),
        fresh=_operations(entries[_known_entries(body, known) :]),
    )


def _known_entries(body: bytes, known: Known) -> int:
    """How many entries at the beginning were read before.

    Clocks drop their oldest entries when this log is full: then the end that is remembered stands
    further to the front. Where it is not found the log was emptied.
    """
    end, size = bytes.fromhex(known.operations_end), _ENTRY.itemsize
    if not end:
        return 0
    if body[: known.operations_length].endswith(end):
        return known.operations_length // size
    at = body.rfind(end)
    while at % size and at > 0:
        at = body.rfind(end, 0, at + len(end) - 1)
    return (at + len(end)) // size if at >= 0 else 0


def _operations(entries: npt.NDArray[np.void]) -> list[Operation]:
    local_s, dated = local_seconds(entries["time"])
    rows = zip(
        *(entries["code"].tolist(), local_s.tolist(), dated.tolist()),
        entries["values"].tolist(),
        strict=True,
    )
    return [
        Operation(code, EPOCH + timedelta(seconds=seconds) if possible else None, tuple(values))
        for code, seconds, possible, values in rows
    ]
