"""One consistent answer for every span: a discrete-time hazard around the task's own horizon.

The probability at the task's horizon is the anchor. Each later span adds the chance of failing in the
period between, given that it was survived until then; each shorter one takes its share of the next.
So the answers grow with the span by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

import numpy as np

from models.learn.calibration import Platt, calibrate
from models.learn.learner import BOOST, Bools, Estimator, Family, Learned, Lesson, Values, thinned
from pipeline.features.frames import Floats, Ints

SPANS_H = (24.0, 72.0, 168.0, 720.0)
"""The spans that are foretold beside the task's own horizon."""

_FEWEST_CASES = 10  # failures in a period: with fewer, the next shorter span is stretched
_LONGEST_SHARE = 1 / 3  # of what is known: longer spans can't be learned
_FAMILY = Family("hazard", BOOST.fit, 4_000, (25,))
_HELD_OUT = 3  # every third device tells how far to trust the model of the others


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """When each decision's component failed, and until when anybody would have known.

    Attributes:
        ahead: (rows,) hours to the next failure; infinite where none is known.
        known: (rows,) hours that were watched after the decision.
    """

    ahead: Floats
    known: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The steps from the horizon to longer spans, or to shorter ones: one model for all of them.

    Attributes:
        spans: hours, each the next step away from the horizon.
        platt: one a step.
    """

    spans: tuple[float, ...]
    model: Learned
    platt: tuple[Platt, ...]

    def share(self, values: Values, step: int) -> Floats:
        """(rows,) the conditional probability of the step."""
        return self.platt[step].apply(self.model.logits(_with_step(values, step)))


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """Spreads the probability at the horizon over other spans."""

    horizon_h: float
    longer: Side | None
    shorter: Side | None

    def within(self, anchor: Floats, values: Values, hours: Sequence[float]) -> Floats:
        """(rows, len(hours)): probability of failing within so many hours; `anchor` is that of
        failing within the horizon. Between two spans the hazard is even."""
        spans, risks = [0.0, self.horizon_h], [np.zeros(len(anchor)), _risk(anchor)]
        if self.shorter and min(hours) < self.horizon_h:
            self._shorten(self.shorter, anchor, values, spans, risks)
        if self.longer and max(hours) > self.horizon_h:
            self._lengthen(self.longer, values, spans, risks)
        total = np.column_stack([_between(hour, spans, risks) for hour in hours])
        within: Floats = -np.expm1(-total)
        return within

    def estimators(self) -> dict[str, Estimator]:
        return {name: side.model.estimator for name, side in self._sides().items()}

    def settings(self) -> dict[str, Any]:
        return {
            name: {
                "spans": list(side.spans),
                "shift": side.model.shift,
                "platt": [[one.slope, one.intercept] for one in side.platt],
            }
            for name, side in self._sides().items()
        }

    @staticmethod
    def restore(
        horizon_h: float, estimators: Mapping[str, Estimator], settings: Mapping[str, Any]
    ) -> Hazard:
        """The hazard that `estimators()` and `settings()` were taken from."""
        sides = {
            name: Side(
                tuple(kept["spans"]),
                Learned(estimators[name], kept["shift"]),
                tuple(Platt(*pair) for pair in kept["platt"]),
            )
            for name, kept in settings.items()
        }
        return Hazard(horizon_h, sides.get("longer"), sides.get("shorter"))

    def _sides(self) -> dict[str, Side]:
        named = {"longer": self.longer, "shorter": self.shorter}
        return {name: side for name, side in named.items() if side is not None}

    def _shorten(
        self, side: Side, anchor: Floats, values: Values, spans: list[float], risks: list[Floats]
    ) -> None:
        left = anchor
        for step, span in enumerate(side.spans):
            left = left * side.share(values, step)
            spans.insert(1, span)
            risks.insert(1, _risk(left))

    def _lengthen(
        self, side: Side, values: Values, spans: list[float], risks: list[Floats]
    ) -> None:
        for step, span in enumerate(side.spans):
            spans.append(span)
            risks.append(risks[-1] + _risk(side.share(values, step)))


def fit_hazard(lesson: Lesson, device: Ints, times: Times, horizon_h: float) -> Hazard:
    """Learned from all decisions whose span was watched to its end."""
    longest = _LONGEST_SHARE * float(times.known.max())
    longer = [span for span in SPANS_H if horizon_h < span <= longest]
    shorter = [span for span in reversed(SPANS_H) if span < horizon_h]
    return Hazard(
        horizon_h,
        _side(lesson, device, [_later(times, *pair) for pair in pairwise([horizon_h, *longer])]),
        _side(lesson, device, [_sooner(times, *pair) for pair in pairwise([horizon_h, *shorter])]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """The rows that a step is asked of, and its answers."""

    span: float
    row: Ints
    label: Bools


def _later(times: Times, before: float, span: float) -> _Step:
    asked = (times.ahead > before) & ((times.ahead <= span) | (times.known >= span))
    row = np.flatnonzero(asked)
    return _Step(span, row, times.ahead[row] <= span)


def _sooner(times: Times, before: float, span: float) -> _Step:
    row = np.flatnonzero(times.ahead <= before)
    return _Step(span, row, times.ahead[row] <= span)


def _side(lesson: Lesson, device: Ints, steps: Sequence[_Step]) -> Side | None:
    steps = list(takewhile(_enough, steps))
    if not steps:
        return None
    row = np.concatenate([step.row for step in steps])
    place = np.concatenate([np.full(len(step.row), at) for at, step in enumerate(steps)])
    label = np.concatenate([step.label for step in steps])
    held_out = device[row] % _HELD_OUT == 0
    platt = (Platt(),) * len(steps)
    if len(np.unique(label[~held_out])) == 2:
        trial = _fit(lesson, row[~held_out], place[~held_out], label[~held_out])
        platt = tuple(
            _trust(lesson, trial, row[here], at, label[here])
            for at in range(len(steps))
            for here in [np.flatnonzero(held_out & (place == at))]
        )
    return Side(tuple(step.span for step in steps), _fit(lesson, row, place, label), platt)


def _enough(step: _Step) -> bool:
    return _FEWEST_CASES <= int(step.label.sum()) <= len(step.label) - _FEWEST_CASES


def _fit(lesson: Lesson, row: Ints, place: Ints, label: Bools) -> Learned:
    kept, shift = thinned(label, lesson.weight[row], _FAMILY.rows, 0)
    values = _with_step(lesson.rows(row[kept]), place[kept])
    (rounds,) = _FAMILY.variants
    return Learned(_FAMILY.fit(values, label[kept], lesson.sizes, rounds, 0), shift)


def _trust(lesson: Lesson, trial: Learned, row: Ints, step: int, label: Bools) -> Platt:
    """How the step's answers are to be taken, from devices that `trial` had not learned from."""
    kept = np.random.default_rng(0).permutation(len(row))[: _FAMILY.rows]
    return calibrate(trial.logits(_with_step(lesson.rows(row[kept]), step)), label[kept])


def _with_step(values: Values, step: Ints | int) -> Values:
    return np.column_stack([values, np.broadcast_to(np.asarray(step, np.float32), len(values))])


def _risk(probability: Floats) -> Floats:
    """The cumulated hazard: -log of the chance to survive."""
    risk: Floats = -np.log1p(-np.clip(probability, 0.0, 1 - 1e-9))
    return risk


def _between(hour: float, spans: Sequence[float], risks: Sequence[Floats]) -> Floats:
    """The cumulated hazard at `hour`, a straight line between two spans and after the last."""
    place = int(np.clip(np.searchsorted(spans, hour), 1, len(spans) - 1))
    share = (hour - spans[place - 1]) / (spans[place] - spans[place - 1])
    return risks[place - 1] + share * (risks[place] - risks[place - 1])
