"""The faults of a period by category. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from kpi.service.cases import Case


@dataclass(frozen=True, slots=True)
class Count:
    """How many faults of one category there were, in the period and in the one before."""

    key: str
    now: int
    before: int


def faults_since(cases: Iterable[Case], start: datetime) -> list[Case]:
    """The faults among cases that were opened from `start` on."""
    return [case for case in cases if case.opened_at >= start and case.is_fault]


def counted(
    now: Iterable[Case], before: Iterable[Case], category: Callable[[Case], str]
) -> list[Count]:
    """By category, the most frequent first."""
    found, past = Counter(map(category, now)), Counter(map(category, before))
    counts = [Count(key, found[key], past[key]) for key in found | past]
    return sorted(counts, key=lambda one: (-one.now, -one.before, one.key))
