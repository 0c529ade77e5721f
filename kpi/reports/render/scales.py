"""Axes of charts: where a value lies, and at which values there are marks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kpi.reports.document import Chart, Shape, Unit, Value

_MARKS = 5
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_SPANS = (
    *(1.0, 5.0, 15.0, 30.0),
    *(part * _MINUTE for part in (1, 5, 15, 30)),
    *(part * _HOUR for part in (1, 2, 6, 12)),
    *(10.0**power * part * _DAY for power in range(5) for part in (1, 2, 5)),
)
_NUMBERS = tuple(10.0**power * part for power in range(-6, 15) for part in (1, 2, 5))


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`, with its marks."""

    low: float
    high: float
    marks: tuple[float, ...]

    def share(self, value: float) -> float:
        """How far along the axis a value lies: 0 to 1; values beyond the ends lie at the ends."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def scale(values: Sequence[float], unit: Unit, ends: tuple[float, float] | None = None) -> Scale:
    """An axis that all `values` lie on, its ends and marks round; or one with the `ends` given."""
    low, high = ends or (min(values, default=0.0), max(values, default=1.0))
    if high <= low:
        low, high = low - abs(low) * 0.1, low + (abs(low) * 0.1 or 1.0)
    step = _step(high - low, unit)
    if ends is None:
        low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
        if unit is Unit.SHARE and max(values, default=1.0) <= 1.0:
            high = min(high, 1.0)
    first = math.ceil(low / step - 1e-9)
    count = math.floor((high - low) / step + 1e-9) + 1
    marks = (round((first + place) * step, 9) for place in range(count))
    return Scale(low, high, tuple(mark for mark in marks if mark <= high + step * 1e-6))


def up_scale(chart: Chart) -> Scale:
    """The axis that a chart's series rise along; bars stand on nothing."""
    known = [0.0] if chart.shape is Shape.BARS else []
    for series in chart.series:
        for row in (series.y, series.low or (), series.high or ()):
            known += [value for value in row if value is not None and math.isfinite(value)]
    return scale(known, chart.up.unit, chart.up.ends)


def decimals(axis: Scale, unit: Unit) -> int:
    """How many decimals tell the axis's marks apart."""
    if len(axis.marks) < 2:
        return 2
    step = (axis.marks[1] - axis.marks[0]) * (100 if unit is Unit.SHARE else 1)
    return min(max(0, -math.floor(math.log10(step) + 1e-9)), 6)


def place(value: Value, index: int) -> float:
    """Where on its axis a chart's x lies: names in their order, days and moments in time."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return float(value.toordinal())
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return float(index)


def _step(span: float, unit: Unit) -> float:
    steps = _SPANS if unit is Unit.SPAN else _NUMBERS
    fine = (step for step in steps if unit is not Unit.COUNT or step >= 1)
    return next((step for step in fine if span / step <= _MARKS), span)
