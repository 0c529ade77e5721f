"""What a model must beat: the best single limit on a single feature, and a straight line."""

from __future__ import annotations

from functools import partial

from models.learn.forecast import Forecast, fit_simple
from models.learn.learner import LINE, STUMP
from pipeline.features.definitions import Feature

fit_rule = partial(fit_simple, STUMP)
"""The best single limit on a single feature: what a person would write as a rule."""

fit_logistic = partial(fit_simple, LINE)
"""Logistic regression on all features, standardised, unknown ones at their median."""


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
