"""What is known of a clock since it was last polled. Kept as JSON beside its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from collectors.zkteco.trend import History, Sample


@dataclass(frozen=True, slots=True)
class Known:
    """What Forecall knows of a clock.

    Attributes:
        records: the count of attendance records that the clock claimed when its log was last read.
        layout, length, sha256: the attendance log's layout, bytes, and the digest of those bytes:
            a log that begins with them is only new behind them.
        full: the clock claimed no room for more records: what it does then can't be seen by counts.
        verified: records of that log that a finger made; None: never read.
        operations: the count of operations that the clock claimed when that log was last read.
        operations_length, operations_end: bytes of that log, and its last few in hexadecimal.
        verify_failed, power_ons, clears, times_set: entries of their kinds in it; None: never read.
        firmware, mac: as it said; empty: never asked.
        last: of the last poll. `history`: samples of its last week.
    """

    records: int = 0
    layout: str = ""
    length: int = 0
    sha256: str = ""
    full: bool = False
    verified: int | None = None
    operations: int = 0
    operations_length: int = 0
    operations_end: str = ""
    verify_failed: int | None = None
    power_ons: int | None = None
    clears: int | None = None
    times_set: int | None = None
    firmware: str = ""
    mac: str = ""
    last: Sample | None = None
    history: History = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Known:
        """Reads what `as_json` gave; what an older version did not keep is not known."""
        known = Known(**values)
        return replace(
            known,
            last=Sample(*known.last) if known.last else None,
            history=tuple(Sample(*sample) for sample in known.history),
        )
