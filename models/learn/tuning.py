"""Rehearsals: what models foretell of a past that they have not learned from, and what it teaches.

With enough failures each model learns from what came before (a rolling origin); with few, from
other devices, so that every failure is foretold once. Variants and the blend of the learners are
chosen on that, and only on that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize

from models.learn.calibration import sigmoid
from models.learn.learner import Bools, Family, Lesson
from pipeline.features.frames import Floats, Ints

_ORIGINS = (0.5, 0.75)  # of the learning part: where each rehearsal stops learning
_ENOUGH_BY_TIME = 30  # failures: with fewer, a half of them is too few to learn from
_DEVICE_FOLDS = 3
_CONVINCING = 120  # failures: with far fewer, the families are trusted about alike


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Rows to learn from, and rows to foretell after that."""

    teach: Ints
    ask: Ints


def folds(
    moment: Floats, device: Ints, label: Bools, failures: int, horizon_h: float, by_device: bool
) -> list[Fold]:
    """The folds in which both parts know failures."""
    if by_device or failures < _ENOUGH_BY_TIME:
        found = _by_device(device, label)
    else:
        found = _by_time(moment, horizon_h) or _by_device(device, label)
    return [fold for fold in found if len(fold.teach) and label[fold.ask].any()]


def _by_time(moment: Floats, horizon_h: float) -> list[Fold]:
    first, last = float(moment.min()), float(moment.max()) + 1
    bounds = [first + share * (last - first) for share in (*_ORIGINS, 1.0)]
    return [
        Fold(
            np.flatnonzero(moment + horizon_h <= start),
            np.flatnonzero((moment >= start) & (moment < end)),
        )
        for start, end in pairwise(bounds)
    ]


def _by_device(device: Ints, label: Bools) -> list[Fold]:
    """Devices that failed are dealt out evenly, and so are the others."""
    failed = np.zeros(int(device.max()) + 1, bool)
    failed[device[label]] = True
    fold = np.zeros(len(failed), np.int64)
    for group in (np.flatnonzero(failed), np.flatnonzero(~failed)):
        order = np.random.default_rng(0).permutation(group)
        fold[order] = np.arange(len(order)) % _DEVICE_FOLDS
    return [
        Fold(np.flatnonzero(fold[device] != part), np.flatnonzero(fold[device] == part))
        for part in range(_DEVICE_FOLDS)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsed:
    """Logits of rows by models that had not learned from them: one array a variant and family."""

    row: Ints
    logits: Mapping[str, Sequence[Floats]]


def rehearse(
    lesson: Lesson, parts: Sequence[Fold], families: Sequence[Family], most: int | None = None
) -> Rehearsed:
    """What each variant of each family foretells of each fold's later (or other) part, from the `most`
    telling columns of what it learned from; None: from all."""
    usable = [
        (lesson.focused(fold.teach, most), fold) for fold in parts if lesson.can_teach(fold.teach)
    ]
    row = np.concatenate([fold.ask for _, fold in usable] or [np.zeros(0, np.int64)])
    told = {
        family.name: [
            np.concatenate(each)
            for each in zip(*(_foretold(own, fold, family) for own, fold in usable), strict=True)
        ]
        for family in families
    }
    return Rehearsed(row, told)


def _foretold(lesson: Lesson, fold: Fold, family: Family) -> list[Floats]:
    asked, last = lesson.rows(fold.ask), family.variants[-1]
    if family.staged:
        return lesson.learn(fold.teach, family, last).staged(asked, family.variants)
    return [lesson.learn(fold.teach, family, variant).logits(asked) for variant in family.variants]


@dataclass(frozen=True, slots=True)
class Blend:
    """Log odds of failing = intercept + the families' log odds, weighted: calibrated by this.

    Attributes:
        variant: of each family the variant chosen.
        weight: of each family, not negative.
    """

    variant: Mapping[str, float]
    weight: Mapping[str, float]
    intercept: float

    def to_json(self) -> dict[str, Any]:
        return {
            "variant": dict(self.variant),
            "weight": dict(self.weight),
            "intercept": self.intercept,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Blend:
        return Blend(data["variant"], data["weight"], data["intercept"])

    def apply(self, logits: Mapping[str, Floats], rows: int) -> Floats:
        """(rows,) probability, from the families' logits; all alike where no family tells."""
        total = np.full(rows, self.intercept)
        for name, each in logits.items():
            total += self.weight[name] * each
        return sigmoid(total)


def blend(
    told: Rehearsed, families: Sequence[Family], label: Bools, weight: Floats, failures: int
) -> tuple[Blend, Floats]:
    """(the variants and weights that foretold best, what they foretold: probabilities)."""
    chosen: dict[str, float] = {}
    logits: dict[str, Floats] = {}
    trust = max(1.0, label.sum() / max(1, failures))  # one failure's decisions are one witness
    pull = (_CONVINCING / max(1, failures)) ** 2
    for family in families:
        losses = [_fit([each], label, weight, trust, pull)[1] for each in told.logits[family.name]]
        best = int(np.argmin(losses))
        chosen[family.name] = family.variants[best]
        logits[family.name] = told.logits[family.name][best]
    weights, _ = _fit(list(logits.values()), label, weight, trust, pull)
    kept = dict(zip(logits, weights[1:].tolist(), strict=True))
    found = Blend(chosen, kept, float(weights[0]))
    return found, found.apply(logits, len(label))


def surprise(probability: Floats, label: Bools, weight: Floats) -> float:
    """Log loss: how little was foretold of what came, over all rows."""
    told = np.where(label, probability, 1 - probability)
    return float(-(weight * np.log(np.maximum(told, 1e-12))).sum())


def _fit(
    logits: Sequence[Floats], label: Bools, weight: Floats, trust: float, pull: float
) -> tuple[Floats, float]:
    """((intercept, weights), loss): logistic regression with weights that are not negative, and
    are pulled towards each other, and their sum towards one."""
    columns = np.column_stack(logits)

    def loss(at: Floats) -> tuple[float, Floats]:
        score = at[0] + columns @ at[1:]
        missed = np.logaddexp(0, score) - label * score
        slope = weight * (sigmoid(score) - label) / trust
        apart, excess = at[1:] - at[1:].mean(), at[1:].sum() - 1
        value = (weight * missed).sum() / trust + pull * (apart @ apart) + excess**2 / 2
        bent = slope @ columns + 2 * pull * apart + excess
        return float(value), np.concatenate([[slope.sum()], bent])

    start = np.concatenate([[0.0], np.full(columns.shape[1], 1 / columns.shape[1])])
    bounds = [(None, None), *[(0.0, None)] * columns.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float64), float(found.fun)
