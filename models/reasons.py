"""Why a prediction is what it is, in words.

Features are taken in groups that a person would name (one metric, one event code, one component's
history). Each group is set to what is usual in the fleet; how far the probability falls is how much
the group pushed it up. The strongest few become sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from domain.text import N_, Text
from domain.vocabulary import component, metric
from models.estimator import raw_probability
from models.registry import Model
from pipeline.features.definitions import LOOKBACK_H, Feature, Source, Statistic, features
from pipeline.features.frames import ANY_ERROR, Floats

_MOST = 3
_SMALLEST_PUSH = 0.02
_HOURS_A_DAY = 24
_DAYS_A_YEAR = 365.25

Group = tuple[Source, str]


def explain(model: Model, values: NDArray[np.float32], probability: Floats) -> list[list[Text]]:
    """For each row of `values` (rows, features) up to three reasons, the strongest first."""
    columns = features(model.vocabulary)
    groups = _groups(columns)
    pushes = _pushes(model, values, probability, list(groups.values()))
    return [
        _sentences(groups, columns, row, push) for row, push in zip(values, pushes, strict=True)
    ]


def _groups(columns: Sequence[Feature]) -> dict[Group, list[int]]:
    groups: dict[Group, list[int]] = {}
    for position, feature in enumerate(columns):
        definition = feature.definition
        whole_device = definition.source is Source.DEVICE
        subject = str(definition.statistic) if whole_device else feature.subject
        groups.setdefault((definition.source, subject), []).append(position)
    return groups


def _pushes(
    model: Model, values: NDArray[np.float32], probability: Floats, groups: Sequence[list[int]]
) -> Floats:
    """(rows, groups): how far the probability falls when the group is as usual."""
    usual = np.array(model.usual, np.float32)
    changed = np.repeat(values[:, None, :], len(groups), axis=1)
    for position, group in enumerate(groups):
        changed[:, position, group] = usual[group]
    raw = raw_probability(model.estimator, changed.reshape(-1, values.shape[1]))
    without = model.calibration.apply(raw).reshape(len(values), len(groups))
    fallen: Floats = probability[:, None] - without
    return fallen


def _sentences(
    groups: Mapping[Group, list[int]],
    columns: Sequence[Feature],
    row: NDArray[np.float32],
    pushes: Floats,
) -> list[Text]:
    names = list(groups)
    found: list[Text] = []
    for position in np.argsort(-pushes):
        if pushes[position] < _SMALLEST_PUSH or len(found) == _MOST:
            break
        source, subject = names[position]
        text = _WORDS[source](subject, _View(columns, groups[source, subject], row))
        if text is not None:
            found.append(text)
    return found


@dataclass(frozen=True, slots=True)
class _View:
    """One group's features of one row, by statistic and window."""

    columns: Sequence[Feature]
    group: Sequence[int]
    row: NDArray[np.float32]

    def get(self, statistic: Statistic, window: int = 0) -> float:
        for position in self.group:
            definition = self.columns[position].definition
            if definition.statistic is statistic and definition.window_h == window:
                return float(self.row[position])
        return float("nan")

    def windows(self, statistic: Statistic) -> list[int]:
        return [
            self.columns[position].definition.window_h
            for position in self.group
            if self.columns[position].definition.statistic is statistic
        ]


def _gauge(name: str, view: _View) -> Text | None:
    def change(window: int) -> float:
        deviation = view.get(Statistic.DEVIATION, window)
        return abs(deviation) if isfinite(deviation) else 0.0

    window = max(view.windows(Statistic.DEVIATION), key=change)
    value, whole = view.get(Statistic.MEAN, window), view.get(Statistic.MEAN, LOOKBACK_H)
    if not (isfinite(value) and isfinite(whole)):
        return None
    usual = (LOOKBACK_H * whole - window * value) / (LOOKBACK_H - window)
    words: dict[str, str | int | float] = {
        "label": metric(name).label,
        "value": _short(value),
        "usual": _short(usual),
    }
    unit = metric(name).unit
    if unit:
        template = N_("{label} is {value} {unit}; {usual} {unit} is usual for this device")
        return Text(template, {**words, "unit": unit})
    return Text(N_("{label} is {value}; {usual} is usual for this device"), words)


def _counter(name: str, view: _View) -> Text | None:
    value, whole = view.get(Statistic.RATE, 24), view.get(Statistic.RATE, LOOKBACK_H)
    if not (isfinite(value) and isfinite(whole)):
        return None
    usual = max(0.0, (LOOKBACK_H * whole - 24 * value) / (LOOKBACK_H - 24))
    return Text(
        N_("{label}: {value} per hour; {usual} is usual for this device"),
        {"label": metric(name).label, "value": _short(value), "usual": _short(usual)},
    )


def _event(name: str, view: _View) -> Text | None:
    for window in view.windows(Statistic.COUNT):
        count = view.get(Statistic.COUNT, window)
        if count > 0:
            words: dict[str, str | int | float] = {"count": int(count), "hours": window}
            if name == ANY_ERROR:
                return Text(N_("{count} errors within {hours} h"), words)
            code = name.partition(":")[2]
            return Text(N_("{count} × {code} within {hours} h"), {**words, "code": code})
    return None


def _service(name: str, view: _View) -> Text | None:
    hours = view.get(Statistic.SINCE)
    label = component(name).label
    if not isfinite(hours):
        return Text(N_("{label}: no service on record"), {"label": label})
    days = round(hours / _HOURS_A_DAY)
    return Text(N_("{label}: last serviced {days} days ago"), {"label": label, "days": days})


def _failure(name: str, view: _View) -> Text | None:
    hours = view.get(Statistic.SINCE)
    if not isfinite(hours):
        return None
    days = round(hours / _HOURS_A_DAY)
    label = component(name).label
    return Text(N_("{label}: last failed {days} days ago"), {"label": label, "days": days})


def _device(statistic: str, view: _View) -> Text | None:
    if statistic == Statistic.SILENCE:
        hours = round(view.get(Statistic.SILENCE))
        return Text(N_("nothing heard for {hours} h"), {"hours": hours}) if hours else None
    if statistic == Statistic.COVERAGE:
        share = round(100 * view.get(Statistic.COVERAGE, 24))
        return Text(N_("heard in {share} % of the last 24 h"), {"share": share})
    if statistic == Statistic.AGE and isfinite(view.get(Statistic.AGE)):
        years = round(view.get(Statistic.AGE) / _HOURS_A_DAY / _DAYS_A_YEAR, 1)
        return Text(N_("in service for {years} years"), {"years": years})
    return Text(N_("its model fails more often than others")) if statistic == "model" else None


def _short(value: float) -> float:
    return float(f"{value:.3g}")


_WORDS: dict[Source, Callable[[str, _View], Text | None]] = {
    Source.GAUGE: _gauge,
    Source.COUNTER: _counter,
    Source.EVENT: _event,
    Source.MAINTENANCE: _service,
    Source.FAILURE: _failure,
    Source.DEVICE: _device,
}
