"""What a week of polls says of a clock: how its time runs, when its log is full. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

DAY_S = 86_400.0
SAMPLE_EVERY_S = DAY_S / 4
_KEPT = 29  # samples: a week

_TOLD_AFTER_S = DAY_S
"""A trend over less than a day says nothing: a clock shows whole seconds, and people come by day."""

_FEWEST_TRIALS = 20
_HALF_HOUR_S = 1800.0
_NEAR_S = 120.0
_WIDEST_ZONE_S = 14 * 3600.0
_JUMP_S, _WORST_CRYSTAL_S = 30.0, 60.0  # the second a day


class Sample(NamedTuple):
    """What was known of a clock at one moment.

    Attributes:
        at_s: seconds since the Unix epoch.
        drift_s: as `x.ClockDrift`; None when the clock showed no possible time.
        records, verified, failed: records in its log, those made by a finger, failed verifications.
    """

    at_s: float
    drift_s: float | None
    records: int
    verified: int
    failed: int


History = tuple[Sample, ...]
"""Samples since the clock's time was last set and its log last emptied, oldest first."""


def lengthened(history: History, sample: Sample) -> History:
    """`history` with `sample`, if the last one is old enough; begun anew when counts fell."""
    if not history:
        return (sample,)
    last = history[-1]
    if sample.records < last.records or sample.failed < last.failed:
        return (sample,)
    if sample.at_s - last.at_s < SAMPLE_EVERY_S:
        return history
    return (*history, sample)[-_KEPT:]


def drift_rate(history: History) -> float | None:
    """Seconds that the clock gains a day: the median slope between any two samples (Theil-Sen).

    One wrong sample does not move it. None while less than a day was seen.
    """
    times = [sample for sample in history if sample.drift_s is not None]
    if not _long_enough(times):
        return None
    slopes = [
        (later.drift_s - former.drift_s) / (later.at_s - former.at_s)
        for former, later in combinations(times, 2)
        if former.drift_s is not None and later.drift_s is not None
    ]
    return median(slopes) * DAY_S


def days_to_full(history: History, now: Sample, capacity: int) -> float | None:
    """Days until the log holds `capacity` records at the pace seen; None when it does not grow."""
    seen = (*history, now)
    grown = now.records - seen[0].records
    if capacity <= 0 or grown <= 0 or not _long_enough(seen):
        return None
    return (capacity - now.records) * (now.at_s - seen[0].at_s) / grown / DAY_S


def failed_share(history: History, now: Sample) -> float | None:
    """The share of fingers that were not recognised, in %, over the last day or a little more."""
    before = [sample for sample in history if now.at_s - sample.at_s >= _TOLD_AFTER_S]
    if not before:
        return None
    failed, verified = now.failed - before[-1].failed, now.verified - before[-1].verified
    if min(failed, verified) < 0 or failed + verified < _FEWEST_TRIALS:
        return None
    return 100.0 * failed / (failed + verified)


def zone_offset_s(drift_s: float | None) -> float:
    """The whole half hours, in seconds, that the clock is off by: a wrong time zone; else 0."""
    if drift_s is None:
        return 0.0
    offset = round(drift_s / _HALF_HOUR_S) * _HALF_HOUR_S
    wrong = abs(drift_s - offset) <= _NEAR_S and 0 < abs(offset) <= _WIDEST_ZONE_S
    return offset if wrong else 0.0


def jumped(before: Sample, now: Sample) -> bool:
    """Whether the clock's time made a jump between two polls, by more than any crystal runs wrong."""
    if before.drift_s is None or now.drift_s is None:
        return False
    allowed = _JUMP_S + _WORST_CRYSTAL_S * (now.at_s - before.at_s) / DAY_S
    return abs(now.drift_s - before.drift_s) > allowed


def _long_enough(samples: Sequence[Sample]) -> bool:
    return len(samples) > 1 and samples[-1].at_s - samples[0].at_s >= _TOLD_AFTER_S
