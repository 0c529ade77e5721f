"""Where to set the threshold, so that warnings and surprises together cost least."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.judge.evaluation import MONTH_H, Scored, episodes_of, failures_of, first_warning
from models.settings import CostSettings
from pipeline.features.frames import Floats

_CANDIDATES = 40
_HIGHEST = 0.98
_EVEN = 1e-9  # of two sums of money, in relation to their size


@dataclass(frozen=True, slots=True, eq=False)
class CostCurve:
    """What a period costs at each threshold, in the currency of the costs.

    Attributes:
        false_per_month: false episodes per device-month there.
    """

    threshold: Floats
    cost: Floats
    false_per_month: Floats


def cost_curve(scored: Scored, thresholds: Floats, costs: CostSettings) -> CostCurve:
    """Cost and false episodes at each of `thresholds`."""
    near = scored.probability >= thresholds.min(initial=1.0)
    part = replace(
        scored,
        device=scored.device[near],
        moment=scored.moment[near],
        probability=scored.probability[near],
        label=scored.label[near],
    )
    asked = failures_of(scored, np.zeros(len(near), bool))
    weight = np.ones(scored.devices) if scored.weight is None else scored.weight
    warned, false = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for place, threshold in enumerate(thresholds):
        alarm = part.probability >= threshold
        first = first_warning(part, alarm, asked.device, asked.at)
        warned[place] = weight[asked.device[~np.isnan(first)]].sum()
        episodes = episodes_of(part, alarm)
        false[place] = weight[episodes.device[episodes.false]].sum()
    months = weight[scored.device].sum() * scored.every_h / MONTH_H
    total = costs.total(weight[asked.device].sum(), warned, false)
    return CostCurve(thresholds, total, false / max(months, _EVEN))


def candidates(scored: Scored, costs: CostSettings) -> Floats:
    """Thresholds worth trying: never below the break-even, where a visit costs as much as the failure
    that it may foresee, as a small sample can argue otherwise by luck alone."""
    lowest = min(costs.break_even, _HIGHEST)
    grid = np.linspace(lowest, _HIGHEST, _CANDIDATES)
    quantiles = np.quantile(scored.probability, 1 - np.logspace(-4, -0.3, _CANDIDATES))
    return np.unique(np.clip(np.append(quantiles, grid), lowest, _HIGHEST))


def cheapest_threshold(scored: Scored, costs: CostSettings) -> float:
    """The threshold with the lowest cost; where a whole range is as cheap, the range's middle.

    Where the costs set a limit to false episodes, only thresholds that keep it are asked. If none
    does, the answer is 1: silence.
    """
    if not len(scored.probability):
        return _HIGHEST
    curve = cost_curve(scored, candidates(scored, costs), costs)
    most = np.inf if costs.most_false is None else costs.most_false
    total = np.where(curve.false_per_month <= most, curve.cost, np.inf)
    first = int(total.argmin())
    if not np.isfinite(total[first]):
        return 1.0
    dearer = np.flatnonzero(total[first:] > total[first] * (1 + _EVEN) + _EVEN)
    last = first + int(dearer[0]) - 1 if len(dearer) else len(total) - 1
    return float((curve.threshold[first] + curve.threshold[last]) / 2)
