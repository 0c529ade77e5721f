"""How far figures could be off: 95 % intervals by drawing the devices anew, with replacement.

Decisions of one device resemble each other, so devices are drawn, each with all that it has. The areas
under the curves are computed on the ranks of the probabilities, thinned where they lie close.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from models.judge.evaluation import MONTH_H, Scored, columns, tally
from models.settings import CostSettings
from pipeline.features.frames import Floats, Ints

DRAWS = 300
_RANKS = 1500  # of all ranks; the first some hundred are all among them
_LEVELS = (2.5, 97.5)

Interval = tuple[float, float] | None


def draw_devices(devices: int, seed: int = 0) -> Floats:
    """(draws, devices): how often each device is in each draw."""
    draw = np.random.default_rng(seed)
    shares = np.full(devices, 1 / max(1, devices))
    counts: Floats = draw.multinomial(devices, shares, size=DRAWS).astype(np.float64)
    return counts


def redrawn(
    scored: Scored, threshold: float, costs: CostSettings, counts: Floats
) -> dict[str, Floats]:
    """The main figures in each draw: (draws,) each, NaN where a draw gives them no meaning.

    `counts` is (draws, devices), with at least as many devices as `scored` has.
    """
    drawn = {
        name: counts[:, : len(value)] @ value
        for name, value in columns(tally(scored, threshold)).items()
    }
    found = _sharing(drawn)
    found["cost"] = costs.total(drawn["failures"], drawn["warned"], drawn["false_episodes"])
    error = np.bincount(
        scored.device, (scored.probability - scored.label) ** 2, minlength=scored.devices
    )
    found["brier"] = _ratio(counts[:, : scored.devices] @ error, drawn["decisions"])
    return found | _areas(scored, counts[:, : scored.devices])


def interval(values: Floats) -> Interval:
    """The middle 95 % of the draws that have a meaning; None where no draw has."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, _LEVELS)
    return float(low), float(high)


def _sharing(drawn: Mapping[str, Floats]) -> dict[str, Floats]:
    hits, alarms, positives = drawn["hits"], drawn["alarms"], drawn["positives"]
    months = drawn["watched_h"] / MONTH_H
    return {
        "precision": _ratio(hits, alarms),
        "recall": _ratio(hits, positives),
        "f1": _ratio(2 * hits, alarms + positives),
        "warned_share": _ratio(drawn["warned"], drawn["failures"]),
        "false_episodes_per_device_month": _ratio(drawn["false_episodes"], months),
    }


def _areas(scored: Scored, counts: Floats) -> dict[str, Floats]:
    """ROC-AUC and average precision of each draw."""
    n = len(scored.probability)
    if not n or not scored.label.any():
        nothing = np.full(len(counts), np.nan)
        return {"pr_auc": nothing, "roc_auc": nothing}
    order = np.argsort(-scored.probability, kind="stable")
    step = _steps(scored.probability[order])
    right, wrong = (_by_step(scored, order, step, kind) @ counts.T for kind in (True, False))
    hits, falls = np.cumsum(right, axis=0), np.cumsum(wrong, axis=0)
    precision = _ratio(hits, hits + falls)
    roc = ((hits - right / 2) * wrong).sum(axis=0)
    return {
        "pr_auc": _ratio(np.nansum(precision * right, axis=0), hits[-1]),
        "roc_auc": _ratio(roc, hits[-1] * falls[-1]),
    }


def _steps(descending: Floats) -> Ints:
    """Which step each rank belongs to: equal values share one, and low ranks are thinned."""
    n = len(descending)
    kept = np.zeros(n, bool)
    kept[np.unique(np.geomspace(1, n, _RANKS).astype(np.int64)) - 1] = True
    differs = np.append(True, descending[1:] != descending[:-1])
    # A kept rank amid equal values begins its step where those values begin.
    begins = np.maximum.accumulate(np.where(differs, np.arange(n), 0))
    first = np.zeros(n, bool)
    first[begins[kept]] = True
    step: Ints = np.cumsum(first) - 1
    return step


def _by_step(scored: Scored, order: Ints, step: Ints, kind: bool) -> csr_array:
    """(steps, devices): how many decisions with that outcome."""
    chosen = scored.label[order] == kind
    device = scored.device[order][chosen]
    shape = (int(step[-1]) + 1, scored.devices)
    return csr_array((np.ones(len(device)), (step[chosen], device)), shape=shape)


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = np.where(whole > 0, part / whole, np.nan)
    return result
