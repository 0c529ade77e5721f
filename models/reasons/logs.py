"""The words of events, services and failures, and of the device as a whole."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt

from domain.text import N_, Text, Value
from domain.vocabulary import component
from models.reasons.units import NOTHING, changed, measure, number, span
from models.reasons.view import DETAIL, LEVEL, PAST, TREND, Clause, View, text
from pipeline.features.definitions import Statistic
from pipeline.features.frames import ANY_ERROR
from pipeline.features.vocabulary import ANY

_HARDLY = 0.01  # events in a window: what rounding leaves of none


def count(view: View, statistic: Statistic) -> Clause | None:
    return _counted(view, statistic, lambda count, window: _so_often(_code(view), count, window))


def of_severity(view: View, statistic: Statistic) -> Clause | None:
    """How many events of one severity there were."""
    said = N_("{label}: {count} within {window}")
    label = _severity(view)
    return _counted(
        view,
        statistic,
        lambda count, window: text(said, label=label, count=number(count), window=window),
    )


def more_severe(view: View, statistic: Statistic) -> Clause | None:
    """How the events of one severity changed against what came before the window."""
    counts = {window: count for window, count, _ in view.each(Statistic.COUNT)}
    for window, more, _ in view.each(statistic):
        now = counts.get(window, 0.0) / window
        before = now - more
        if more > 0 and before > _HARDLY / window:
            told = changed(_severity(view), now / before, span(window))
            return Clause(TREND, told, None, _within(now * window, window))
    return None


def _severity(view: View) -> Text:
    part, _, severity = view.subject.rpartition(":")
    said = text(N_("events of severity {severity}"), severity=severity)
    if part in ("", ANY):
        return said
    return text(N_("{label}: {words}"), label=component(part).label, words=said)


def _counted(
    view: View, statistic: Statistic, so_often: Callable[[float, Text], Text]
) -> Clause | None:
    """The count that is most in its window, and how many came before that."""
    found = view.each(statistic)
    window, count, usual = max(
        found, key=lambda one: one[1] / sqrt(max(one[0], 1.0)), default=(0.0, 0.0, 0.0)
    )
    if count <= 0:
        return None
    longest, whole, _ = found[-1]
    head = so_often(count, span(window))
    if longest > window:
        before = {"count": number(whole - count), "window": span(longest - window)}
        tail = Text(N_("{count} in the {window} before"), before)
        head = text(N_("{first}; {second}"), first=head, second=tail)
    return Clause(LEVEL, head, None, _within(count, window), _within(usual, window))


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
    return text(N_("{count} within {window}"), count=number(count), window=span(window))


def _code(view: View) -> str:
    return view.subject.partition(":")[2] or view.subject


def last_event(view: View, statistic: Statistic) -> Clause | None:
    return _since(
        view, statistic, _code(view), N_("{label}: last seen {span} ago"), None, lambda label: label
    )


def last_severe(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    _, hours, usual = found[0]
    head = text(N_("{label}: last seen {span} ago"), label=_severity(view), span=span(hours))
    return Clause(PAST, head, None, _ago(hours), _ago(usual))


def last_service(view: View, statistic: Statistic) -> Clause | None:
    never = N_("{label}: no service on record")
    return _since(view, statistic, view.subject, N_("{label}: last serviced {span} ago"), never)


def last_failure(view: View, statistic: Statistic) -> Clause | None:
    never = N_("{label}: no failure on record")
    return _since(view, statistic, view.subject, N_("{label}: last failed {span} ago"), never)


def last_replaced(view: View, statistic: Statistic) -> Clause | None:
    return _since(view, statistic, view.subject, N_("{label}: last replaced {span} ago"), None)


def _part(name: str) -> str:
    return N_("the device") if name == ANY else component(name).label


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
        return Clause(LEVEL, text(never, label=label(name))) if never else None
    _, hours, usual = found[0]
    head = text(template, label=label(name), span=span(hours))
    return Clause(PAST, head, None, _ago(hours), _ago(usual))


def _ago(hours: float) -> Text:
    return text(N_("{span} ago"), span=span(hours)) if isfinite(hours) else NOTHING


def silence(view: View, statistic: Statistic) -> Clause | None:
    hours = max((hours for _, hours, _ in view.each(statistic)), default=0.0)
    if hours <= 0:
        return None
    return Clause(LEVEL, text(N_("nothing heard for {span}"), span=span(hours)), None, span(hours))


def coverage(view: View, statistic: Statistic) -> Clause | None:
    if not view.each(statistic):
        return None
    window, share, usual = view.each(statistic)[0]
    heard = measure(round(100 * share), "%")
    head = text(N_("heard in {value} of the last {window}"), value=heard, window=span(window))
    return Clause(LEVEL, head, None, heard, measure(round(100 * usual, 0), "%"))


def age(view: View, statistic: Statistic) -> Clause | None:
    if not view.each(statistic):
        return None
    _, hours, usual = view.each(statistic)[0]
    return Clause(
        LEVEL, text(N_("in service for {span}"), span=span(hours)), None, span(hours), span(usual)
    )


def sequence(view: View, statistic: Statistic) -> Clause | None:
    """How often one code came after another."""
    found = [one for one in view.each(statistic) if one[1] > 0]
    if not found:
        return None
    window, often, _ = found[0]
    first, _, then = view.subject.partition(">")
    words: dict[str, Value] = {
        "first": first.rpartition(":")[2],
        "then": then.rpartition(":")[2],
        "count": number(often),
        "window": span(window),
    }
    once = N_("{then} came after {first} within {window}")
    more = N_("{then} came after {first} {count} times within {window}")
    return Clause(LEVEL, Text(once if often == 1 else more, words))


def last_sequence(view: View, statistic: Statistic) -> Clause | None:
    found = view.each(statistic)
    if not found:
        return None
    first, _, then = view.subject.partition(">")
    head = text(
        N_("{then} came after {first} {span} ago"),
        first=first.rpartition(":")[2],
        then=then.rpartition(":")[2],
        span=span(found[0][1]),
    )
    return Clause(PAST, head)


def services(view: View, statistic: Statistic) -> Clause | None:
    return _times(view, statistic, N_("once"), N_("serviced {often} within {window}"))


def failures(view: View, statistic: Statistic) -> Clause | None:
    return _times(view, statistic, N_("once"), N_("failed {often} within {window}"))


def failures_so_far(view: View, statistic: Statistic) -> Clause | None:
    return _times(view, statistic, N_("once"), N_("failed {often} so far"))


def _times(view: View, statistic: Statistic, once: str, template: str) -> Clause | None:
    found = [one for one in view.each(statistic) if one[1] > 0]
    if not found:
        return None
    window, often, usual = found[0]
    said = Text(once) if often == 1 else text(N_("{count} times"), count=number(often))
    tail = text(template, often=said, window=span(window))
    head = text(N_("{label}: {words}"), label=_part(view.subject), words=tail)
    return Clause(DETAIL, head, tail, measure(often, ""), measure(usual, ""), echoes=True)


def rhythm(view: View, statistic: Statistic) -> Clause | None:
    return _expected(view, statistic, N_("serviced every {span} as a rule"))


def due(view: View, statistic: Statistic) -> Clause | None:
    return _expected(view, statistic, N_("next service expected in {span}"))


def _expected(view: View, statistic: Statistic, template: str) -> Clause | None:
    found = view.each(statistic)
    if not found or found[0][1] <= 0:
        return None
    tail = text(template, span=span(found[0][1]))
    head = text(N_("{label}: {words}"), label=_part(view.subject), words=tail)
    return Clause(DETAIL, head, tail, echoes=True)


def attribute(view: View, statistic: Statistic) -> Clause | None:
    told = {
        "model": N_("devices of its model fail more often than others"),
        "firmware": N_("devices with its firmware fail more often than others"),
        "site": N_("devices at its site fail more often than others"),
    }
    if view.subject in told:
        return Clause(LEVEL, Text(told[view.subject]))
    other = N_("devices like it in {attribute} fail more often than others")
    return Clause(LEVEL, text(other, attribute=view.subject))
