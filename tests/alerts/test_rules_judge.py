"""The judgement of gauges against a slow and obvious one, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.replay.gauges import KnownReading, looks
from alerts.rules import read_book
from alerts.rules.judge import Reading, Turn, judged_reading
from alerts.rules.measured import ThresholdRule

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG = timedelta(hours=3)


def rule(raise_at: int, clear_at: int, held_for: int, *, absolute: bool) -> ThresholdRule:
    book = read_book(
        f"""
        [[threshold]]
        name = "r"
        metric = "m"
        component = "c"
        fault_class = "degraded"
        severity = "error"
        message = "-"
        raise_at = {raise_at}
        clear_at = {clear_at}
        absolute = {str(absolute).lower()}
        held_for = "{held_for}m"
        """
    )
    found = book.by_name["r"]
    assert isinstance(found, ThresholdRule)
    return found


@st.composite
def rules(draw: st.DrawFn) -> ThresholdRule:
    above = draw(st.booleans())
    held_for = draw(st.sampled_from([0, 3, 10, 200]))
    absolute = above and draw(st.booleans())
    return rule(6 if above else 2, 4 if above else 5, held_for, absolute=absolute)


@st.composite
def told(draw: st.DrawFn) -> list[KnownReading]:
    """Readings at odd seconds, some known late, with gaps of all lengths."""
    at, found = BEGIN, []
    for _ in range(draw(st.integers(0, 25))):
        at += timedelta(seconds=draw(st.sampled_from([1, 20, 60, 90, 240, 3600, 12000])))
        late = timedelta(minutes=draw(st.sampled_from([0, 0, 0, 1, 7, 200])))
        minutes = -((at - BEGIN) // -MINUTE)
        value = draw(st.integers(-8, 8))
        found.append(KnownReading(BEGIN + minutes * MINUTE + late, Reading(at, float(value))))
    return found


def minute_by_minute(
    rule: ThresholdRule, series: list[KnownReading]
) -> list[tuple[datetime, bool]]:
    """When the condition began and ended to hold: asks every minute, from all that is known."""
    held, turns = False, []
    end = max((one.looked_at for one in series), default=BEGIN)
    minute = BEGIN
    while minute <= end:
        known = [one.reading for one in series if one.looked_at <= minute]
        known.sort(key=lambda reading: reading.at)
        if known and known[-1].at > minute - LONG:
            size = abs(known[-1].value) if rule.absolute else known[-1].value
            if held and (size < rule.clear_at if rule.above else size > rule.clear_at):
                held = False
                turns.append((minute, False))
            elif not held and _breached_for(rule, known):
                held = True
                turns.append((minute, True))
        minute += MINUTE
    return turns


def _breached_for(rule: ThresholdRule, known: list[Reading]) -> bool:
    """Whether some of the last readings lie so far apart, are all beyond, and leave no long gap."""
    for first in range(len(known)):
        run = known[first:]
        sizes = [abs(one.value) if rule.absolute else one.value for one in run]
        beyond = all(size > rule.raise_at if rule.above else size < rule.raise_at for size in sizes)
        gaps = [later.at - sooner.at for sooner, later in pairwise(run)]
        whole = all(gap <= LONG for gap in gaps)
        if beyond and whole and run[-1].at - run[0].at >= rule.held_for:
            return True
    return False


@settings(deadline=None)
@given(rules(), told())
def test_a_gauge_is_judged_as_if_it_were_asked_every_minute(
    rule: ThresholdRule, series: list[KnownReading]
) -> None:
    held, turns = False, []
    for look in looks(rule, 1, series):
        turn = judged_reading(rule, look.newest, look.since, held=held)
        if turn is not None:
            held = turn is Turn.RAISED
            turns.append((look.looked_at, held))
    assert turns == minute_by_minute(rule, series)
