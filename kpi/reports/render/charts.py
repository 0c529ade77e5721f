"""Charts as SVG, for pages and for PDF alike: told apart in grey too, by dashes and hatching.

Time and numbers run from left to right for every reader; bars of names begin at the reader's side.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from domain.text import N_, Text
from kpi.reports.document import Chart, Series, Shape, Unit
from kpi.reports.reader import Reader
from kpi.reports.render import scales
from kpi.reports.render.scales import Scale
from kpi.reports.render.words import END, RIGHT_TO_LEFT, figure, said, shown

FONTS = "Vazirmatn, 'Noto Sans CJK SC', 'Noto Sans SC', 'Microsoft YaHei', system-ui, sans-serif"
COLOURS = ("#1d5fa8", "#d07a00", "#1f8a70", "#8e5bb5", "#b23a48", "#6b7280")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "4 2 1 2")
_HATCHES = ("", "M0 6L6 0", "M3 0V6", "M0 0L6 6", "M0 3H6", "M0 6L6 0M0 0L6 6")
_WIDTH, _PLOT, _SIZE = 640.0, 190.0, 10.5
_SIDE, _END, _BAR, _NAMES = 70.0, 36.0, 20.0, 210.0
_LONGEST_NAME = 34
_MARKED_POINTS = 40


def draw(chart: Chart, reader: Reader) -> str:
    """The chart, 640 units wide."""
    across = chart.shape is Shape.BARS and chart.across.unit is Unit.WORDS
    pen = _Pen(chart, reader, scales.up_scale(chart))
    legend, top = pen.legend()
    body, height = pen.named_bars(top) if across else pen.plot(top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" '
        f'width="{_WIDTH:g}" height="{height:g}" role="img" direction="ltr" fill="currentColor" '
        f'aria-label="{escape(said(chart.title, reader))}" font-family="{FONTS}" '
        f'font-size="{_SIZE}">{_hatching(chart)}{legend}{body}</svg>'
    )


def _hatching(chart: Chart) -> str:
    """The fills of bars: the first series plain, each other with lines of its own."""
    if chart.shape is not Shape.BARS:
        return ""
    return "".join(
        f'<pattern id="h{number}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{COLOURS[number]}" fill-opacity="0.35"/>'
        f'<path d="{_HATCHES[number]}" stroke="{COLOURS[number]}" stroke-width="1.4"/></pattern>'
        for number in range(1, min(len(chart.series), len(COLOURS)))
    )


def _fill(number: int) -> str:
    number %= len(COLOURS)
    return f"url(#h{number})" if number else COLOURS[0]


def _width(text: str) -> float:
    """About how wide a text is."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return _SIZE * (wide + 0.56 * (len(text) - wide))


@dataclass(frozen=True, slots=True)
class _Pen:
    chart: Chart
    reader: Reader
    up: Scale

    def text(self, x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
        if self.reader.direction == "rtl":
            text = f"{RIGHT_TO_LEFT}{text}{END}"
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'

    def up_label(self, value: float) -> str:
        unit = self.chart.up.unit
        return figure(value, unit, scales.decimals(self.up, unit), self.reader)

    def legend(self) -> tuple[str, float]:
        """What each series looks like, from the reader's side; and where the plot may begin."""
        names = [said(series.name, self.reader) for series in self.chart.series]
        banded = any(series.low is not None for series in self.chart.series)
        if banded:
            names.append(said(Text(N_("95 % interval")), self.reader))
        if len(names) < 2:
            return "", 14.0
        parts, x, y = [], 0.0, 12.0
        for number, each in enumerate(names):
            wide = 34 + _width(each)
            if x and x + wide > _WIDTH:
                x, y = 0.0, y + 16
            interval = banded and number == len(names) - 1
            parts.append(self._key(number, interval, x, y) + self._beside(x, y, each))
            x += wide + 12
        return "".join(parts), y + 16

    def _side(self, x: float) -> float:
        """`x` from the side where the reader begins."""
        return _WIDTH - x if self.reader.direction == "rtl" else x

    def _beside(self, x: float, y: float, text: str) -> str:
        anchor = "end" if self.reader.direction == "rtl" else "start"
        return self.text(self._side(x + 28), y, text, anchor)

    def _key(self, number: int, interval: bool, x: float, y: float) -> str:
        left = min(self._side(x), self._side(x + 22))
        if interval and self.chart.shape is Shape.BARS:
            return (
                f'<path d="M{left} {y - 4}h22m0 -4v8m-22 -8v8" stroke="currentColor" fill="none"/>'
            )
        if interval or self.chart.shape is Shape.BARS:
            paint = 'fill="#6b7280" fill-opacity="0.25"' if interval else f'fill="{_fill(number)}"'
            return f'<rect x="{left}" y="{y - 9}" width="22" height="10" {paint}/>'
        return f'<path d="M{left} {y - 4}h22" {_stroke(number)}/>'

    # Bars of names lie; their names stand at the reader's side.

    def named_bars(self, top: float) -> tuple[str, float]:
        """Bars of names, one below the other."""
        count = max(len(self.chart.series), 1)
        row = _BAR + 8 if count == 1 else count * 13.0 + 10
        floor = top + row * len(self.chart.x)
        parts = [self._lying_axis(top, floor)]
        for place, value in enumerate(self.chart.x):
            y = top + place * row
            label = shown(value, Unit.WORDS, 0, self.reader)
            if len(label) > _LONGEST_NAME:
                label = label[: _LONGEST_NAME - 1] + "…"
            anchor = "start" if self.reader.direction == "rtl" else "end"
            parts.append(self.text(self._side(_NAMES - 8), y + row / 2 + 4, label, anchor))
            for number, series in enumerate(self.chart.series):
                thick = (row - 8) / count
                parts.append(self._lying(series, number, place, y + 4 + number * thick, thick))
        return "".join(parts), floor + 34

    def _along(self, value: float) -> float:
        return self._side(_NAMES + self.up.share(value) * (_WIDTH - _NAMES - 60))

    def _lying(self, series: Series, number: int, place: int, y: float, thick: float) -> str:
        value = series.y[place]
        if value is None or not math.isfinite(value):
            return ""
        zero, tip = self._along(0.0), self._along(value)
        left, anchor = min(zero, tip), "end" if self.reader.direction == "rtl" else "start"
        low, high = _ends(series, place)
        text_at, whisker = tip, ""
        if low is not None and high is not None:
            text_at = self._along(high)
            whisker = (
                f'<path d="M{self._along(low):.1f} {y + thick / 2:.1f}H{text_at:.1f}" '
                f'stroke="currentColor" stroke-width="1.2"/>'
            )
        beside = 5 if anchor == "start" else -5
        digits = 0 if self.chart.up.unit is Unit.COUNT else 1
        said_value = figure(value, self.chart.up.unit, digits, self.reader)
        return (
            f'<rect x="{left:.1f}" y="{y + 1:.1f}" width="{abs(tip - zero):.1f}" '
            f'height="{thick - 2:.1f}" fill="{_fill(number)}"/>{whisker}'
            + self.text(text_at + beside, y + thick / 2 + 4, said_value, anchor)
        )

    def _lying_axis(self, top: float, floor: float) -> str:
        parts = [
            _grid(f"M{self._along(mark):.1f} {top:.1f}V{floor:.1f}")
            + self.text(self._along(mark), floor + 13, self.up_label(mark))
            for mark in self.up.marks
        ]
        middle = (self._along(self.up.low) + self._along(self.up.high)) / 2
        parts.append(
            self.text(middle, floor + 28, said(self.chart.up.name, self.reader), more=_BOLD)
        )
        return "".join(parts)

    # Everything else stands on an axis of days, numbers or names.

    def plot(self, top: float) -> tuple[str, float]:
        """Lines, steps, and bars over days or numbers."""
        top += 14
        floor = top + _PLOT
        where = _Across(self.chart, self.reader)
        parts = [self._standing_axis(top, floor), self._across_axis(where, floor)]
        for number, series in enumerate(self.chart.series):
            if self.chart.shape is Shape.BARS:
                parts += self._columns(series, number, where, floor)
            else:
                parts += self._line(series, number, where, floor)
        return "".join(parts), floor + 36

    def _rise(self, value: float, floor: float) -> float:
        return floor - self.up.share(value) * _PLOT

    def _standing_axis(self, top: float, floor: float) -> str:
        parts = [
            _grid(f"M{_SIDE} {self._rise(mark, floor):.1f}H{_WIDTH - _END}")
            + self.text(_SIDE - 6, self._rise(mark, floor) + 4, self.up_label(mark), "end")
            for mark in self.up.marks
        ]
        name = said(self.chart.up.name, self.reader)
        parts.append(self.text(0.0, top - 8, name, "start", _BOLD))
        parts.append(f'<path d="M{_SIDE} {floor}H{_WIDTH - _END}" stroke="currentColor"/>')
        return "".join(parts)

    def _across_axis(self, where: _Across, floor: float) -> str:
        parts = [
            f'<path d="M{x:.1f} {floor}v4" stroke="currentColor"/>'
            + self.text(x, floor + 15, label)
            for x, label in where.marks()
        ]
        name = said(self.chart.across.name, self.reader)
        middle = (_SIDE + _WIDTH - _END) / 2
        return "".join(parts) + self.text(middle, floor + 31, name, more=_BOLD)

    def _columns(self, series: Series, number: int, where: _Across, floor: float) -> Iterator[str]:
        thick = where.slot * 0.8 / max(len(self.chart.series), 1)
        for place, value in enumerate(series.y):
            if value is None or not math.isfinite(value):
                continue
            x = where.at(place) - where.slot * 0.4 + number * thick
            tip, zero = self._rise(value, floor), self._rise(0.0, floor)
            yield (
                f'<rect x="{x:.1f}" y="{min(tip, zero):.1f}" width="{max(thick - 1, 0.6):.1f}" '
                f'height="{abs(zero - tip):.1f}" fill="{_fill(number)}"/>'
            )
            low, high = _ends(series, place)
            if low is not None and high is not None:
                span = f"{self._rise(low, floor):.1f}V{self._rise(high, floor):.1f}"
                yield f'<path d="M{x + thick / 2:.1f} {span}" stroke="currentColor"/>'

    def _line(self, series: Series, number: int, where: _Across, floor: float) -> Iterator[str]:
        stepped = self.chart.shape is Shape.STEPS
        if series.low is not None and series.high is not None:
            known = zip(_runs(series.low), _runs(series.high), strict=False)
            for (begin, lows), (_, highs) in known:
                there = _path(self._points(lows, begin, where, floor), stepped)
                back = _path(self._points(highs, begin, where, floor), stepped)
                yield _band(there, back, number)
        for begin, run in _runs(series.y):
            points = self._points(run, begin, where, floor)
            yield f'<path d="M{"L".join(_path(points, stepped))}" {_stroke(number)}/>'
            if len(run) == 1 or (not stepped and len(series.y) <= _MARKED_POINTS):
                yield from (
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{_colour(number)}"/>'
                    for x, y in points
                )

    def _points(
        self, run: Sequence[float], begin: int, where: _Across, floor: float
    ) -> list[tuple[float, float]]:
        return [
            (where.at(begin + place), self._rise(value, floor)) for place, value in enumerate(run)
        ]


class _Across:
    """The axis at the foot of a plot: bars have a slot each, lines lie where their values are."""

    def __init__(self, chart: Chart, reader: Reader) -> None:
        self._chart, self._reader = chart, reader
        self._places = [scales.place(value, index) for index, value in enumerate(chart.x)]
        self._scale = self._own_scale()
        self.slot = (_WIDTH - _SIDE - _END) / max(len(chart.x), 1)

    def _own_scale(self) -> Scale:
        chart = self._chart
        if chart.across.unit in (Unit.NUMBER, Unit.COUNT):
            return scales.scale(self._places, Unit.NUMBER, chart.across.ends)
        ends = (min(self._places, default=0.0), max(self._places, default=1.0))
        return scales.scale(self._places, Unit.NUMBER, ends if ends[0] < ends[1] else None)

    def at(self, index: int) -> float:
        if self._chart.shape is Shape.BARS:
            return _SIDE + (index + 0.5) * self.slot
        return self._x(self._places[index])

    def _x(self, value: float) -> float:
        return _SIDE + self._scale.share(value) * (_WIDTH - _SIDE - _END)

    def marks(self) -> list[tuple[float, str]]:
        """Places and their labels, as many as stand side by side."""
        unit = self._chart.across.unit
        numbers = unit in (Unit.NUMBER, Unit.COUNT) and self._chart.shape is not Shape.BARS
        if numbers:
            digits = scales.decimals(self._scale, Unit.NUMBER)
            return [
                (self._x(mark), self._reader.number(mark, digits)) for mark in self._scale.marks
            ]
        labels = [shown(value, unit, 1, self._reader) for value in self._chart.x]
        widest = max((_width(label) for label in labels), default=0.0) + 12
        fit = max(int((_WIDTH - _SIDE - _END) / widest), 1)
        every = max(math.ceil(len(labels) / fit), 1)
        return [(self.at(place), labels[place]) for place in range(0, len(labels), every)]


_BOLD = ' font-weight="600"'


def _grid(path: str) -> str:
    return f'<path d="{path}" stroke="currentColor" stroke-opacity="0.15"/>'


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{_colour(number)}" stroke-width="1.8" fill="none"{dashes}'


def _band(there: list[str], back: list[str], number: int) -> str:
    around = "L".join(there + back[::-1])
    return f'<path d="M{around}Z" fill="{_colour(number)}" fill-opacity="0.16"/>'


def _ends(series: Series, place: int) -> tuple[float | None, float | None]:
    if series.low is None or series.high is None:
        return None, None
    return series.low[place], series.high[place]


def _runs(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """Stretches without gaps: where each begins, and its values."""
    begin, run = 0, list[float]()
    for place, value in enumerate([*values, None]):
        if value is not None and math.isfinite(value):
            begin = begin if run else place
            run.append(value)
        elif run:
            yield begin, run
            run = []


def _path(points: Sequence[tuple[float, float]], stepped: bool) -> list[str]:
    """Points of a path; steps go on at their height until the next begins."""
    parts: list[str] = []
    for place, (x, y) in enumerate(points):
        if stepped and place:
            parts.append(f"{x:.1f} {points[place - 1][1]:.1f}")
        parts.append(f"{x:.1f} {y:.1f}")
    return parts
