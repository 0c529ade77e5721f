"""The learner's face: one forecast a component, and what it foretold of a past it had not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.calibration import Platt, calibrate, logit
from models.dataset import Dataset, TaskRows
from pipeline.features.frames import Floats, Ints

ALLOWED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""The types that a stored forecast's estimators may hold beside those that skops trusts."""

FEWEST_FAILURES = 5
"""A component whose learning part shows fewer failed decisions gets no forecast."""

Bools: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float32]
Progress: TypeAlias = Callable[[str, float], None]
Estimator: TypeAlias = Any
"""One of scikit-learn's classifiers; the library is not typed."""
Learner: TypeAlias = Callable[[Values, Bools], Estimator]

_FOLDS = (0.5, 0.75)  # of the learning part: where each rehearsal stops learning
_NEGATIVES_PER_POSITIVE, _FEWEST_NEGATIVES = 20, 6_000


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """How learning is rehearsed.

    Attributes:
        by_device: on devices held out, instead of on later moments.
        workers: processes that learn at a time.
    """

    by_device: bool = False
    workers: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """What was foretold inside the learning part by models that had not learned from it.

    Attributes:
        row: indexes into the component's TaskRows, increasing.
        probability: calibrated, of failing within the task's horizon.
    """

    row: Ints
    probability: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Foretells one component of one kind of device."""

    horizon_h: float
    estimator: Estimator
    platt: Platt

    def within(self, values: Values, hours: Sequence[float]) -> Floats:
        """(rows, len(hours)): calibrated probability of failing within so many hours.

        `values` is (rows, features) in the order of the data set learned from; NaN is unknown.
        """
        raw = logit(self.estimator.predict_proba(values)[:, 1].astype(np.float64))
        at_horizon = self.platt.apply(raw)
        spans = np.asarray(hours, float) / self.horizon_h
        probability: Floats = 1 - (1 - at_horizon[:, None]) ** spans[None, :]
        return probability

    def estimators(self) -> dict[str, Estimator]:
        """What a registry keeps as an artifact."""
        return {"direct": self.estimator}

    def settings(self) -> dict[str, Any]:
        """What a registry keeps as JSON beside the artifact."""
        return {
            "horizon_h": self.horizon_h,
            "platt": [self.platt.slope, self.platt.intercept],
        }

    @staticmethod
    def restore(estimators: Mapping[str, Estimator], settings: Mapping[str, Any]) -> Forecast:
        """The forecast that `estimators()` and `settings()` were taken from."""
        return Forecast(settings["horizon_h"], estimators["direct"], Platt(*settings["platt"]))


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A forecast and its rehearsal."""

    forecast: Forecast
    rehearsal: Rehearsal


def fit_components(
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, Fitted]:
    """A forecast of each component, learned from the rows that `learn` marks.

    A component with too few failures to learn from is missing from the answer.
    """
    return fit_each(boosted, data, rows, learn, horizon_h, settings, progress)


def fit_each(
    learner: Learner,
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, Fitted]:
    """The same with any learner: rehearsed, calibrated, fitted."""
    chosen = settings or LearnSettings()
    found: dict[str, Fitted] = {}
    for done, (component, task) in enumerate(rows.items()):
        if progress:
            progress(component, done / len(rows))
        fitted = _fit_one(learner, data, task, np.flatnonzero(learn[component]), horizon_h, chosen)
        if fitted is not None:
            found[component] = fitted
    return found


def _fit_one(
    learner: Learner,
    data: Dataset,
    task: TaskRows,
    learn: Ints,
    horizon_h: float,
    settings: LearnSettings,
) -> Fitted | None:
    label = task.label[learn]
    if label.sum() < FEWEST_FAILURES or label.all():
        return None
    row, raw = _rehearse(learner, data, task, learn, horizon_h, settings)
    platt = calibrate(raw, task.label[row])
    estimator, shift = _fit(learner, data, task, learn)
    moved = Platt(platt.slope, platt.intercept + platt.slope * shift)
    return Fitted(
        Forecast(horizon_h, estimator, moved),
        Rehearsal(row, platt.apply(raw)),
    )


def _rehearse(
    learner: Learner,
    data: Dataset,
    task: TaskRows,
    learn: Ints,
    horizon_h: float,
    settings: LearnSettings,
) -> tuple[Ints, Floats]:
    """(rows, logits) of what models foretold that had not learned from those rows."""
    row: list[Ints] = []
    raw: list[Floats] = []
    for teach, ask in _folds(task, learn, horizon_h, settings):
        if task.label[teach].any() and len(ask):
            estimator, shift = _fit(learner, data, task, teach)
            row.append(ask)
            raw.append(_logits(estimator, data.values[task.index[ask]]) + shift)
    if not row:
        return np.zeros(0, np.int64), np.zeros(0)
    rows, logits = np.concatenate(row), np.concatenate(raw)
    order = np.argsort(rows, kind="stable")
    return rows[order], logits[order]


def _folds(
    task: TaskRows, learn: Ints, horizon_h: float, settings: LearnSettings
) -> list[tuple[Ints, Ints]]:
    if settings.by_device:
        part = np.random.default_rng(0).permutation(int(task.device.max()) + 1)[task.device] % 4
        return [(learn[part[learn] != fold], learn[part[learn] == fold]) for fold in range(4)]
    moment = task.moment[learn]
    first, last = float(moment.min()), float(moment.max())
    bounds = [first + share * (last - first) for share in (*_FOLDS, 1.0)]
    bounds[-1] = np.inf
    return [
        (
            learn[moment + horizon_h <= start],
            learn[(moment >= start) & ((moment + horizon_h <= end) | np.isinf(end))],
        )
        for start, end in pairwise(bounds)
    ]


def _fit(learner: Learner, data: Dataset, task: TaskRows, learn: Ints) -> tuple[Estimator, float]:
    """(estimator, what to add to its logits): negatives are thinned out."""
    teaching = learn[task.teaches[learn]]
    label = task.label[teaching]
    positives, negatives = np.flatnonzero(label), np.flatnonzero(~label)
    wanted = max(_FEWEST_NEGATIVES, _NEGATIVES_PER_POSITIVE * len(positives))
    shift = 0.0
    if len(negatives) > wanted:
        shift = log(wanted / len(negatives))
        negatives = np.random.default_rng(0).choice(negatives, wanted, replace=False)
    kept = np.sort(np.concatenate([positives, negatives]))
    return learner(data.values[task.index[teaching[kept]]], label[kept]), shift


def boosted(values: Values, label: Bools) -> Estimator:
    """Boosted trees; missing values are a branch of their own."""
    known = np.where(np.isnan(values).all(axis=0), np.float32(0), values)  # it can't bin no values
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.1,
        max_features=0.4,  # of the features at each split: most say much the same as others
        max_leaf_nodes=15,
        max_bins=63,
        min_samples_leaf=25,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(known, label)


def _logits(estimator: Estimator, values: Values) -> Floats:
    return logit(estimator.predict_proba(values)[:, 1].astype(np.float64))
