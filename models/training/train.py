"""Trains one model a task, judges it on a later period, and lets the gate decide about it.

The period is cut in time: learned | held out, a horizon apart. Thresholds come from the rehearsal, on
decisions that its models had not learned from. The figures come from models of the first part; the
one that is kept learns from all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog

from domain.clock import Clock
from models.data.dataset import Dataset, TaskRows, load_dataset, task_rows
from models.judge.evaluation import Metrics, Scored, evaluate
from models.judge.lists import episode_rows, failure_rows, reliability
from models.judge.money import cheapest_threshold
from models.learn.baselines import fit_logistic, fit_rule, rule_text
from models.learn.forecast import (
    Bools,
    Fitted,
    Forecast,
    LearnSettings,
    Values,
    fit_components,
    refit,
)
from models.live.distribution import describe
from models.live.outcomes import with_prevented
from models.registry.artifacts import Model, NewModel, add, champions
from models.registry.catalogue import Stage, Task
from models.settings import TrainSettings
from models.training.gate import Contender, Verdict, contender, judge
from pipeline.features.definitions import features
from pipeline.features.frames import HOUR, Floats, Ints
from pipeline.features.vocabulary import Vocabulary
from storage.database import Conn, Database
from storage.queries import load

_log = structlog.get_logger()

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is behind it (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made of one task.

    Attributes:
        rule: the best single limit on a single feature, on the same held-out period.
        logistic: a straight line through all features, likewise.
    """

    model_id: int
    task: Task
    stage: Stage
    threshold: float
    test: Metrics
    rule: Metrics
    logistic: Metrics
    verdict: Verdict


def train(
    database: Database,
    clock: Clock,
    *,
    horizon: timedelta = timedelta(hours=24),
    settings: TrainSettings | None = None,
    kinds: Collection[str] | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Trains every task with enough failures, on all that is stored by `clock.now()`.

    `kinds`: of these kinds of devices only.
    """
    chosen = settings or TrainSettings()
    say = progress or (lambda _what, _share: None)
    with database.transaction() as conn:
        tasks = _tasks(conn, clock.now(), chosen)
    done: list[Trained] = []
    wanted = sorted({task.kind for task in tasks if kinds is None or task.kind in kinds})
    for number, kind in enumerate(wanted):

        def of_kind(what: str, share: float, number: int = number, kind: str = kind) -> None:
            say(f"{kind}/{what}", (number + share) / len(wanted))

        own = [task for task in tasks if task.kind == kind]
        done += _train_kind(database, clock.now(), own, horizon, chosen, of_kind)
    return done


def _train_kind(
    database: Database,
    now: datetime,
    tasks: Sequence[Task],
    horizon: timedelta,
    settings: TrainSettings,
    say: Progress,
) -> Iterator[Trained]:
    kind = tasks[0].kind
    with database.transaction() as conn:
        past = _load(conn, kind, now, settings)
        present = {each.task.component: each for each in champions(conn) if each.task.kind == kind}
    components = [task.component for task in tasks]
    training = _Training(past, components, horizon, settings)
    for component, judged in training.run(present, say):
        row = training.keep(component, judged, now)
        yield _keep(database, row, judged)


def _tasks(conn: Conn, now: datetime, settings: TrainSettings) -> list[Task]:
    parameters = {"now": now, "fewest": settings.fewest_failures}
    rows = conn.execute(load("models")["tasks"], parameters).fetchall()
    return [Task(row["kind"], row["component"]) for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """What is known of one kind of device.

    Attributes:
        places: (devices,) where each stands; negative: not known.
    """

    kind: str
    data: Dataset
    vocabulary: Vocabulary
    keys: Sequence[str]
    places: Ints


def _load(conn: Conn, kind: str, now: datetime, settings: TrainSettings) -> _Past:
    span = conn.execute(load("models")["span"], {"kind": kind, "now": now}).fetchone()
    assert span is not None
    start = span["first"] or now - timedelta(days=365)
    end = min(now, span["last"] + HOUR) if span["last"] else now
    data, vocabulary = load_dataset(conn, kind, start, end, settings)
    ids = data.device_ids.tolist()
    rows = conn.execute(load("models")["places"], {"devices": ids}).fetchall()
    keys = [row["key"] for row in rows]
    places = np.array([row["site_id"] for row in rows], np.int64)
    return _Past(kind, with_prevented(conn, data, now), vocabulary, keys, places)


def _keep(database: Database, row: NewModel, judged: _Judged) -> Trained:
    with database.transaction() as conn:
        model_id = add(conn, row)
    test, rule, logistic = (judged.metrics[name] for name in ("test", "rule", "logistic"))
    _log.info("trained", task=str(row.task), stage=row.stage, **test.to_json())
    return Trained(
        model_id, row.task, row.stage, row.threshold, test, rule, logistic, judged.verdict
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Spoken:
    """What one contender says of the held-out period."""

    fitted: Fitted
    threshold: float
    scored: Scored
    metrics: Metrics


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A task's contenders - `test`, `rule`, `logistic` - and what the gate says of the first."""

    spoken: Mapping[str, _Spoken]
    verdict: Verdict

    @property
    def metrics(self) -> dict[str, Metrics]:
        return {name: spoken.metrics for name, spoken in self.spoken.items()}


class _Training:
    """The tasks of one kind of device: its decisions, and how they are cut in time."""

    def __init__(
        self, past: _Past, components: Sequence[str], horizon: timedelta, settings: TrainSettings
    ) -> None:
        self._past, self._data = past, past.data
        self._costs = settings.costs.of(past.kind)
        self._horizon, self._horizon_h = horizon, horizon / HOUR
        self._rows = {name: task_rows(past.data, name, horizon) for name in components}
        moments = np.unique(past.data.moment)
        first, last = moments.min(initial=past.data.end), moments.max(initial=0.0)
        self._every_h = float(np.diff(moments).min(initial=last - first))
        self._test_from = float(last - settings.test_share * (last - first))

    def run(self, present: Mapping[str, Model], say: Progress) -> Iterator[tuple[str, _Judged]]:
        """Each component with enough failures to learn from, judged."""
        learn = {name: self._known_by(rows) for name, rows in self._rows.items()}
        asked = (self._data, self._rows, learn, self._horizon_h)
        fitted = {
            "test": fit_components(*asked, LearnSettings(spans=False), progress=say),
            "rule": fit_rule(*asked),
            "logistic": fit_logistic(*asked),
        }
        for component in self._rows:
            if all(component in found for found in fitted.values()):
                spoken = {
                    name: self._spoken(component, found[component])
                    for name, found in fitted.items()
                }
                yield component, _Judged(spoken, self._verdict(spoken, present.get(component)))

    def keep(self, component: str, judged: _Judged, now: datetime) -> NewModel:
        """What the registry keeps: a model of everything, with the judged one's figures."""
        rows, judged_one = self._rows[component], judged.spoken["test"].fitted
        everything = np.ones(len(rows.index), bool)
        last = refit(judged_one, component, self._data, rows, everything)
        values = self._data.values[rows.index]
        at, end = self._data.start, self._data.start + self._data.end * HOUR
        return NewModel(
            task=Task(self._past.kind, component),
            stage=judged.verdict.stage,
            trained_at=now,
            train_from=at + rows.moment.min() * HOUR,
            train_until=end,
            test_from=at + self._test_from * HOUR,
            test_until=end,
            horizon=self._horizon,
            threshold=judged.spoken["test"].threshold,
            vocabulary=self._past.vocabulary,
            usual=_medians(values),
            distribution=describe(values, self._data.devices),
            costs=asdict(self._costs),
            metrics=self._figures(component, judged),
            gate=judged.verdict.to_json(),
            forecast=last or judged_one.forecast,
        )

    def _known_by(self, rows: TaskRows) -> Bools:
        known: Bools = rows.moment + self._horizon_h <= self._test_from
        return known

    def _spoken(self, component: str, fitted: Fitted) -> _Spoken:
        rows, costs = self._rows[component], self._costs
        rehearsed = np.zeros(len(rows.index), bool)
        rehearsed[fitted.rehearsal.row] = True
        first = rows.moment[rehearsed].min(initial=self._test_from)
        seen = self._scored(component, rehearsed, fitted.rehearsal.probability, first)
        threshold = cheapest_threshold(seen, costs)
        held = rows.moment >= self._test_from
        probability = self._foretold(fitted.forecast, self._data.values[rows.index[held]])
        scored = self._scored(component, held, probability, self._test_from)
        return _Spoken(fitted, threshold, scored, evaluate(scored, threshold, costs))

    def _foretold(self, forecast: Forecast, values: Values) -> Floats:
        if not len(values):
            return np.zeros(0)
        foretold: Floats = forecast.within(values, [self._horizon_h])[:, 0]
        return foretold

    def _scored(self, component: str, part: Bools, probability: Floats, since: float) -> Scored:
        rows = self._rows[component]
        return Scored(
            rows.device[part],
            rows.moment[part],
            probability,
            rows.label[part],
            self._data.failures.of(component),
            self._horizon_h,
            every_h=self._every_h,
            since=since,
            weight=self._data.weight,
        )

    def _verdict(self, spoken: Mapping[str, _Spoken], champion: Model | None) -> Verdict:
        costs = self._costs
        ours, rule = (
            contender(spoken[name].scored, spoken[name].threshold, costs)
            for name in ("test", "rule")
        )
        rivals = self._rivals(spoken["test"], champion) if champion else None
        return judge(ours, rule, rivals, costs, self._past.places)

    def _rivals(self, spoken: _Spoken, champion: Model) -> tuple[Contender, Contender]:
        """Candidate and champion on the held-out decisions that the champion never learned from."""
        costs, component = self._costs, champion.task.component
        learned = (champion.train_until - self._data.start) / HOUR
        since, rows = max(learned, self._test_from), self._rows[component]
        fresh = rows.moment >= since
        values = self._columns_of(champion, self._data.values[rows.index[fresh]])
        ours = spoken.scored.probability[spoken.scored.moment >= since]
        theirs = self._foretold(champion.forecast, values)
        return (
            contender(self._scored(component, fresh, ours, since), spoken.threshold, costs),
            contender(self._scored(component, fresh, theirs, since), champion.threshold, costs),
        )

    def _columns_of(self, model: Model, values: Values) -> Values:
        """`values` in the order of the features that `model` knows; NaN where one is new to us."""
        ours = {feature.name: column for column, feature in enumerate(self._data.features)}
        unknown = np.full(len(values), np.nan, np.float32)
        wanted = [ours.get(feature.name) for feature in features(model.vocabulary)]
        return np.column_stack(
            [unknown if column is None else values[:, column] for column in wanted]
        )

    def _figures(self, component: str, judged: _Judged) -> dict[str, Any]:
        figures: dict[str, Any] = {
            name: metrics.to_json() for name, metrics in judged.metrics.items()
        }
        rule = judged.spoken["rule"].fitted.forecast
        figures["rule"]["text"] = rule_text(rule, self._data.features)
        own = judged.spoken["test"]
        figures["reliability"] = reliability(own.scored)
        told = (own.scored, own.threshold, self._data.start, self._past.keys, component)
        return figures | {"failures": failure_rows(*told), "episodes": episode_rows(*told)}


def _medians(values: Values) -> list[float]:
    known = ~np.isnan(values).all(axis=0)
    medians = np.full(values.shape[1], np.nan)
    medians[known] = np.nanmedian(values[:, known], axis=0)
    return [float(value) for value in medians]
