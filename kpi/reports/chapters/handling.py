"""How faults were handled: the way, the time of repairs, the promised times, who pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from desk.coverage import VERDICT_TEXT, Verdict
from domain.text import N_, Text
from kpi.reports.chapters.words import FEW, columns, interval, listed
from kpi.reports.document import Range, Section, Table, Unit, Value
from kpi.service.handling import WAY_TEXT, repairs, ways
from kpi.service.promises import Kept, kept
from kpi.service.story import Story


def handling(story: Story) -> Section:
    """Of the cases that were closed in the period, without cancelled ones."""
    return Section(
        Text(N_("How faults were handled")),
        (
            _ways(story),
            _repairs(story),
            promises(kept(story.kept)),
            _coverage(story),
            _windows(story),
        ),
    )


def _ways(story: Story) -> Table:
    counts = ways(story.closed)
    every = len(story.closed)
    return Table(
        Text(N_("Ways of handling")),
        columns((N_("Handled"), Unit.WORDS), (N_("Cases"), Unit.COUNT), (N_("Share"), Unit.SHARE)),
        tuple((Text(WAY_TEXT[each]), count, count / every) for each, count in counts)
        if every
        else (),
        Text(N_("No case was closed.")),
        note=Text(N_("Cases that were closed in the period, without cancelled ones.")),
    )


def _repairs(story: Story) -> Table:
    found = repairs(story.closed, story.plans)
    return Table(
        Text(N_("Repair times of ordinary faults")),
        columns(
            (N_("Service plan"), Unit.WORDS),
            (N_("Repairs"), Unit.COUNT),
            (N_("Mean"), Unit.SPAN),
            (N_("Agreed mean"), Unit.SPAN),
            (N_("Median"), Unit.SPAN),
        ),
        tuple((Text(one.label), one.count, one.mean, one.promised, one.median) for one in found),
        Text(N_("Nobody had to go to an ordinary fault.")),
        frozenset(row for row, one in enumerate(found) if one.count < FEW),
        Text(N_("From the first arrival to the last repair.")),
    )


def promises(found: Sequence[Kept]) -> Table:
    """Each clock of each plan, with each time that it promised."""
    return Table(
        Text(N_("Promised times")),
        columns(
            (N_("Clock"), Unit.WORDS),
            (N_("Promised"), Unit.SPAN),
            (N_("Cases"), Unit.COUNT),
            (N_("Kept"), Unit.COUNT),
            (N_("Share kept"), Unit.SHARE),
            interval(Unit.SHARE),
            (N_("Median"), Unit.SPAN),
            (N_("Nine in ten within"), Unit.SPAN),
        ),
        tuple(_promise_rows(found)),
        Text(N_("No promised time ended.")),
        frozenset(row for row, one in enumerate(found) if one.cases < FEW),
        Text(
            N_(
                "Of the cases that were closed in the period. Times are working time of the contract's "
                "calendar, without what the contract does not count, such as waiting for the customer."
            )
        ),
    )


def _promise_rows(found: Sequence[Kept]) -> Iterator[tuple[Value, ...]]:
    for one in found:
        yield (
            Text(one.label),
            one.target,
            one.cases,
            one.kept,
            one.share,
            Range(one.low, one.high),
            one.median,
            one.most,
        )


def _coverage(story: Story) -> Table:
    counts = Counter(case.coverage for case in story.opened if not case.cancelled)
    order: tuple[Verdict | None, ...] = (*Verdict, None)
    return Table(
        Text(N_("Who pays")),
        columns((N_("Coverage"), Unit.WORDS), (N_("Cases"), Unit.COUNT)),
        tuple((_verdict(each), counts[each]) for each in order if counts[each]),
        Text(N_("There was no case.")),
        note=Text(N_("As it was found when the case was opened.")),
    )


def _verdict(verdict: Verdict | None) -> Text:
    return Text(VERDICT_TEXT[verdict]) if verdict else Text(N_("not known"))


def _windows(story: Story) -> Table:
    return listed(
        N_("Maintenance windows"),
        columns(
            (N_("From"), Unit.MOMENT),
            (N_("Until"), Unit.MOMENT),
            (N_("Where"), Unit.WORDS),
            (N_("Why"), Unit.WORDS),
            (N_("Agreed by"), Unit.WORDS),
        ),
        ((one.since, one.until, one.place, one.reason, one.actor) for one in story.windows),
        N_("There was no maintenance window."),
    )
