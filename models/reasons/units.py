"""Numbers, spans and comparisons as a person would say them, each a clause of its own to translate."""

from __future__ import annotations

from math import isfinite

from domain.text import N_, Text, Value

NOTHING = Text("")
_DAY, _YEAR = 24.0, 24 * 365.25
_DOUBLED, _HALVED = (1.8, 2.25), (0.45, 0.56)


def number(value: float) -> int | float:
    """To three digits, and without a point where it has none."""
    short = float(f"{value:.3g}")
    return int(short) if short.is_integer() else short


def measure(value: float, unit: str) -> Text:
    """A value with its unit; empty where it is unknown."""
    if not isfinite(value):
        return NOTHING
    if not unit:
        return Text("{value}", {"value": number(value)})
    return Text(N_("{value} {unit}"), {"value": number(value), "unit": unit})


def a_day(value: float, unit: str) -> Text:
    """So much each day."""
    if not isfinite(value):
        return NOTHING
    return Text(N_("{amount} a day"), {"amount": measure(value, unit)})


def span(hours: float) -> Text:
    """A length of time, in the unit that a person would take."""
    if not isfinite(hours):
        return NOTHING
    if hours < 1:
        return _counted(round(60 * hours), N_("a minute"), N_("{count} minutes"))
    if hours < _DAY:
        return _counted(round(hours), N_("an hour"), N_("{count} hours"))
    if hours < 2 * _YEAR:
        return _counted(round(hours / _DAY), N_("a day"), N_("{count} days"))
    return _counted(round(hours / _YEAR), N_("a year"), N_("{count} years"))


def _counted(count: int, one: str, many: str) -> Text:
    return Text(one) if count == 1 else Text(many, {"count": count})


def changed(label: Value, ratio: float, window: Text) -> Text:
    """How something changed against what it was before, by their ratio (0 or more)."""
    words: dict[str, Value] = {"label": label, "window": window}
    if _DOUBLED[0] <= ratio <= _DOUBLED[1]:
        return Text(N_("{label} doubled in {window}"), words)
    if ratio > _DOUBLED[1]:
        return Text(N_("{label} rose {times}-fold in {window}"), {**words, "times": times(ratio)})
    if ratio >= 1:
        more = round(100 * (ratio - 1))
        return Text(N_("{label} rose by {percent} % in {window}"), {**words, "percent": more})
    if _HALVED[0] <= ratio <= _HALVED[1]:
        return Text(N_("{label} halved in {window}"), words)
    less = round(100 * (1 - ratio))
    return Text(N_("{label} fell by {percent} % in {window}"), {**words, "percent": less})


def times(ratio: float) -> int | float:
    """A ratio to two digits."""
    return number(float(f"{ratio:.2g}"))
