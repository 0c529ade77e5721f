"""What nobody can pass: the PR-AUC of an observer who sees all wear as it is, from its first moment.

The observer (`models/examine/observer.py`) knows how parts fail, and sees each rise of wear without any
noise, but not what will become of it: its answer is the chance that a rise such as this one ends in a
failure within the horizon. All decisions outside of rises it takes to be alike. Ranked by the
true chance, nothing that looks at less ranks better. A second one looks only once the signs
are *visible* (`simulator/evidence.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from models.examine.observer import came, chance, rising_h
from pipeline.features.frames import Floats
from simulator.truth import Outcome, Truth

_HOUR = timedelta(hours=1)
_STEP_H = 0.25  # between two moments at which the observer is asked

Sign = Callable[[Truth], datetime | None]


@dataclass(frozen=True, slots=True)
class Bound:
    """One component's bounds, beside what its model reached; None where nothing failed.

    Attributes:
        component: as it is judged: `component`, or `kind/component`.
        oracle: who sees all wear from its first moment; a model passes it by luck alone.
        visible: who sees what is visible: what a very good model reaches.
    """

    component: str
    model: float | None
    oracle: float | None
    visible: float | None


def bounds(
    truth: Iterable[Truth], horizon: timedelta, judged: Mapping[str, Mapping[str, Any]]
) -> tuple[Bound, ...]:
    """The bounds of each component of `judged`: its `decisions`, `positives` and `pr_auc`, by name.

    `truth` is of the period that was judged.
    """
    rows = list(truth)
    return tuple(
        _bound(name, [row for row in rows if _is_of(row, name)], horizon, figures)
        for name, figures in sorted(judged.items())
    )


def _is_of(row: Truth, name: str) -> bool:
    kind, _, component = name.rpartition("/")
    return row.component == component and kind in ("", row.kind)


def _bound(
    name: str, rows: Sequence[Truth], horizon: timedelta, figures: Mapping[str, Any]
) -> Bound:
    decisions, positives = figures.get("decisions"), figures.get("positives")
    failures = sum(row.outcome is Outcome.FAILED for row in rows)
    if not failures or not decisions or not positives:
        return Bound(name, figures.get("pr_auc"), None, None)

    def reached(sign: Sign) -> float:
        seen = [_answers(row, sign(row), horizon) for row in rows]
        weight = float(positives) * _STEP_H / (failures * (horizon / _HOUR))
        return round(_precision(seen, weight, float(positives), float(decisions)), 4)

    return Bound(
        name,
        figures.get("pr_auc"),
        reached(lambda row: row.first_sign),
        reached(lambda row: row.visible_from),
    )


def _answers(row: Truth, sign: datetime | None, horizon: timedelta) -> Floats:
    """(moments from the sign on, 2): the observer's answer, and whether the part fails in time."""
    if sign is None or row.first_sign is None:
        return np.zeros((0, 2))
    first, horizon_h = (sign - row.first_sign) / _HOUR + _STEP_H / 2, horizon / _HOUR
    since = np.arange(first, rising_h(row), _STEP_H)
    return np.column_stack([chance(row, horizon_h, since), came(row, horizon_h, since)])


def _precision(seen: Sequence[Floats], weight: float, positives: float, decisions: float) -> float:
    """Average precision, each moment of a rise for `weight` decisions; the others come last, or where
    their share of failures puts them."""
    told = np.concatenate(seen)
    answer, hit = told[:, 0], weight * told[:, 1]
    rest = max(0.0, positives - hit.sum())
    others = max(rest, decisions - weight * len(told))
    answer = np.append(answer, rest / others if others else 0.0)
    hit, asked = np.append(hit, rest), np.append(np.full(len(told), weight), others)
    level = np.unique(-answer, return_inverse=True)[1]
    hits, size = np.bincount(level, hit), np.bincount(level, asked)
    return float((hits * np.cumsum(hits) / np.cumsum(size)).sum() / hits.sum())
