"""The words of reasons: how a group of features becomes one sentence.

Every (source, statistic) of the feature table has a row in `WORDS`, which makes a clause. As a head a
clause names its subject, as a tail it goes on about the head's. A sentence is the weightiest head and
up to two tails, and says when the last service was if that is long ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from domain.text import N_
from models.reasons import logs, metrics
from models.reasons.units import NOTHING, span
from models.reasons.view import Clause, View, Words, text
from pipeline.features.definitions import Source, Statistic

_TAILS = 2
_OLD_SERVICE_H = 30 * 24.0


def sentence(view: View) -> Clause | None:
    """The group in one sentence, as a clause's head; None where nothing of it is known."""
    clauses = sorted(_clauses(view), key=lambda clause: -clause.weight)
    lead = next((clause for clause in clauses if clause.head is not None), None)
    if lead is None or lead.head is None:
        return None
    after = [one.tail for one in clauses if one.tail and not (one is lead and one.echoes)]
    tails = list({tail.template: tail for tail in reversed(after)}.values())[::-1]
    if isfinite(view.service_h) and view.service_h >= _OLD_SERVICE_H:
        service = text(N_("last service {span} ago"), span=span(view.service_h))
        tails = [*tails[: _TAILS - 1], service]
    said = lead.head
    for tail in tails[:_TAILS]:
        said = text(N_("{first}; {second}"), first=said, second=tail)
    row = next((clause for clause in clauses if clause.value is not NOTHING), lead)
    return replace(lead, head=said, value=row.value, usual=row.usual)


def _clauses(view: View) -> Iterator[Clause]:
    for source, statistic in dict.fromkeys((f.source, f.statistic) for f in view.features):
        words = WORDS.get((source, statistic))
        clause = words(view, statistic) if words else None
        if clause is not None:
            yield clause


_S, _T = Source, Statistic
WORDS: dict[tuple[Source, Statistic], Words] = {
    (_S.GAUGE, _T.LAST): metrics.level,
    (_S.GAUGE, _T.MEAN): metrics.level,
    (_S.GAUGE, _T.DEVIATION): metrics.own_past,
    (_S.GAUGE, _T.SLOPE): metrics.slope,
    (_S.GAUGE, _T.SPREAD): metrics.spread,
    (_S.GAUGE, _T.LOW): metrics.low,
    (_S.GAUGE, _T.HIGH): metrics.high,
    (_S.GAUGE, _T.SEASON): metrics.season,
    (_S.GAUGE, _T.PEER): metrics.peers,
    (_S.GAUGE, _T.PEER_SITE): metrics.neighbours,
    (_S.GAUGE, _T.STALE): metrics.stale,
    (_S.GAUGE, _T.TO_HIGH): metrics.to_high,
    (_S.GAUGE, _T.TO_LOW): metrics.to_low,
    (_S.COUNTER, _T.LAST): metrics.total,
    (_S.COUNTER, _T.RATE): metrics.rate,
    (_S.COUNTER, _T.GROWTH): metrics.growth,
    (_S.COUNTER, _T.CHANGED): metrics.unchanged,
    (_S.COUNTER, _T.PER_USE): metrics.per_use,
    (_S.COUNTER, _T.SERVICED): metrics.since_service,
    (_S.COUNTER, _T.PEER): metrics.peers,
    (_S.COUNTER, _T.PEER_SITE): metrics.neighbours,
    (_S.EVENT, _T.COUNT): logs.count,
    (_S.EVENT, _T.GROWTH): lambda *_: None,  # the count tells it, with what was before
    (_S.EVENT, _T.SINCE): logs.last_event,
    (_S.SEVERITY, _T.COUNT): logs.of_severity,
    (_S.SEVERITY, _T.GROWTH): logs.more_severe,
    (_S.SEVERITY, _T.SINCE): logs.last_severe,
    (_S.SEQUENCE, _T.COUNT): logs.sequence,
    (_S.SEQUENCE, _T.SINCE): logs.last_sequence,
    (_S.MAINTENANCE, _T.SINCE): logs.last_service,
    (_S.MAINTENANCE, _T.COUNT): logs.services,
    (_S.MAINTENANCE, _T.GAP): logs.rhythm,
    (_S.MAINTENANCE, _T.DUE): logs.due,
    (_S.REPLACEMENT, _T.SINCE): logs.last_replaced,
    (_S.FAILURE, _T.SINCE): logs.last_failure,
    (_S.FAILURE, _T.COUNT): logs.failures,
    (_S.FAILURE, _T.TOTAL): logs.failures_so_far,
    (_S.DEVICE, _T.SILENCE): logs.silence,
    (_S.DEVICE, _T.COVERAGE): logs.coverage,
    (_S.DEVICE, _T.AGE): logs.age,
    (_S.ATTRIBUTE, _T.VALUE): logs.attribute,
}
"""What each (source, statistic) of the feature table says."""
