"""A device's states over a period, as a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database import Row

SPANS: Mapping[str, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the bar; `x` and `width` are parts of the whole, 0 to 1000."""

    state: str
    start: datetime
    end: datetime
    x: float
    width: float


def segments(
    transitions: Sequence[Row], state: str, start: datetime, end: datetime
) -> list[Segment]:
    """Cuts [start, end) at the transitions, which are in order and not before `start`.

    Args:
        state: of the device at `end`; it holds throughout when there was no transition.
    """
    first = transitions[0]["from_state"] if transitions else state
    cuts = [(start, first), *((max(row["at"], start), row["to_state"]) for row in transitions)]
    ends = [at for at, _ in cuts[1:]] + [end]
    whole = (end - start) / 1000
    return [
        Segment(word, at, until, (at - start) / whole, (until - at) / whole)
        for (at, word), until in zip(cuts, ends, strict=True)
        if until > at
    ]
