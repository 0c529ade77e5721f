"""How good warnings are: by decision, by failure, by episode, and in money.

An episode is a device's alarms of one component, each at most a day after the one before. It is false
when the component does not fail by one horizon after its last alarm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from models.labels import hours_since_last, hours_to_next
from models.settings import CostSettings
from pipeline.features.frames import Floats, Ints, Marks

_EPISODE_GAP_H = 24.0
_LEAD_H = 1.0  # a warning later than this before the failure comes too late to act on
_MONTH_H = 730.5
_CANDIDATES = 40
_HIGHEST = 0.98


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Decisions with their probabilities, ordered by device and time, and what failed."""

    device: Ints
    moment: Floats
    probability: Floats
    label: NDArray[np.bool_]
    failures: Marks
    horizon_h: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one model (or rule) on one period.

    Attributes:
        warned: failures with an alarm between one horizon and one hour before.
        cost: of false episodes and of failures without a warning, by the cost settings.
    """

    precision: float
    recall: float
    f1: float
    f1_at_half: float
    pr_auc: float
    failures: int
    warned: int
    episodes: int
    false_episodes: int
    false_per_device_month: float
    cost: float
    decisions: int
    positives: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(scored: Scored, threshold: float, costs: CostSettings) -> Metrics:
    """All figures at `threshold`: an alarm is a probability at or above it."""
    alarm = scored.probability >= threshold
    precision, recall, f1 = _by_decision(alarm, scored.label)
    failures, warned = _by_failure(scored, alarm)
    episodes, false = _by_episode(scored, alarm)
    months = len(np.unique(scored.device)) * _span_h(scored) / _MONTH_H
    return Metrics(
        precision=precision,
        recall=recall,
        f1=f1,
        f1_at_half=_by_decision(scored.probability >= 0.5, scored.label)[2],
        pr_auc=float(average_precision_score(scored.label, scored.probability))
        if scored.label.any()
        else 0.0,
        failures=failures,
        warned=warned,
        episodes=episodes,
        false_episodes=false,
        false_per_device_month=false / months if months else 0.0,
        cost=costs.visit * false + costs.failure_in_service * (failures - warned),
        decisions=len(alarm),
        positives=int(scored.label.sum()),
    )


def cheapest_threshold(scored: Scored, costs: CostSettings) -> float:
    """The threshold with the lowest cost; where a whole range is as cheap, the range's middle.

    Never below the break-even, where a visit costs as much as the failure it may foresee: a small
    sample can argue otherwise by luck alone.
    """
    lowest = costs.break_even
    quantiles = np.quantile(scored.probability, 1 - np.logspace(-4, -0.3, _CANDIDATES))
    grid = np.linspace(lowest, _HIGHEST, _CANDIDATES)
    candidates = np.unique(np.clip(np.append(quantiles, grid), lowest, _HIGHEST))
    totals = np.array([_cost(scored, float(value), costs) for value in candidates])
    first = int(totals.argmin())
    dearer = np.flatnonzero(totals[first:] > totals[first])
    last = first + int(dearer[0]) - 1 if len(dearer) else len(candidates) - 1
    return float((candidates[first] + candidates[last]) / 2)


def _cost(scored: Scored, threshold: float, costs: CostSettings) -> float:
    alarm = scored.probability >= threshold
    failures, warned = _by_failure(scored, alarm)
    return costs.visit * _by_episode(scored, alarm)[1] + costs.failure_in_service * (
        failures - warned
    )


def _by_decision(alarm: NDArray[np.bool_], label: NDArray[np.bool_]) -> tuple[float, float, float]:
    hit = int((alarm & label).sum())
    precision = hit / max(1, int(alarm.sum()))
    recall = hit / max(1, int(label.sum()))
    return precision, recall, 2 * hit / max(1, int(alarm.sum()) + int(label.sum()))


def _by_failure(scored: Scored, alarm: NDArray[np.bool_]) -> tuple[int, int]:
    """(failures that any decision could have foretold, those that were, in time)."""
    device, at = scored.failures.device, scored.failures.at
    asked = _some_in_window(scored, np.ones(len(alarm), bool), device, at)
    warned = _some_in_window(scored, alarm, device, at)
    return int(asked.sum()), int(warned.sum())


def _some_in_window(
    scored: Scored, chosen: NDArray[np.bool_], device: Ints, at: Floats
) -> NDArray[np.bool_]:
    marks = Marks(
        ("",),
        np.zeros(int(chosen.sum()), np.int64),
        scored.device[chosen],
        scored.moment[chosen],
        scored.moment[chosen],
    )
    lead = hours_since_last(marks, device, at - _LEAD_H) + _LEAD_H
    return lead <= scored.horizon_h


def _by_episode(scored: Scored, alarm: NDArray[np.bool_]) -> tuple[int, int]:
    """(episodes, false ones)."""
    device, moment = scored.device[alarm], scored.moment[alarm]
    if not len(device):
        return 0, 0
    starts = np.ones(len(device), bool)
    starts[1:] = (device[1:] != device[:-1]) | (np.diff(moment) > _EPISODE_GAP_H)
    first = np.flatnonzero(starts)
    last = np.append(first[1:] - 1, len(device) - 1)
    ahead = hours_to_next(scored.failures, device[first], moment[first])
    false = moment[first] + ahead > moment[last] + scored.horizon_h
    return len(first), int(false.sum())


def _span_h(scored: Scored) -> float:
    return float(np.ptp(scored.moment)) if len(scored.moment) else 0.0
