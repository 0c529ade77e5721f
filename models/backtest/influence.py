"""What a model looks at: how much worse it becomes when it no longer knows something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset, TaskRows
from models.learn.forecast import Forecast
from pipeline.features.definitions import Feature
from pipeline.features.frames import Floats, Ints

_MOST_POSITIVES, _MOST_NEGATIVES = 300, 700
_EDGE = 1e-6


def influence(data: Dataset, rows: TaskRows, forecast: Forecast) -> list[tuple[str, float]]:
    """(group, share of all influence), largest first.

    The features of one subject (a metric, a code, a component's history) are shuffled together
    between decisions, and the growth of the log loss is the group's influence. Decisions of the learning
    part are asked: it says what the model uses, not how good that is.
    """
    chosen = _some(rows)
    values, label = data.values[rows.index[chosen]], rows.label[chosen]
    groups: dict[str, list[int]] = {}
    for column, feature in enumerate(data.features):
        groups.setdefault(_group(feature), []).append(column)
    whole = _loss(forecast, values, label)
    order = np.random.default_rng(0).permutation(len(values))
    growth: dict[str, float] = {}
    for name, columns in groups.items():
        kept = values[:, columns]
        values[:, columns] = kept[order]
        growth[name] = max(0.0, _loss(forecast, values, label) - whole)
        values[:, columns] = kept
    total = sum(growth.values()) or 1.0
    return sorted(((name, size / total) for name, size in growth.items()), key=lambda one: -one[1])


def _some(rows: TaskRows) -> Ints:
    draw = np.random.default_rng(0)
    parts: Sequence[tuple[Ints, int]] = (
        (np.flatnonzero(rows.label), _MOST_POSITIVES),
        (np.flatnonzero(~rows.label), _MOST_NEGATIVES),
    )
    return np.sort(np.concatenate([draw.permutation(part)[:most] for part, most in parts]))


def _group(feature: Feature) -> str:
    return f"{feature.source} {feature.subject.strip(':')}".strip()


def _loss(forecast: Forecast, values: NDArray[np.float32], label: NDArray[np.bool_]) -> float:
    told: Floats = forecast.within(values, [forecast.horizon_h])[:, 0]
    right = np.clip(np.where(label, told, 1 - told), _EDGE, 1.0)
    return float(-np.log(right).mean())
