"""The charts of a backtest's report, as inline SVG: nothing is loaded, nothing runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 300.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 10.0, 12.0, 34.0

Json = Mapping[str, Any]


def cost_chart(curve: Json, threshold: float) -> Markup:
    """Cost against threshold, the one that was chosen, and what waiting for the failure costs."""
    nothing = curve["repair_when_it_breaks"]
    highest = max([*curve["cost"], nothing, 1.0])
    # Far dearer than waiting is off the chart: the region that matters would be flat otherwise.
    highest = min(highest, max(2 * nothing, 1.0))
    plot = _Plot(0.0, 1.0, 0.0, highest * 1.05)
    line = plot.path(list(zip(curve["threshold"], curve["cost"], strict=True)))
    parts = [
        plot.frame("threshold", "cost"),
        plot.across(nothing, "wait", "repair when it breaks"),
        plot.down(threshold, "chosen"),
        f'<path class="line" d="{line}"/>',
    ]
    return plot.svg("Cost against the threshold", parts)


def reliability_chart(rows: Sequence[Json]) -> Markup:
    """What came against what was foretold; the larger a dot, the more decisions."""
    plot = _Plot(0.0, 1.0, 0.0, 1.0)
    line = plot.path([(0.0, 0.0), (1.0, 1.0)])
    parts = [plot.frame("foretold", "came"), f'<path class="ideal" d="{line}"/>']
    for row in rows:
        size = 2.5 + min(6.0, row["decisions"] ** 0.25)
        x, y = plot.at(row["foretold"], row["came"])
        title = (
            f"{row['decisions']} decisions: foretold {row['foretold']:.3f}, came {row['came']:.3f}"
        )
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"><title>{title}</title></circle>'
        )
    return plot.svg("What came against what was foretold", parts)


def bar_chart(rows: Sequence[tuple[str, float]]) -> Markup:
    """Named amounts as bars, one below the other."""
    most = max([value for _, value in rows] + [1.0])
    parts = []
    for place, (name, value) in enumerate(rows):
        y = 8 + place * 30
        width = max(0.0, value) / most * 300
        kind = "bar own" if place == 0 else "bar"
        parts.append(
            f'<text class="name" x="186" y="{y + 15}">{escape(name)}</text>'
            f'<rect class="{kind}" x="196" y="{y}" width="{width:.1f}" height="20" rx="2"/>'
            f'<text class="amount" x="{196 + width + 6:.1f}" y="{y + 15}">{value:,.0f}</text>'
        )
    return _svg("Cost by way of working", 600, 12 + 30 * len(rows), parts)


def lead_chart(leads: Sequence[float], horizon_h: float) -> Markup:
    """How many failures were warned of how long before."""
    bins = 12
    counts = [0] * bins
    for lead in leads:
        counts[min(bins - 1, int(lead / horizon_h * bins))] += 1
    plot = _Plot(0.0, horizon_h, 0.0, max([*counts, 1]) * 1.1)
    parts = [plot.frame("hours before the failure", "failures")]
    for place, count in enumerate(counts):
        left, top = plot.at(place * horizon_h / bins, count)
        right, floor = plot.at((place + 1) * horizon_h / bins, 0.0)
        parts.append(
            f'<rect class="bar own" x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" '
            f'height="{floor - top:.1f}"><title>{count}</title></rect>'
        )
    return plot.svg("How long before the failure the first warning came", parts)


class _Plot:
    """A frame with axes, and where values lie in it."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self._x, self._y = (left, right), (low, high)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = min(1.02, (y - self._y[0]) / (self._y[1] - self._y[0]))
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in (self.at(*p) for p in points))

    def frame(self, across: str, up: str) -> str:
        left, floor = self.at(self._x[0], self._y[0])
        right, top = self.at(self._x[1], self._y[1])
        marks = [
            f'<text class="tick" text-anchor="middle" x="{self.at(x, 0)[0]:.1f}" y="{floor + 13:.1f}">'
            f"{_short(x)}</text>"
            for x in _ticks(*self._x)
        ]
        marks += [
            f'<text class="tick" text-anchor="end" x="{left - 4:.1f}" y="{self.at(0, y)[1] + 3:.1f}">'
            f'{_short(y)}</text><path class="grid" d="M{left:.1f} {self.at(0, y)[1]:.1f} H{right:.1f}"/>'
            for y in _ticks(*self._y)
        ]
        return (
            "".join(marks) + f'<path class="axis" d="M{left} {top:.1f} V{floor:.1f} H{right:.1f}"/>'
            f'<text class="label" text-anchor="middle" x="{(left + right) / 2:.1f}" '
            f'y="{_HEIGHT - 5}">{escape(across)}</text>'
            f'<text class="label" transform="rotate(-90)" text-anchor="middle" '
            f'x="{-(top + floor) / 2:.1f}" y="11">{escape(up)}</text>'
        )

    def across(self, y: float, kind: str, said: str) -> str:
        left, at = self.at(self._x[0], y)
        right, _ = self.at(self._x[1], y)
        return (
            f'<path class="{kind}" d="M{left} {at:.1f} H{right:.1f}"/>'
            f'<text class="said" text-anchor="end" x="{right:.1f}" y="{at + 12:.1f}">{escape(said)}</text>'
        )

    def down(self, x: float, kind: str) -> str:
        at, floor = self.at(min(x, self._x[1]), self._y[0])
        _, top = self.at(x, self._y[1])
        return f'<path class="{kind}" d="M{at:.1f} {top:.1f} V{floor:.1f}"/>'

    def svg(self, title: str, parts: Sequence[str]) -> Markup:
        return _svg(title, _WIDTH, _HEIGHT, parts)


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - numbers, and words that were escaped
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _ticks(low: float, high: float) -> list[float]:
    step = 1.0
    span = high - low
    for step in (10.0**power * part for power in range(-3, 12) for part in (1, 2, 5)):
        if span / step <= 5:
            break
    return [low + place * step for place in range(int(span / step) + 1)]


def _short(value: float) -> str:
    for size, unit in ((1e6, "m"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1000 if unit == 'k' else size):g}{unit}"
    return f"{value:g}"
