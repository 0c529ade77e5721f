"""The learner's face: one forecast a component, and what it foretold of a past it had not seen.

Several learners, chosen and blended on a rehearsal, give the probability at the task's horizon; a
discrete-time hazard spreads it over other spans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from models.data.dataset import Dataset, TaskRows
from models.data.labels import hours_to_next
from models.learn.hazard import Hazard, Times, fit_hazard
from models.learn.learner import (
    ALLOWED_TYPES,
    BOOST,
    BRISK,
    FOREST,
    LINE,
    Bools,
    Estimator,
    Family,
    Learned,
    Lesson,
    Sizes,
    Values,
    chunks,
    telling,
)
from models.learn.tuning import Blend, Fold, blend, folds, rehearse, surprise
from pipeline.features.frames import Floats, Ints, Marks

__all__ = [
    "ALLOWED_TYPES",
    "Bools",
    "Estimator",
    "Fitted",
    "Forecast",
    "LearnSettings",
    "Rehearsal",
    "Values",
    "fit_components",
    "fit_simple",
    "refit",
]

FEWEST_FAILURES = 5
"""A component whose learning part shows fewer failures gets no forecast."""

Progress: TypeAlias = Callable[[str, float], None]

_FAMILIES = {family.name: family for family in (BOOST, BRISK, FOREST, LINE)}
_LARGE = 100_000  # decisions: from there on it pays to start processes
_SMALL = 20_000  # decisions: below, one fit of each family is enough
_IDLE_WEIGHT = 0.03  # a family that the blend trusts less is left out


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """How learning is rehearsed.

    Attributes:
        by_device: on devices held out, instead of on later moments.
        workers: processes that learn at a time, where there is much to learn.
        spans: whether other spans than the horizon will be asked about: without, the hazard is even.
    """

    by_device: bool = False
    workers: int = 2
    spans: bool = True


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
    """Foretells one component of one kind of device.

    Attributes:
        columns: the features that are read.
        learned: by family, the fits that are averaged.
    """

    horizon_h: float
    columns: Ints
    learned: Mapping[str, tuple[Learned, ...]]
    blend: Blend
    hazard: Hazard

    def within(self, values: Values, hours: Sequence[float]) -> Floats:
        """(rows, len(hours)): calibrated probability of failing within so many hours.

        `values` is (rows, features) in the order of the data set learned from; NaN is unknown. The
        probability grows with the hours.
        """
        parts = [self._within(values[part][:, self.columns], hours) for part in chunks(len(values))]
        return np.concatenate(parts) if parts else np.zeros((0, len(hours)))

    def _within(self, values: Values, hours: Sequence[float]) -> Floats:
        logits = {
            name: np.mean([one.logits(values) for one in fits], axis=0)
            for name, fits in self.learned.items()
        }
        return self.hazard.within(self.blend.apply(logits, len(values)), values, hours)

    def estimators(self) -> dict[str, Estimator]:
        """What a registry keeps as an artifact."""
        fits = {
            f"{name}{place}": one.estimator
            for name, each in self.learned.items()
            for place, one in enumerate(each)
        }
        return fits | self.hazard.estimators()

    def settings(self) -> dict[str, Any]:
        """What a registry keeps as JSON beside the artifact."""
        return {
            "horizon_h": self.horizon_h,
            "columns": self.columns.tolist(),
            "shifts": {name: [one.shift for one in each] for name, each in self.learned.items()},
            "blend": self.blend.to_json(),
            "hazard": self.hazard.settings(),
        }

    @staticmethod
    def restore(estimators: Mapping[str, Estimator], settings: Mapping[str, Any]) -> Forecast:
        """The forecast that `estimators()` and `settings()` were taken from."""
        learned = {
            name: tuple(
                Learned(estimators[f"{name}{place}"], shift) for place, shift in enumerate(shifts)
            )
            for name, shifts in settings["shifts"].items()
        }
        horizon_h = float(settings["horizon_h"])
        return Forecast(
            horizon_h,
            np.array(settings["columns"], np.int64),
            learned,
            Blend.from_json(settings["blend"]),
            Hazard.restore(horizon_h, estimators, settings["hazard"]),
        )


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
    chosen = settings or LearnSettings()
    possible = _tasks(data, rows, learn, horizon_h)
    found: dict[str, Fitted] = {}
    large = sum(len(task.row) for task in possible) >= _LARGE
    together = chosen.workers if large and len(possible) > 1 else 1
    fits = Parallel(together, return_as="generator")(
        delayed(_Task.fit)(task, _families(task), chosen) for task in possible
    )
    for done, (task, fitted) in enumerate(zip(possible, fits, strict=True), start=1):
        if fitted is not None:
            found[task.component] = fitted
        if progress:
            progress(task.component, done / len(possible))
    if together > 1:
        get_reusable_executor().shutdown()
    return found


def fit_simple(
    family: Family,
    data: Dataset,
    rows: Mapping[str, TaskRows],
    learn: Mapping[str, Bools],
    horizon_h: float,
    settings: LearnSettings | None = None,
) -> dict[str, Fitted]:
    """The same with one family and an even hazard, rehearsed once: what a model is held against."""
    chosen = replace(settings or LearnSettings(), spans=False)
    tasks = _tasks(data, rows, learn, horizon_h)
    fits = {task.component: task.fit((family,), chosen, simple=True) for task in tasks}
    return {component: fitted for component, fitted in fits.items() if fitted is not None}


def refit(
    fitted: Fitted, component: str, data: Dataset, rows: TaskRows, learn: Bools
) -> Forecast | None:
    """The same forecast, learned from other rows and of all spans: nothing is chosen or calibrated anew.

    None where those rows show too few failures.
    """
    before = fitted.forecast
    task = _Task.of(data, component, rows, learn, before.horizon_h)
    families = [_FAMILIES[name] for name in before.blend.weight]
    return None if task is None else task.learned(families, before.blend, before.columns)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One component: the rows that it may learn from, and what became of them."""

    component: str
    horizon_h: float
    row: Ints
    device: Ints
    moment: Floats
    times: Times
    lesson: Lesson

    @staticmethod
    def of(
        data: Dataset, component: str, rows: TaskRows, learn: Bools, horizon_h: float
    ) -> _Task | None:
        row = np.flatnonzero(learn)
        if not rows.label[row].any():
            return None
        device, moment, label = rows.device[row], rows.moment[row], rows.label[row]
        times = _times(data, data.failures.of(component), device, moment, horizon_h)
        failures = np.unique(np.round((moment + times.ahead)[label], 3) + 1e7 * device[label])
        if len(failures) < FEWEST_FAILURES or label.all():
            return None
        lesson = Lesson(
            data.values,
            rows.index[row],
            np.arange(data.values.shape[1]),
            label,
            rows.weight[row],
            rows.teaches[row],
            Sizes(len(failures), int(label.sum())),
        )
        return _Task(component, horizon_h, row, device, moment, times, lesson)

    def fit(
        self, families: Sequence[Family], settings: LearnSettings, simple: bool = False
    ) -> Fitted | None:
        lesson = replace(self.lesson, columns=telling(self.lesson.values, self.lesson.index))
        if not len(lesson.columns) or not lesson.can_teach(np.arange(len(self.row))):
            return None
        failures, by_device = lesson.sizes.failures, settings.by_device
        parts = folds(self.moment, self.device, lesson.label, failures, self.horizon_h, by_device)
        if simple:
            tries = [_tried(lesson, parts[-1:], families, None)]
        else:
            breadths = dict.fromkeys((None, lesson.sizes.columns))
            tries = [_tried(lesson, parts, families, most) for most in breadths]
        told = [each for each in tries if each is not None]
        if not told:
            return None
        best = min(told, key=lambda each: each.surprise)
        order = np.argsort(best.row)
        rehearsal = Rehearsal(self.row[best.row[order]], best.probability[order])
        forecast = self.learned(families, best.blend, best.columns, settings.spans)
        return Fitted(forecast, rehearsal)

    def learned(
        self, families: Sequence[Family], blended: Blend, columns: Ints, spans: bool = True
    ) -> Forecast:
        lesson = replace(self.lesson, columns=columns)
        everything = np.arange(len(self.row))
        small = len(everything) < _SMALL
        seeds = {family.name: 1 if small else family.seeds for family in families}
        fits = {
            family.name: tuple(
                lesson.learn(everything, family, blended.variant[family.name], seed)
                for seed in range(seeds[family.name])
            )
            for family in families
            if blended.weight[family.name] >= _IDLE_WEIGHT
        }
        even = Hazard(self.horizon_h, None, None)
        hazard = fit_hazard(lesson, self.device, self.times, self.horizon_h) if spans else even
        return Forecast(self.horizon_h, columns, fits, blended, hazard)


@dataclass(frozen=True, slots=True, eq=False)
class _Try:
    """A rehearsal: the columns that all rows would be learned from, and what came of it.

    Attributes:
        row, probability: what was asked, and what was foretold of it, blended.
        surprise: log loss of that.
    """

    columns: Ints
    blend: Blend
    row: Ints
    probability: Floats
    surprise: float


def _tried(
    lesson: Lesson, parts: Sequence[Fold], families: Sequence[Family], most: int | None
) -> _Try | None:
    """None where no part can teach."""
    told = rehearse(lesson, parts, families, most)
    if not len(told.row):
        return None
    label, weight = lesson.label[told.row], lesson.weight[told.row]
    blended, probability = blend(told, families, label, weight, lesson.sizes.failures)
    columns = lesson.focused(np.arange(len(lesson.label)), most).columns
    return _Try(columns, blended, told.row, probability, surprise(probability, label, weight))


def _families(task: _Task) -> tuple[Family, ...]:
    return (BRISK if task.lesson.sizes.few else BOOST, FOREST, LINE)


def _tasks(
    data: Dataset, rows: Mapping[str, TaskRows], learn: Mapping[str, Bools], horizon_h: float
) -> list[_Task]:
    found = [_Task.of(data, name, rows[name], learn[name], horizon_h) for name in rows]
    return [task for task in found if task is not None]


def _times(data: Dataset, failures: Marks, device: Ints, moment: Floats, horizon_h: float) -> Times:
    """Nothing is read that came after the last outcome of the rows."""
    until = float(moment.max()) + horizon_h
    ahead = hours_to_next(failures, device, moment)
    ahead[moment + ahead > until] = np.inf
    return Times(ahead, np.minimum(until, data.watched[device]) - moment)
