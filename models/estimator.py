"""The learners: gradient boosting with calibrated probabilities, and the rule it must beat."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from models.settings import TrainSettings
from pipeline.features.frames import Floats, Ints

_EDGE = 1e-6
_ROUNDS = 100

Learner: TypeAlias = Any
"""One of scikit-learn's classifiers; the library is not typed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling: probability = sigmoid(slope * logit(raw) + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, raw: Floats) -> Floats:
        scaled: Floats = 1 / (1 + np.exp(-(self.slope * _logit(raw) + self.intercept)))
        return scaled

    def after(self, shift: float) -> Calibration:
        """The scaling that shifts the raw logit first."""
        return Calibration(self.slope, self.intercept + self.slope * shift)


def fit(values: NDArray[np.float32], label: NDArray[np.bool_]) -> HistGradientBoostingClassifier:
    """Boosted trees; missing values are a branch of their own."""
    known = np.where(np.isnan(values).all(axis=0), np.float32(0), values)  # it can't bin no values
    model = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        learning_rate=0.1,
        max_features=0.4,  # of the features at each split: most say much the same as others
        max_leaf_nodes=15,
        max_bins=63,
        min_samples_leaf=25,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(known, label)


def fit_rule(values: NDArray[np.float32], label: NDArray[np.bool_]) -> DecisionTreeClassifier:
    """The best single limit on a single feature: what a person would write as a rule."""
    return DecisionTreeClassifier(max_depth=1, random_state=0).fit(values, label)


def raw_probability(model: Learner, values: NDArray[np.float32]) -> Floats:
    """(rows,) the model's own probability, before calibration."""
    raw: Floats = model.predict_proba(values)[:, 1].astype(np.float64)
    return raw


def calibrate(raw: Floats, label: NDArray[np.bool_]) -> Calibration:
    """Fitted on decisions that the model has not learned from; none where nothing failed."""
    if label.all() or not label.any():
        return Calibration()
    scaler = LogisticRegression(C=10.0).fit(_logit(raw)[:, None], label)
    return Calibration(float(scaler.coef_[0, 0]), float(scaler.intercept_[0]))


def thin(label: NDArray[np.bool_], settings: TrainSettings) -> tuple[Ints, float]:
    """(rows to learn from: all positives and a random share of the negatives, logit shift).

    A model of thinned rows thinks failures likelier than they are; adding the shift to its logit
    undoes that. (Weights would too, but make scikit-learn's binning hundreds of times slower.)
    """
    positives, negatives = np.flatnonzero(label), np.flatnonzero(~label)
    wanted = max(settings.fewest_negatives, settings.negatives_per_positive * len(positives))
    if len(negatives) <= wanted:
        return np.arange(len(label)), 0.0
    kept = np.random.default_rng(0).choice(negatives, wanted, replace=False)
    return np.sort(np.concatenate([positives, kept])), log(wanted / len(negatives))


def _logit(probability: Floats) -> Floats:
    clipped = np.clip(probability, _EDGE, 1 - _EDGE)
    logit: Floats = np.log(clipped / (1 - clipped))
    return logit
