"""From a model's scores to probabilities that can be taken at their word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pipeline.features.frames import Floats

_EDGE = 1e-7


@dataclass(frozen=True, slots=True)
class Platt:
    """probability = sigmoid(slope * logit + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, logits: Floats) -> Floats:
        return sigmoid(self.slope * logits + self.intercept)


def calibrate(logits: Floats, label: NDArray[np.bool_]) -> Platt:
    """Fitted on decisions that the model has not learned from; none where all went alike."""
    if label.all() or not label.any():
        return Platt()
    scaler = LogisticRegression(C=10.0).fit(logits[:, None], label)
    return Platt(float(scaler.coef_[0, 0]), float(scaler.intercept_[0]))


def sigmoid(logits: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-np.clip(logits, -40.0, 40.0)))
    return probability


def logit(probability: Floats) -> Floats:
    clipped = np.clip(probability, _EDGE, 1 - _EDGE)
    logits: Floats = np.log(clipped / (1 - clipped))
    return logits
