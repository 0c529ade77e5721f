"""What a model must beat: the best single limit on a single feature, and a straight line."""

from __future__ import annotations

from collections.abc import Mapping

from models.dataset import Dataset, TaskRows
from models.forecast import Bools, Fitted, Forecast, LearnSettings, fit_simple
from models.learner import LINE, STUMP
from pipeline.features.definitions import Feature


def fit_rule(
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
) -> dict[str, Fitted]:
    """The best single limit on a single feature: what a person would write as a rule."""
    return fit_simple(STUMP, data, rows, learn, horizon_h, settings)


def fit_logistic(
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
) -> dict[str, Fitted]:
    """Logistic regression on all features, standardised, unknown ones at their median."""
    return fit_simple(LINE, data, rows, learn, horizon_h, settings)


def rule_text(rule: Forecast, features: tuple[Feature, ...]) -> str:
    """The limit of a rule's forecast, as a person would write it; none where no limit tells."""
    if STUMP.name not in rule.learned:
        return "none"
    tree = rule.learned[STUMP.name][0].estimator.tree_
    if tree.feature[0] < 0:
        return "none"
    sides = tree.value[1:, 0, 1]
    sign = "<=" if sides[0] > sides[1] else ">"
    return f"{features[rule.columns[tree.feature[0]]].name} {sign} {tree.threshold[0]:.4g}"
