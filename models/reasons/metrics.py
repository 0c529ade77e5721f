"""The words of gauges and counters."""

from __future__ import annotations

from domain.text import N_, Text, Value
from domain.vocabulary import metric
from models.reasons.units import a_day, changed, measure, number, span, times
from models.reasons.view import DETAIL, LEVEL, TREND, Clause, View, label_of, text
from pipeline.features.definitions import Statistic

_NOTABLE = 1.5  # times what is usual, either way
_TELLING, _FAR = 1.0, 3.0  # standard deviations
_LONG_H = 24.0


def _most_unusual(found: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    return max(found, key=lambda one: abs(one[1] - one[2]) / (abs(one[2]) + 1e-9))


def _of_fleet(value: float, usual: float) -> Text | None:
    if not (value > 0 and usual > 0) or 1 / _NOTABLE < value / usual < _NOTABLE:
        return None
    return text(N_("{times} times what is usual in the fleet"), times=times(value / usual))


def level(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    _, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = measure(value, unit)
    head = text(N_("{label} is {value}"), label=label_of(view), value=shown)
    return Clause(LEVEL, head, _of_fleet(value, usual), shown, measure(usual, unit))


def own_past(view: View, statistic: Statistic) -> Clause | None:
    """A gauge against the device's own past, whose mean follows from those of two windows."""
    means = {window: value for window, value, _ in view.each(Statistic.MEAN)}
    longest = max(means, default=0.0)
    told = [(abs(value), window) for window, value, _ in view.each(statistic)]
    windows = [window for _, window in sorted(told, reverse=True) if window in means]
    if not windows or windows[0] >= longest or max(told)[0] < _TELLING:
        return None
    window, unit = windows[0], metric(view.subject).unit
    before = (longest * means[longest] - window * means[window]) / (longest - window)
    now, usual = measure(means[window], unit), measure(before, unit)
    words: dict[str, Value] = {"label": label_of(view), "value": now, "usual": usual}
    head = Text(N_("{label} is {value}, and {usual} is usual for this device"), words)
    return Clause(TREND, head, None, now, usual)


def slope(view: View, statistic: Statistic) -> Clause | None:
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
        {**words, "label": label_of(view)},
    )
    return Clause(DETAIL, head, tail, echoes=True)


def spread(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} varies by {value} within {window}"))


def low(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} went down to {value} within {window}"))


def high(view: View, statistic: Statistic) -> Clause | None:
    return _detail(view, statistic, N_("{label} went up to {value} within {window}"))


def _detail(view: View, statistic: Statistic, template: str) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    window, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = measure(value, unit)
    head = text(template, label=label_of(view), value=shown, window=span(window))
    return Clause(DETAIL, head, None, shown, measure(usual, unit))


def rate(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    window, value, usual = _most_unusual(found)
    unit = metric(view.subject).unit
    shown = a_day(24 * value, unit)
    words: dict[str, Value] = {"label": label_of(view), "amount": shown, "window": span(window)}
    head = Text(N_("{label}: {amount} over {window}"), words)
    return Clause(LEVEL, head, _of_fleet(value, usual), shown, a_day(24 * usual, unit))


def growth(view: View, statistic: Statistic) -> Clause | None:
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
            "label": label_of(view),
            "amount": cells[0],
            "window": span(window),
        }
        began = Text(N_("{label}: {amount} over {window}, none before"), words)
        return Clause(TREND, began, None, *cells) if now > 0 else None
    if 0.9 < now / before < 1.1:
        return None
    return Clause(TREND, changed(label_of(view), now / before, span(window)), None, *cells)


def total(view: View, statistic: Statistic) -> Clause | None:
    """A counter's own figure."""
    found = view.each(statistic)
    if not found:
        return None
    _, value, usual = found[0]
    unit = metric(view.subject).unit
    shown = measure(value, unit)
    head = text(N_("{label}: {value} in all"), label=label_of(view), value=shown)
    return Clause(DETAIL, head, None, shown, measure(usual, unit))


def season(view: View, statistic: Statistic) -> Clause | None:
    return _beside(
        view,
        statistic,
        N_("higher than at the same hours a week before"),
        N_("lower than at the same hours a week before"),
    )


def peers(view: View, statistic: Statistic) -> Clause | None:
    return _beside(
        view, statistic, N_("far above others of its model"), N_("far below others of its model")
    )


def neighbours(view: View, statistic: Statistic) -> Clause | None:
    return _beside(
        view, statistic, N_("far above others at its site"), N_("far below others at its site")
    )


def _beside(view: View, statistic: Statistic, above: str, below: str) -> Clause | None:
    found = view.each(statistic)
    value = max((value for _, value, _ in found), key=abs, default=0.0)
    if abs(value) < _FAR:
        return None
    tail = Text(above if value > 0 else below)
    return Clause(DETAIL + 0.5, _named(view, tail), tail, echoes=True)


def _named(view: View, tail: Text) -> Text:
    return text(N_("{label}: {words}"), label=label_of(view), words=tail)


def stale(view: View, statistic: Statistic) -> Clause | None:
    return _for_long(view, statistic, N_("{label} was not measured for {span}"))


def unchanged(view: View, statistic: Statistic) -> Clause | None:
    return _for_long(view, statistic, N_("{label}: nothing counted for {span}"))


def _for_long(view: View, statistic: Statistic, template: str) -> Clause | None:
    hours = max((hours for _, hours, _ in view.each(statistic)), default=0.0)
    if hours < _LONG_H:
        return None
    return Clause(DETAIL, text(template, label=label_of(view), span=span(hours)))


def to_high(view: View, statistic: Statistic) -> Clause | None:
    return _reaches(view, statistic, N_("as it goes, at its highest usual value in {span}"))


def to_low(view: View, statistic: Statistic) -> Clause | None:
    return _reaches(view, statistic, N_("as it goes, at its lowest usual value in {span}"))


def _reaches(view: View, statistic: Statistic, template: str) -> Clause | None:
    hours = min((hours for _, hours, _ in view.each(statistic)), default=0.0)
    if hours <= 0:
        return None
    tail = text(template, span=span(hours))
    return Clause(DETAIL, _named(view, tail), tail, echoes=True)


def per_use(view: View, statistic: Statistic) -> Clause | None:
    found = [one for one in view.each(statistic) if one[1] > 0 and one[2] > 0]
    if not found:
        return None
    _, value, usual = _most_unusual(found)
    if 1 / _NOTABLE < value / usual < _NOTABLE:
        return None
    tail = text(N_("{times} times as many for its use as is usual"), times=times(value / usual))
    return Clause(DETAIL, _named(view, tail), tail, echoes=True)


def since_service(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found or found[0][1] <= 0:
        return None
    _, value, usual = found[0]
    unit = metric(view.subject).unit
    tail = text(N_("{amount} since the last service"), amount=measure(value, unit))
    return Clause(
        DETAIL, _named(view, tail), tail, measure(value, unit), measure(usual, unit), echoes=True
    )
