"""A history's past is learned from, its later part foretold, and the warnings held against what failed.

Decisions to learn from and decisions to judge are made apart: while learning, nothing that happened
after the gap is read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any
from typing import Protocol as Shape

import numpy as np

from models.backtest.influence import influence
from models.backtest.protocol import Asked, Protocol, plan, test_devices
from models.backtest.result import LOGISTIC, MODEL, RULE, Backtest, Contender, Judged, Skipped
from models.data.dataset import Dataset, TaskRows, join, join_marks, task_rows
from models.data.history import (
    Chunk,
    chunk_decisions,
    chunks,
    of_kind,
    sample,
    span_of,
)
from models.judge.evaluation import Scored
from models.judge.money import cheapest_threshold
from models.learn.baselines import fit_logistic, fit_rule, rule_text
from models.learn.forecast import Fitted, Forecast, LearnSettings, fit_components
from models.settings import Costs
from pipeline.features.definitions import features
from pipeline.features.frames import Floats, Ints, Marks
from pipeline.features.learn import history_bucket, learn_vocabulary
from pipeline.features.vocabulary import Vocabulary
from pipeline.history import History, tick

_MOST_VALUES = 120_000_000  # to learn from (480 MB); of a larger fleet, a sample of its devices
_FEWEST_DEVICES = 50  # ... but so many, however many decisions each has
_FEWEST_LEARNED = 5  # failures; of a component with fewer there is nothing to learn
_FITS: Mapping[str, Callable[..., dict[str, Fitted]]] = {
    RULE: fit_rule,
    LOGISTIC: fit_logistic,
    MODEL: fit_components,
}
_SHARES = {RULE: 0.3, LOGISTIC: 0.35, MODEL: 0.45}  # of the whole work done when each begins
_SCORING, _DONE = 0.85, 1.0

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is behind it (0 to 1)."""


class Runner(Shape):
    """Applies a function to many values, here or on other machines, and keeps their order."""

    def __call__(
        self, function: Callable[[Any], Any], values: Iterable[Any], /
    ) -> Iterator[Any]: ...


def here(function: Callable[[Any], Any], values: Iterable[Any], /) -> Iterator[Any]:
    """Runs in this process. Not `map`: that would take a StopIteration inside for the values' end."""
    for value in values:
        yield function(value)


def backtest(
    history: History,
    asked: Asked,
    costs: Costs | None = None,
    *,
    run: Runner = here,
    progress: Progress | None = None,
) -> Backtest:
    """Learns from the early part of `history` and judges on the late one, as `asked`.

    Raises BadInputError where nothing failed, or what is asked does not fit the history.
    """
    start, bucket = span_of(history)
    protocol = plan(history, asked, start, bucket)
    work = _Work(history, asked, protocol, costs or Costs(), run, progress or (lambda _w, _s: None))
    judged = [one for kind in work.kinds for one in work.judge(kind)]
    return Backtest(
        protocol,
        tuple(device.key for device in history.devices),
        tuple(judged),
        tuple(work.skipped),
        work.learned,
        work.judged,
        work.seconds,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What was foretold of one component on one chunk of devices."""

    rows: TaskRows
    probability: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """What was foretold of a chunk of devices."""

    device: Ints
    decisions: int
    parts: Mapping[str, _Part]
    failures: Marks
    maintenance: Marks


class _Work:
    """One backtest on its way through the kinds of device."""

    def __init__(
        self,
        history: History,
        asked: Asked,
        protocol: Protocol,
        costs: Costs,
        run: Runner,
        say: Progress,
    ) -> None:
        self._history, self._asked, self._protocol = history, asked, protocol
        self._costs, self._run, self._say = costs, run, say
        self.seconds = {"features": 0.0, "train": 0.0, "score": 0.0}
        self.skipped: list[Skipped] = []
        self.learned = self.judged = 0
        failed = set(zip(_kinds(history), history.failures.component.texts(), strict=True))
        self._tasks = sorted(
            task for task in failed if not asked.components or task[1] in asked.components
        )
        self.kinds = sorted({kind for kind, _ in self._tasks})

    def judge(self, kind: str) -> list[Judged]:
        """What each component of `kind` that can be learned comes to."""
        components = [component for of, component in self._tasks if of == kind]
        learning, testing = self._devices(kind)
        data, vocabulary = self._learned(kind, learning, components)
        rows = {
            name: task_rows(data, name, self._protocol.horizon)
            for name in components
            if len(data.failures.of(name).at) >= _FEWEST_LEARNED
        }
        fits = self._fits(data, rows)
        known = [name for name in rows if all(name in fits[fit] for fit in _FITS)]
        self._skip(kind, [name for name in components if name not in known], testing)
        if not known:
            return []
        texts = {name: rule_text(fits[RULE][name].forecast, data.features) for name in known}
        rehearsals = {
            (fit, name): self._rehearsed(data, rows[name], name, fits[fit][name])
            for fit in _FITS
            for name in known
        }
        looks = {name: influence(data, rows[name], fits[MODEL][name].forecast) for name in known}
        del data, rows
        scores = self._scored(testing, vocabulary, known, fits)
        judged = [self._judged(kind, name, scores, rehearsals, texts[name]) for name in known]
        return [replace(one, influence=looks[one.component]) for one in judged]

    def _devices(self, kind: str) -> tuple[Ints, Ints]:
        """(devices to learn from, devices to judge)."""
        devices = of_kind(self._history, kind)
        if self._protocol.by_device is None:
            return devices, devices
        held_out = np.isin(devices, test_devices(self._history, self._protocol.by_device))
        return devices[~held_out], devices[held_out]

    def _learned(
        self, kind: str, devices: Ints, components: Sequence[str]
    ) -> tuple[Dataset, Vocabulary]:
        plan, history = self._protocol, self._history
        until = plan.at(plan.learn_data_until)
        moments = plan.moments(0.0, plan.learn_until)
        with self._timed("features", f"{kind}: reading the past"):
            bucket = history_bucket(history)
            vocabulary = learn_vocabulary(history, until, devices, bucket)
            row = len(features(vocabulary)) * max(1, len(moments))
            most = max(_FEWEST_DEVICES, _MOST_VALUES // row)
            chosen, weight = sample(history, devices, components, most, tick(until))
            parts = self._run(
                partial(chunk_decisions, start=plan.start, moments=moments),
                chunks(history, chosen, vocabulary, until, weight),
            )
            data = join(parts, len(chosen) * len(moments))
        self.learned += len(data.moment)
        return data, vocabulary

    def _fits(self, data: Dataset, rows: Mapping[str, TaskRows]) -> dict[str, dict[str, Fitted]]:
        learn = {name: np.ones(len(task.index), bool) for name, task in rows.items()}
        settings = LearnSettings(by_device=self._protocol.by_device is not None, spans=False)
        found: dict[str, dict[str, Fitted]] = {}
        with self._timed("train", "learning"):
            for fit, learner in _FITS.items():
                self._say(f"learning: {fit}", _SHARES[fit])
                found[fit] = learner(data, rows, learn, self._protocol.horizon_h, settings)
        return found

    def _skip(self, kind: str, names: Sequence[str], testing: Ints) -> None:
        history, plan = self._history, self._protocol
        for name in names:
            late = history.failures.at >= tick(plan.at(plan.test_from + plan.horizon_h))
            here = np.isin(history.failures.device, testing) & late
            named = np.array(history.failures.component.texts(), dtype=object) == name
            why = "too few failures to learn from before the test period"
            self.skipped.append(Skipped(kind, name, why, int((here & named).sum())))

    def _rehearsed(self, data: Dataset, rows: TaskRows, name: str, fitted: Fitted) -> Scored:
        told = fitted.rehearsal
        asked = Scored(
            rows.device[told.row],
            rows.moment[told.row],
            told.probability,
            rows.label[told.row],
            data.failures.of(name),
            self._protocol.horizon_h,
            self._protocol.lead_h,
            self._protocol.every_h,
            weight=data.weight,
        )
        return replace(asked, since=float(asked.moment.min(initial=np.inf)))

    def _scored(
        self,
        devices: Ints,
        vocabulary: Vocabulary,
        names: Sequence[str],
        fits: Mapping[str, Mapping[str, Fitted]],
    ) -> list[_Scores]:
        plan = self._protocol
        forecasts = {name: {fit: fits[fit][name].forecast for fit in _FITS} for name in names}
        ask = _Ask(plan, plan.moments(plan.test_from, plan.end - plan.horizon_h), forecasts)
        parts: list[_Scores] = []
        with self._timed("score", "foretelling"):
            for part in self._run(ask, chunks(self._history, devices, vocabulary)):
                parts.append(part)
                done = sum(len(each.device) for each in parts) / len(devices)
                self._say("foretelling", _SCORING + (_DONE - _SCORING) * done)
        self.judged += sum(part.decisions for part in parts)
        return parts

    def _judged(
        self,
        kind: str,
        name: str,
        scores: Sequence[_Scores],
        rehearsals: Mapping[tuple[str, str], Scored],
        rule: str,
    ) -> Judged:
        plan, costs = self._protocol, self._costs.of(kind)
        offsets = np.cumsum([0, *(len(part.device) for part in scores)])
        failures = join_marks([part.failures for part in scores], offsets).of(name)
        repairs = join_marks([part.maintenance for part in scores], offsets).of(name)
        rows = [part.parts[name].rows for part in scores]
        device = np.concatenate([r.device + at for r, at in zip(rows, offsets, strict=False)])
        contenders = {}
        for fit in _FITS:
            scored = Scored(
                device,
                np.concatenate([r.moment for r in rows]),
                np.concatenate([part.parts[name].probability[fit] for part in scores]),
                np.concatenate([r.label for r in rows]),
                failures,
                plan.horizon_h,
                plan.lead_h,
                plan.every_h,
                plan.test_from,
            )
            rehearsal = rehearsals[fit, name]
            threshold = cheapest_threshold(rehearsal, costs)
            contenders[fit] = Contender(threshold, scored, rehearsal, rule if fit == RULE else "")
        several = len(self.kinds) > 1
        return Judged(
            f"{kind}/{name}" if several else name,
            kind,
            name,
            costs,
            np.concatenate([part.device for part in scores]),
            repairs,
            contenders,
            (),
        )

    @contextmanager
    def _timed(self, what: str, said: str) -> Iterator[None]:
        self._say(said, {"features": 0.05, "train": 0.3, "score": _SCORING}[what])
        began = perf_counter()
        yield
        self.seconds[what] += perf_counter() - began


@dataclass(frozen=True, slots=True, eq=False)
class _Ask:
    """Asks every forecast about a chunk of devices. A value, so that it can be sent elsewhere."""

    protocol: Protocol
    moments: Floats
    forecasts: Mapping[str, Mapping[str, Forecast]]

    def __call__(self, chunk: Chunk) -> _Scores:
        data = chunk_decisions(chunk, self.protocol.start, self.moments)
        return _Scores(
            chunk.device,
            len(data.moment),
            {name: self._part(data, name) for name in self.forecasts},
            data.failures,
            data.maintenance,
        )

    def _part(self, data: Dataset, name: str) -> _Part:
        rows = task_rows(data, name, self.protocol.horizon)
        values, hours = data.values[rows.index], [self.protocol.horizon_h]
        told = {
            fit: forecast.within(values, hours)[:, 0] if len(values) else np.zeros(0)
            for fit, forecast in self.forecasts[name].items()
        }
        return _Part(rows, told)


def _kinds(history: History) -> list[str]:
    """The kind of each failure's device."""
    return [history.devices[index].kind for index in history.failures.device.tolist()]
