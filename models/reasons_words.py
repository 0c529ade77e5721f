"""The words of reasons: what each statistic of a group says, and how a group becomes one sentence.

Every (source, statistic) of the feature table has a row in `WORDS`, which makes a clause. As a head a
clause names its subject, as a tail it goes on about the head's. A sentence is the weightiest head and
up to two tails of other statistics, and says when the last service was if that is long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.text import N_, Text, Value
from domain.vocabulary import component, metric
from models.reasons_units import NOTHING, a_day, changed, measure, number, span, times
from pipeline.features.definitions import Feature, Source, Statistic
from pipeline.features.frames import ANY_ERROR

_TAILS = 2
_NOTABLE = 1.5  # times what is usual, either way
_OLD_SERVICE_H = 30 * 24.0
_TREND, _LEVEL, _PAST, _DETAIL = 4.0, 3.0, 2.0, 1.0  # weights of heads


@dataclass(frozen=True, slots=True)
class View:
    """One group's features of one row.

    Attributes:
        values, usual: of each feature, and what is usual in the fleet; NaN where unknown.
        service_h: hours since the subject's component was serviced; NaN: not on record.
    """

    features: Sequence[Feature]
    values: NDArray[np.float32]
    usual: NDArray[np.float32]
    service_h: float = float("nan")

    @property
    def subject(self) -> str:
        return self.features[0].subject

    def each(self, statistic: Statistic) -> list[tuple[float, float, float]]:
        """(window in hours, value, usual) of each known feature of `statistic`, by window."""
        return sorted(
            (float(feature.window_h), float(value), float(usual))
            for feature, value, usual in zip(self.features, self.values, self.usual, strict=True)
            if feature.statistic is statistic and isfinite(value)
        )


@dataclass(frozen=True, slots=True)
class Clause:
    """What one statistic says.

    Attributes:
        weight: the weightiest head leads, the weightiest tails follow.
        value, usual: the row of the table behind the sentence.
    """

    weight: float
    head: Text | None
    tail: Text | None = None
    value: Text = NOTHING
    usual: Text = NOTHING


Words: TypeAlias = Callable[[View, Statistic], Clause | None]


def sentence(view: View) -> Clause | None:
    """The group in one sentence, as a clause's head; None where nothing of it is known."""
    clauses = sorted(_clauses(view), key=lambda clause: -clause.weight)
    lead = next((clause for clause in clauses if clause.head is not None), None)
    if lead is None or lead.head is None:
        return None
    tails = [clause.tail for clause in clauses if clause.tail is not None and clause is not lead]
    if isfinite(view.service_h) and view.service_h >= _OLD_SERVICE_H:
        tails = [
            *tails[: _TAILS - 1],
            _text(N_("last service {span} ago"), span=span(view.service_h)),
        ]
    text = lead.head
    for tail in tails[:_TAILS]:
        text = _text(N_("{first}; {second}"), first=text, second=tail)
    row = next((clause for clause in clauses if clause.value is not NOTHING), lead)
    return replace(lead, head=text, value=row.value, usual=row.usual)


def _clauses(view: View) -> Iterator[Clause]:
    for source, statistic in dict.fromkeys((f.source, f.statistic) for f in view.features):
        words = WORDS.get((source, statistic))
        clause = words(view, statistic) if words else None
        if clause is not None:
            yield clause


def _text(template: str, **values: Value) -> Text:
    return Text(template, values)


def _label(view: View) -> str:
    return metric(view.subject).label


def _most_unusual(found: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    return max(found, key=lambda one: abs(one[1] - one[2]) / (abs(one[2]) + 1e-9))


def _of_fleet(value: float, usual: float) -> Text | None:
    if not (value > 0 and usual > 0) or 1 / _NOTABLE < value / usual < _NOTABLE:
        return None
    return _text(N_("{times} times what is usual in the fleet"), times=times(value / usual))


def _level(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    _, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = measure(value, unit)
    head = _text(N_("{label} is {value}"), label=_label(view), value=shown)
    return Clause(_LEVEL, head, _of_fleet(value, usual), shown, measure(usual, unit))


def _own_past(view: View, statistic: Statistic) -> Clause | None:
    """A gauge against the device's own past, whose mean follows from those of two windows."""
    means = {window: value for window, value, _ in view.each(Statistic.MEAN)}
    longest = max(means, default=0.0)
    told = [(abs(value), window) for window, value, _ in view.each(statistic)]
    windows = [window for _, window in sorted(told, reverse=True) if window in means]
    if not windows or windows[0] >= longest:
        return None
    window, unit = windows[0], metric(view.subject).unit
    before = (longest * means[longest] - window * means[window]) / (longest - window)
    now, usual = measure(means[window], unit), measure(before, unit)
    words: dict[str, Value] = {"label": _label(view), "value": now, "usual": usual}
    head = Text(N_("{label} is {value}, and {usual} is usual for this device"), words)
    return Clause(_TREND, head, None, now, usual)


def _slope(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    window, value, _ = max(found, key=lambda one: abs(one[1]))
    words: dict[str, Value] = {
        "amount": a_day(24 * abs(value), metric(view.subject).unit),
        "window": span(window),
    }
    if not number(24 * value):
        return None
    up = value > 0
    tail = Text(N_("rising by {amount}") if up else N_("falling by {amount}"), words)
    head = Text(
        N_("{label} has been rising by {amount} for {window}")
        if up
        else N_("{label} has been falling by {amount} for {window}"),
        {**words, "label": _label(view)},
    )
    return Clause(_DETAIL, head, tail)


def _spread(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} varies by {value} within {window}"))


def _low(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} went down to {value} within {window}"))


def _high(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} went up to {value} within {window}"))


def _detail(view: View, statistic: Statistic, template: str) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    window, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = measure(value, unit)
    head = _text(template, label=_label(view), value=shown, window=span(window))
    return Clause(_DETAIL, head, None, shown, measure(usual, unit))


def _rate(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    window, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = a_day(24 * value, unit)
    words: dict[str, Value] = {"label": _label(view), "amount": shown, "window": span(window)}
    head = Text(N_("{label}: {amount} over {window}"), words)
    return Clause(_LEVEL, head, _of_fleet(value, usual), shown, a_day(24 * usual, unit))


def _growth(view: View, statistic: Statistic) -> Clause | None:
    """A counter's rate against that of the device's own past."""
    rates = {window: value for window, value, _ in view.each(Statistic.RATE)}
    found = [(rates[w], w, more) for w, more, _ in view.each(statistic) if w in rates]
    if not found:
        return None
    now, window, more = max(found, key=lambda one: abs(one[2]))
    before = max(0.0, now - more)
    unit = metric(view.subject).unit
    cells = (a_day(24 * now, unit), a_day(24 * before, unit))
    if before <= 0:
        words: dict[str, Value] = {
            "label": _label(view),
            "amount": cells[0],
            "window": span(window),
        }
        began = Text(N_("{label}: {amount} over {window}, none before"), words)
        return Clause(_TREND, began, None, *cells) if now > 0 else None
    if 0.9 < now / before < 1.1:
        return None
    return Clause(_TREND, changed(_label(view), now / before, span(window)), None, *cells)


def _count(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    window, count, usual = max(
        found, key=lambda one: one[1] / sqrt(max(one[0], 1.0)), default=(0.0, 0.0, 0.0)
    )
    if count <= 0:
        return None
    longest, whole, _ = found[-1]
    head = _so_often(_code(view), count, span(window))
    if longest > window:
        before = {"count": number(whole - count), "window": span(longest - window)}
        tail = Text(N_("{count} in the {window} before"), before)
        head = _text(N_("{first}; {second}"), first=head, second=tail)
    return Clause(_LEVEL, head, None, _within(count, window), _within(usual, window))


def _so_often(code: str, count: float, window: Text) -> Text:
    words: dict[str, Value] = {"count": number(count), "window": window}
    if code != ANY_ERROR:
        return Text(N_("{count} × {code} within {window}"), {**words, "code": code})
    template = (
        N_("one error within {window}") if count == 1 else N_("{count} errors within {window}")
    )
    return Text(template, words)


def _within(count: float, window: float) -> Text:
    if not isfinite(count):
        return NOTHING
    return _text(N_("{count} within {window}"), count=number(count), window=span(window))


def _code(view: View) -> str:
    return view.subject.partition(":")[2] or view.subject


def _last_event(view: View, statistic: Statistic) -> Clause | None:
    return _since(
        view, statistic, _code(view), N_("{label}: last seen {span} ago"), None, lambda label: label
    )


def _last_service(view: View, statistic: Statistic) -> Clause | None:
    never = N_("{label}: no service on record")
    return _since(view, statistic, view.subject, N_("{label}: last serviced {span} ago"), never)


def _last_failure(view: View, statistic: Statistic) -> Clause | None:
    never = N_("{label}: no failure on record")
    return _since(view, statistic, view.subject, N_("{label}: last failed {span} ago"), never)


def _part(name: str) -> str:
    return component(name).label


def _since(
    view: View,
    statistic: Statistic,
    name: str,
    template: str,
    never: str | None,
    label: Callable[[str], str] = _part,
) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return Clause(_LEVEL, _text(never, label=label(name))) if never else None
    _, hours, usual = found[0]
    head = _text(template, label=label(name), span=span(hours))
    return Clause(_PAST, head, None, _ago(hours), _ago(usual))


def _ago(hours: float) -> Text:
    return _text(N_("{span} ago"), span=span(hours)) if isfinite(hours) else NOTHING


def _silence(view: View, statistic: Statistic) -> Clause | None:
    hours = max((hours for _, hours, _ in view.each(statistic)), default=0.0)
    if hours <= 0:
        return None
    return Clause(
        _LEVEL, _text(N_("nothing heard for {span}"), span=span(hours)), None, span(hours)
    )


def _coverage(view: View, statistic: Statistic) -> Clause | None:
    if not view.each(statistic):
        return None
    window, share, usual = view.each(statistic)[0]
    heard = measure(round(100 * share), "%")
    head = _text(N_("heard in {value} of the last {window}"), value=heard, window=span(window))
    return Clause(_LEVEL, head, None, heard, measure(round(100 * usual, 0), "%"))


def _age(view: View, statistic: Statistic) -> Clause | None:
    if not view.each(statistic):
        return None
    _, hours, usual = view.each(statistic)[0]
    return Clause(
        _LEVEL, _text(N_("in service for {span}"), span=span(hours)), None, span(hours), span(usual)
    )


def _attribute(view: View, statistic: Statistic) -> Clause | None:
    if view.subject != "model":
        return None
    return Clause(_LEVEL, Text(N_("devices of its model fail more often than others")))


def _unsaid(view: View, statistic: Statistic) -> Clause | None:
    """The group's other features say it well enough."""
    return None


_S = Source
WORDS: dict[tuple[Source, Statistic], Words] = {
    (_S.GAUGE, Statistic.MEAN): _level,
    (_S.GAUGE, Statistic.DEVIATION): _own_past,
    (_S.GAUGE, Statistic.SLOPE): _slope,
    (_S.GAUGE, Statistic.SPREAD): _spread,
    (_S.GAUGE, Statistic.LOW): _low,
    (_S.GAUGE, Statistic.HIGH): _high,
    (_S.COUNTER, Statistic.RATE): _rate,
    (_S.COUNTER, Statistic.GROWTH): _growth,
    (_S.EVENT, Statistic.COUNT): _count,
    (_S.EVENT, Statistic.SINCE): _last_event,
    (_S.MAINTENANCE, Statistic.SINCE): _last_service,
    (_S.FAILURE, Statistic.SINCE): _last_failure,
    (_S.DEVICE, Statistic.SILENCE): _silence,
    (_S.DEVICE, Statistic.COVERAGE): _coverage,
    (_S.DEVICE, Statistic.AGE): _age,
    (_S.ATTRIBUTE, Statistic.VALUE): _attribute,
    (_S.GAUGE, Statistic.LAST): _level,
    (_S.GAUGE, Statistic.SEASON): _unsaid,
    (_S.GAUGE, Statistic.PEER): _unsaid,
    (_S.GAUGE, Statistic.PEER_SITE): _unsaid,
    (_S.GAUGE, Statistic.STALE): _unsaid,
    (_S.GAUGE, Statistic.TO_HIGH): _unsaid,
    (_S.GAUGE, Statistic.TO_LOW): _unsaid,
    (_S.COUNTER, Statistic.LAST): _level,
    (_S.COUNTER, Statistic.CHANGED): _unsaid,
    (_S.COUNTER, Statistic.PER_USE): _unsaid,
    (_S.COUNTER, Statistic.SERVICED): _unsaid,
    (_S.COUNTER, Statistic.PEER): _unsaid,
    (_S.COUNTER, Statistic.PEER_SITE): _unsaid,
    (_S.EVENT, Statistic.GROWTH): _unsaid,
    (_S.SEQUENCE, Statistic.COUNT): _unsaid,
    (_S.SEQUENCE, Statistic.SINCE): _unsaid,
    (_S.MAINTENANCE, Statistic.COUNT): _unsaid,
    (_S.MAINTENANCE, Statistic.GAP): _unsaid,
    (_S.MAINTENANCE, Statistic.DUE): _unsaid,
    (_S.REPLACEMENT, Statistic.SINCE): _last_service,
    (_S.FAILURE, Statistic.COUNT): _unsaid,
    (_S.FAILURE, Statistic.TOTAL): _unsaid,
}
"""What each (source, statistic) of the feature table says."""
