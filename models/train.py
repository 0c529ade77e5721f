"""Trains one model a task, judges it on a later period, and promotes it if it is cheaper.

The period is cut in time: training | test, a horizon apart. Calibration and threshold are chosen
inside the training part, on decisions later than what the fold's model learned from. The figures come
from a model fitted before the test period; the one that is kept learns from all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from domain.clock import Clock
from models.dataset import Dataset, TaskRows, load_dataset, task_rows
from models.estimator import (
    Calibration,
    Learner,
    calibrate,
    fit,
    fit_rule,
    raw_probability,
    thin,
)
from models.evaluation import Metrics, Scored, evaluate
from models.money import cheapest_threshold
from models.registry import Model, NewModel, Task, add, champions
from models.settings import TrainSettings
from pipeline.features.definitions import Vocabulary, features, schema_hash
from pipeline.features.frames import HOUR, Floats
from storage.database import Conn, Database
from storage.queries import load

_FEWEST_TO_COMPARE = 5
_FOLDS = (0.5, 0.75)  # of the training part: where each fold stops learning
_log = structlog.get_logger()
_L = TypeVar("_L", bound=Learner)

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is behind it (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made of one task.

    Attributes:
        rule: the best single limit on a single feature, on the same test period.
    """

    model_id: int
    task: Task
    stage: str
    threshold: float
    test: Metrics
    rule: Metrics


def train(
    database: Database,
    clock: Clock,
    *,
    horizon: timedelta = timedelta(hours=24),
    settings: TrainSettings | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Trains every task with enough failures, on all that is stored by `clock.now()`."""
    chosen = settings or TrainSettings()
    say = progress or (lambda _what, _share: None)
    with database.transaction() as conn:
        tasks = _tasks(conn, clock.now(), chosen)
        present = {str(model.task): model for model in champions(conn)}
    done: list[Trained] = []
    for kind in sorted({task.kind for task in tasks}):
        say(kind, len(done) / len(tasks))
        with database.transaction() as conn:
            data, vocabulary = _load(conn, kind, clock.now(), chosen)
        for task in [task for task in tasks if task.kind == kind]:
            say(str(task), len(done) / len(tasks))
            training = _Training(data, vocabulary, task, horizon, chosen)
            if training.possible:
                done.append(_keep(database, clock.now(), training, present.get(str(task))))
    return done


def _tasks(conn: Conn, now: datetime, settings: TrainSettings) -> list[Task]:
    parameters = {"now": now, "fewest": settings.fewest_failures}
    rows = conn.execute(load("models")["tasks"], parameters).fetchall()
    return [Task(row["kind"], row["component"]) for row in rows]


def _load(
    conn: Conn, kind: str, now: datetime, settings: TrainSettings
) -> tuple[Dataset, Vocabulary]:
    span = conn.execute(load("models")["span"], {"kind": kind, "now": now}).fetchone()
    assert span is not None
    start = span["first"] or now - timedelta(days=365)
    end = min(now, span["last"] + HOUR) if span["last"] else now
    return load_dataset(conn, kind, start, end, settings)


def _keep(
    database: Database, now: datetime, training: _Training, champion: Model | None
) -> Trained:
    candidate = training.run()
    stage = "champion" if training.beats(candidate, champion) else "candidate"
    with database.transaction() as conn:
        model_id = add(conn, training.row(candidate, stage, now))
    _log.info("trained", task=str(training.task), stage=stage, **candidate.test.to_json())
    return Trained(
        model_id, training.task, stage, candidate.threshold, candidate.test, candidate.rule
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    threshold: float
    calibration: Calibration
    probability: Floats  # of the test period's decisions
    test: Metrics
    rule: Metrics
    rule_text: str


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    fit: NDArray[np.bool_]
    choose: NDArray[np.bool_]


class _Training:
    """One task: its decisions and how they are cut in time."""

    def __init__(
        self,
        data: Dataset,
        vocabulary: Vocabulary,
        task: Task,
        horizon: timedelta,
        settings: TrainSettings,
    ) -> None:
        self.task = task
        self._data, self._vocabulary, self._settings = data, vocabulary, settings
        self._horizon, self._horizon_h = horizon, horizon / HOUR
        self._rows = task_rows(data, task.component, horizon)
        moment = self._rows.moment
        first, last = (moment.min(), moment.max()) if len(moment) else (0.0, 0.0)
        self.test_from = float(last - settings.test_share * (last - first))
        self._test = moment >= self.test_from
        bounds = [first + share * (self.test_from - first) for share in (*_FOLDS, 1.0)]
        self._folds = [
            _Fold(self._known_by(start), (moment >= start) & self._known_by(end))
            for start, end in pairwise(bounds)
        ]

    @property
    def possible(self) -> bool:
        """Whether the parts of the period have decisions of both outcomes to learn from."""
        chosen = np.any([fold.choose for fold in self._folds], axis=0)
        labels = [self._rows.label[part] for part in (self._folds[0].fit, chosen)]
        return all(bool(label.any()) and not bool(label.all()) for label in labels)

    def run(self) -> _Candidate:
        calibration, threshold = self._chosen()
        probability = calibration.apply(self._foretold(self._known_by(self.test_from), self._test))
        rule, rule_text = self._rule()
        costs = self._settings.costs
        test = evaluate(self._scored(self._test, probability), threshold, costs)
        return _Candidate(threshold, calibration, probability, test, rule, rule_text)

    def _chosen(self) -> tuple[Calibration, float]:
        """Calibration and threshold, from decisions that no fold's model has learned from."""
        raw = np.zeros(len(self._rows.index))
        for fold in self._folds:
            raw[fold.choose] = self._foretold(fold.fit, fold.choose)
        chosen = np.any([fold.choose for fold in self._folds], axis=0)
        calibration = calibrate(raw[chosen], self._rows.label[chosen])
        scored = self._scored(chosen, calibration.apply(raw[chosen]))
        return calibration, cheapest_threshold(scored, self._settings.costs)

    def beats(self, candidate: _Candidate, champion: Model | None) -> bool:
        """Whether the candidate is cheaper, on test decisions that the champion never learned
        from; a champion whose features are no longer computed is always beaten."""
        if champion is None or champion.feature_schema != schema_hash():
            return True
        learned = (champion.train_until - self._data.start) / HOUR
        fresh = self._test & (self._rows.moment >= learned)
        costs = self._settings.costs
        ours = self._scored(fresh, candidate.probability[fresh[self._test]])
        new = evaluate(ours, candidate.threshold, costs)
        if new.failures < _FEWEST_TO_COMPARE:
            return False
        raw = raw_probability(champion.estimator, self._columns_of(champion, fresh))
        theirs = self._scored(fresh, champion.calibration.apply(raw))
        return new.cost < evaluate(theirs, champion.threshold, costs).cost

    def row(self, candidate: _Candidate, stage: str, now: datetime) -> NewModel:
        whole = np.ones(len(self._rows.index), bool)
        estimator, shift = self._fitted(whole, fit)
        at = self._data.start
        return NewModel(
            task=self.task,
            stage=stage,
            trained_at=now,
            train_from=at + self._rows.moment.min() * HOUR,
            train_until=at + self._data.end * HOUR,
            test_from=at + self.test_from * HOUR,
            test_until=at + self._data.end * HOUR,
            horizon=self._horizon,
            threshold=candidate.threshold,
            feature_schema=schema_hash(),
            vocabulary=self._vocabulary,
            calibration=candidate.calibration.after(shift),
            usual=_medians(self._values(whole)),
            costs=asdict(self._settings.costs),
            metrics={
                "test": candidate.test.to_json(),
                "rule": {"text": candidate.rule_text, **candidate.rule.to_json()},
            },
            estimator=estimator,
        )

    def _known_by(self, moment: float) -> NDArray[np.bool_]:
        return self._rows.moment + self._horizon_h <= moment

    def _values(self, part: NDArray[np.bool_]) -> NDArray[np.float32]:
        return self._data.values[self._rows.index[part]]

    def _fitted(self, part: NDArray[np.bool_], learner: Callable[..., _L]) -> tuple[_L, float]:
        teaching = np.flatnonzero(part & self._rows.teaches)
        kept, shift = thin(self._rows.label[teaching], self._settings)
        rows = self._rows.index[teaching[kept]]
        return learner(self._data.values[rows], self._rows.label[teaching[kept]]), shift

    def _foretold(self, learn: NDArray[np.bool_], part: NDArray[np.bool_]) -> Floats:
        """The uncalibrated probabilities of `part`, by a model that learned from `learn`."""
        model, shift = self._fitted(learn, fit)
        return Calibration().after(shift).apply(raw_probability(model, self._values(part)))

    def _scored(self, part: NDArray[np.bool_], probability: Floats) -> Scored:
        rows: TaskRows = self._rows
        return Scored(
            rows.device[part],
            rows.moment[part],
            probability,
            rows.label[part],
            self._data.failures.of(self.task.component),
            self._horizon_h,
        )

    def _rule(self) -> tuple[Metrics, str]:
        rule, _ = self._fitted(self._known_by(self.test_from), fit_rule)
        # Of the rule's two sides the likelier one is the alarm.
        probability = raw_probability(rule, self._values(self._test))
        sides = rule.tree_.value[1:, 0, 1] if rule.tree_.node_count > 1 else np.array([1.0])
        metrics = evaluate(
            self._scored(self._test, probability), float(sides.max()), self._settings.costs
        )
        limit, feature = rule.tree_.threshold[0], rule.tree_.feature[0]
        name = self._data.features[feature].name if feature >= 0 else "none"
        return metrics, f"{name} against {limit:.4g}"

    def _columns_of(self, model: Model, part: NDArray[np.bool_]) -> NDArray[np.float32]:
        ours = {feature.name: column for column, feature in enumerate(self._data.features)}
        values = self._values(part)
        unknown = np.full(len(values), np.nan, np.float32)
        wanted = [ours.get(feature.name) for feature in features(model.vocabulary)]
        return np.column_stack(
            [unknown if column is None else values[:, column] for column in wanted]
        )


def _medians(values: NDArray[np.float32]) -> list[float]:
    known = ~np.isnan(values).all(axis=0)
    medians = np.full(values.shape[1], np.nan)
    medians[known] = np.nanmedian(values[:, known], axis=0)
    return [float(value) for value in medians]
