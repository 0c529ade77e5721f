"""What a backtest asks, and when: derived from the data where nobody said it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.errors import BadInputError
from pipeline.features.frames import HOUR, Floats, Ints
from pipeline.history import History, tick

_TEST_SHARE = 0.25  # of the time
_ENOUGH_FAILURES = 20  # in the test period, if as many again are left to learn from
_MOST_DECISIONS = 20_000_000  # of a whole history; of more, the step between two grows
_LARGEST_TEST_SHARE = 0.9  # of the devices


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know; None: derived from the data."""

    horizon: timedelta = timedelta(hours=24)
    lead: timedelta | None = None
    every: timedelta | None = None
    split: datetime | None = None
    gap: timedelta | None = None
    components: tuple[str, ...] = ()
    by_device: float | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which decisions are learned from and which are judged; hours count from `start`.

    Attributes:
        end: until when failures are known.
        learn_until: the last moment of a decision that is learned from; the gap lies before the test.
        test_from: the first moment of a decision that is judged; the last is one horizon before `end`.
        by_device: the share of the devices that is judged and never learned from; None: the same
            devices, later.
    """

    start: datetime
    end: float
    horizon_h: float
    lead_h: float
    every_h: float
    gap_h: float
    learn_until: float
    test_from: float
    by_device: float | None = None

    @property
    def horizon(self) -> timedelta:
        return self.horizon_h * HOUR

    @property
    def learn_data_until(self) -> float:
        """Nothing later than this is read, for features or outcomes, while learning."""
        return self.learn_until + self.gap_h

    def at(self, hours: float) -> datetime:
        return self.start + hours * HOUR

    def moments(self, first: float, last: float) -> Floats:
        """The moments of decisions from `first` to `last`, both included."""
        begin = max(1, int(np.ceil(first / self.every_h)))
        steps = np.arange(begin, int(np.floor(last / self.every_h)) + 1, dtype=np.float64)
        return steps * self.every_h

    def to_json(self) -> dict[str, Any]:
        return {
            "horizon_h": self.horizon_h,
            "lead_h": self.lead_h,
            "every_h": self.every_h,
            "train_until": self.at(self.learn_until).isoformat(),
            "test_from": self.at(self.test_from).isoformat(),
            "test_to": self.at(self.end).isoformat(),
            "gap_h": self.gap_h,
            "by_device": self.by_device,
            "data_from": self.start.isoformat(),
        }


def plan(history: History, asked: Asked, start: datetime, bucket: timedelta) -> Protocol:
    """The protocol for `history`, whose features count from `start` in columns of `bucket`.

    Raises BadInputError where what is asked does not fit together, or does not fit the history.
    """
    end = float(np.ceil((history.ended - start) / bucket) * (bucket / HOUR))
    horizon = _positive("horizon", asked.horizon)
    every = _positive("every", asked.every) if asked.every else _every(history, bucket, horizon)
    every = max(bucket / HOUR, round(every / (bucket / HOUR)) * (bucket / HOUR))
    lead = asked.lead / HOUR if asked.lead is not None else _lead(bucket, horizon)
    if not 0 <= lead < horizon:
        raise BadInputError(
            f"lead: {lead:g} h; allowed: from 0 to less than the horizon, {horizon:g} h"
        )
    gap = asked.gap / HOUR if asked.gap is not None else horizon
    if gap < horizon:
        raise BadInputError(
            f"gap: {gap:g} h; allowed: the horizon, {horizon:g} h, or more: what is learned must be "
            "known before the test begins"
        )
    if end < 3 * horizon:
        raise BadInputError(
            f"horizon: {horizon:g} h; the history spans {end:g} h, and at least three horizons are needed"
        )
    failed = failure_hours(history, asked.components, start)
    cut = _cut(asked, failed, start, end, horizon, gap)
    return Protocol(start, end, horizon, lead, every, gap, *cut, asked.by_device)


def failure_hours(history: History, components: tuple[str, ...], start: datetime) -> Floats:
    """When anything (of `components`, if any are named) failed, in hours since `start`, ascending.

    Raises BadInputError where nothing did.
    """
    names = np.array(history.failures.component.texts(), dtype=object)
    unknown = sorted(set(components) - set(names))
    if unknown:
        known = ", ".join(sorted(set(names))) or "none"
        raise BadInputError(
            f"component: {unknown[0]!r} never failed in this history; those that did: {known}"
        )
    chosen = np.isin(names, components) if components else np.ones(len(names), bool)
    if not chosen.any():
        raise BadInputError(
            "history: failures has no rows; a backtest needs failures to hold warnings against"
        )
    at = history.failures.at[chosen]
    hours: Floats = np.sort((at - tick(start)) / np.timedelta64(1, "h"))
    return hours


def test_devices(history: History, share: float) -> Ints:
    """The devices held out: the same share of those that failed and of those that did not."""
    if not 0 < share <= _LARGEST_TEST_SHARE:
        raise BadInputError(
            f"by-device: {share:g}; allowed: above 0, up to {_LARGEST_TEST_SHARE:g}"
        )
    broke = np.zeros(len(history.devices), bool)
    broke[history.failures.device] = True
    draw = np.random.default_rng(0)
    groups = (np.flatnonzero(broke), np.flatnonzero(~broke))
    parts = [draw.permutation(group)[: round(share * len(group))] for group in groups]
    chosen: Ints = np.sort(np.concatenate(parts)).astype(np.int64)
    return chosen


def _positive(name: str, span: timedelta) -> float:
    hours = span / HOUR
    if hours <= 0:
        raise BadInputError(f"{name}: {hours:g} h; allowed: more than 0")
    return hours


def _lead(bucket: timedelta, horizon_h: float) -> float:
    return min(max(1.0, bucket / HOUR), horizon_h / 4)


def _every(history: History, bucket: timedelta, horizon_h: float) -> float:
    """Three readings' steps, but at least eight decisions a horizon; fewer for very large fleets."""
    step = bucket / HOUR
    every = max(step, min(3 * step, horizon_h / 8))
    span = (history.ended - history.began) / HOUR
    while len(history.devices) * span / every > _MOST_DECISIONS and 2 * every <= horizon_h / 2:
        every *= 2
    return every


def _cut(
    asked: Asked, failed: Floats, start: datetime, end: float, horizon: float, gap: float
) -> tuple[float, float]:
    """(the last moment learned from, the first one judged), in hours."""
    if asked.by_device is not None and asked.split is None:
        return end - horizon, 0.0
    test_from = (
        (asked.split - start) / HOUR if asked.split else _late_share(failed, end, horizon, gap)
    )
    if not gap < test_from < end - horizon:
        raise BadInputError(
            f"split: {start + test_from * HOUR:%Y-%m-%d %H:%M}; allowed: after "
            f"{start + gap * HOUR:%Y-%m-%d %H:%M} and before "
            f"{start + (end - horizon) * HOUR:%Y-%m-%d %H:%M}, as the history goes from "
            f"{start:%Y-%m-%d} to {start + end * HOUR:%Y-%m-%d}"
        )
    return test_from - gap, test_from


def _late_share(failed: Floats, end: float, horizon: float, gap: float) -> float:
    """The last quarter; more of it where that has few failures, but half of them are left to learn."""
    enough = min(_ENOUGH_FAILURES, len(failed) // 2)
    late = failed[-enough] - horizon if enough else end
    half = failed[(len(failed) - 1) // 2] + gap
    test_from = min((1 - _TEST_SHARE) * end, late)
    test_from = min(max(test_from, half), end - 1.5 * horizon)
    return float(np.floor(test_from / 24) * 24 if test_from > 10 * 24 else np.floor(test_from))
