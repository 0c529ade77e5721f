"""What a model must beat: the best single limit on a single feature, and a straight line."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from models.dataset import Dataset, TaskRows
from models.forecast import (
    Bools,
    Estimator,
    Fitted,
    Forecast,
    LearnSettings,
    Progress,
    Values,
    fit_each,
)
from pipeline.features.definitions import Feature


def fit_rule(
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, Fitted]:
    """The best single limit on a single feature: what a person would write as a rule."""
    return fit_each(_stump, data, rows, learn, horizon_h, settings, progress)


def fit_logistic(
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, Fitted]:
    """Logistic regression on all features, standardised, unknown ones at their median."""
    return fit_each(_line, data, rows, learn, horizon_h, settings, progress)


def rule_text(rule: Forecast, features: tuple[Feature, ...]) -> str:
    """The limit of a rule's forecast, as a person would write it."""
    tree = rule.estimator.tree_
    if tree.feature[0] < 0:
        return "none"
    sides = tree.value[1:, 0, 1]
    sign = "<=" if sides[0] > sides[1] else ">"
    return f"{features[tree.feature[0]].name} {sign} {tree.threshold[0]:.4g}"


def _stump(values: Values, label: Bools) -> Estimator:
    return DecisionTreeClassifier(max_depth=1, random_state=0).fit(values, label)


def _line(values: Values, label: Bools) -> Estimator:
    line = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=300),
    )
    return line.fit(np.asarray(values, np.float64), label)
