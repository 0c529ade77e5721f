"""The statistics report that service contracts ask for, in their order: overall running state; faults by
category; how they were handled, and measures that lower the fault rate; the customer's assessment; plan
and advice for the next period."""

from __future__ import annotations

from collections.abc import Iterator

from domain.text import N_, Text
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters import period
from kpi.reports.chapters.ahead import ahead, read_ahead
from kpi.reports.chapters.faults import faults, tickets
from kpi.reports.chapters.handling import handling
from kpi.reports.chapters.running import running
from kpi.reports.chapters.summary import summary
from kpi.reports.chapters.words import about, columns, listed
from kpi.reports.document import Block, Document, Fact, Facts, Paragraph, Section, Table, Unit
from kpi.service.flow import heard
from kpi.service.measures import Advice, advice, shipped
from kpi.service.measures import Facts as Seen
from kpi.service.scope import whose
from kpi.service.story import Story
from storage.database import Conn

_MOST_TICKETS = 8


def statistics(conn: Conn, asked: Asked) -> Document:
    """Of the period so far as it is over; the plan reaches to the end of the next one.

    Raises BadInputError when there is no such customer.
    """
    of = whose(conn, asked.customer)
    story = period.read(conn, of, asked)
    advised = advice(_seen(story), shipped())
    _, until = asked.period.after.bounds(asked.zone)
    coming = ahead(read_ahead(conn, of, asked.made_at, until, asked.zone))
    handled, cases = handling(story), tickets(story)
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=about(of),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=(*summary(story), *_first_advice(advised)),
        sections=(
            running(story),
            faults(story),
            Section(handled.title, (*cases.blocks, *handled.blocks, _measures(advised))),
            Section(Text(N_("The customer's assessment")), tuple(_assessment(story))),
            Section(Text(N_("Plan and advice for the next period")), (*_plan(advised), *coming)),
        ),
    )


KIND = Kind("statistics", N_("Statistics report"), About.EITHER, statistics)


def _seen(story: Story) -> Seen:
    return Seen(
        faults=story.faults,
        closed=story.closed,
        batches=story.batches,
        devices=story.devices,
        second_calls=story.calls.second_calls,
    )


def _first_advice(advised: list[Advice]) -> Iterator[Text]:
    if advised:
        first = advised[0]
        yield Text(
            N_("First of what would lower the fault rate: {measure} ({evidence})."),
            {"measure": first.measure, "evidence": first.evidence},
        )


def _measures(advised: list[Advice]) -> Table:
    return listed(
        N_("Measures that lower the fault rate"),
        columns(
            (N_("Measure"), Unit.WORDS), (N_("Because"), Unit.WORDS), (N_("Tickets"), Unit.CODE)
        ),
        ((one.measure, one.evidence, _tickets(one)) for one in advised),
        N_("The figures call for none."),
        N_(
            "Each follows from the period's faults by a fixed rule; what called for it stands beside it."
        ),
    )


def _tickets(one: Advice) -> Text | str | None:
    named = ", ".join(str(ticket) for ticket in one.tickets[:_MOST_TICKETS])
    more = len(one.tickets) - _MOST_TICKETS
    if more <= 0:
        return named or None
    return Text(N_("{tickets} and {more} more"), {"tickets": named, "more": more})


def _assessment(story: Story) -> Iterator[Block]:
    known = heard(story.opened)
    yield Paragraph(
        Text(
            N_(
                "Satisfaction is not measured yet: no ratings are asked for, and complaints are not told "
                "apart from other calls. What is known is how often people had to call."
            )
        )
    )
    yield Facts(
        (
            Fact(Text(N_("Satisfaction")), None, Unit.NUMBER, note=Text(N_("not measured yet"))),
            Fact(Text(N_("Calls")), story.calls.calls, Unit.COUNT),
            Fact(
                Text(N_("Second calls")),
                story.calls.second_calls,
                Unit.COUNT,
                note=Text(N_("nobody should have to call twice about the same")),
            ),
            Fact(
                Text(N_("Called about what was known")),
                known.called_later,
                Unit.COUNT,
                note=Text(N_("cases that were open before somebody called about them")),
            ),
        )
    )


def _plan(advised: list[Advice]) -> Iterator[Block]:
    yield Paragraph(
        Text(
            N_(
                "What is foretold and agreed, as known when this was made. Inspections are not planned in "
                "Forecall yet: their dates are not known here."
            )
        )
    )
    for one in advised[:3]:
        yield Paragraph(
            Text(N_("{measure}: {evidence}."), {"measure": one.measure, "evidence": one.evidence})
        )
