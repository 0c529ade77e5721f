"""Faults by category, and how their cases came and went."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.fault import (
    CAUSED_BY_TEXT,
    FAULT_CLASS_TEXT,
    HANDLING_TEXT,
    CausedBy,
    FaultClass,
    Handling,
)
from domain.text import N_, Text
from kpi.reports.chapters.words import (
    columns,
    component_text,
    listed,
    origin_text,
    ticket_text,
)
from kpi.reports.document import Fact, Facts, Section, Table, Unit, Value
from kpi.service.cases import Case
from kpi.service.faults import counted
from kpi.service.flow import Flow, by_origin, flow, heard
from kpi.service.foretold import foresight
from kpi.service.story import Story


def faults(story: Story) -> Section:
    """Faults by handling class, by what failed how, and by cause."""
    return Section(
        Text(N_("Faults by category")),
        (
            _by(
                story, N_("By class"), N_("Class"), lambda case: case.handling, _handling, _COUNTED
            ),
            _by(story, N_("By kind of fault"), N_("Kind"), _class_of, _fault_class),
            _by(story, N_("By component"), N_("Component"), _component_of, component_text),
            _by(story, N_("By cause"), N_("Cause"), _cause_of, _cause, _CAUSES),
            _batches(story),
        ),
    )


_COUNTED = N_(
    "Cases that were opened in the period; without those that were cancelled, and without what was "
    "foretold and has not failed."
)
_CAUSES = N_("As whoever handled the case said.")


def _by(
    story: Story,
    title: str,
    head: str,
    category: Callable[[Case], str],
    word: Callable[[str], Text],
    note: str = "",
) -> Table:
    """Counts, shares, and the period before."""
    counts = counted(story.faults, story.earlier, category)
    return listed(
        title,
        columns(
            (head, Unit.WORDS),
            (N_("Faults"), Unit.COUNT),
            (N_("Share"), Unit.SHARE),
            (N_("The period before"), Unit.COUNT),
        ),
        (
            (
                word(one.key),
                one.now,
                one.now / len(story.faults) if story.faults else None,
                one.before,
            )
            for one in counts
        ),
        N_("There was no fault."),
        note,
    )


def _class_of(case: Case) -> str:
    return case.fault_class


def _component_of(case: Case) -> str:
    return case.component


def _cause_of(case: Case) -> str:
    return case.caused_by or ""


def _handling(key: str) -> Text:
    return Text(HANDLING_TEXT[Handling(key)])


def _fault_class(key: str) -> Text:
    return (
        Text(FAULT_CLASS_TEXT[FaultClass(key)]) if key else Text(N_("many devices, or not known"))
    )


def _cause(key: str) -> Text:
    return Text(CAUSED_BY_TEXT[CausedBy(key)]) if key else Text(N_("nobody has said"))


def _batches(story: Story) -> Table:
    return listed(
        N_("Many devices at once"),
        columns(
            (N_("What happened"), Unit.WORDS),
            (N_("Since"), Unit.MOMENT),
            (N_("Until"), Unit.MOMENT),
            (N_("Devices here"), Unit.COUNT),
            (N_("Ticket"), Unit.CODE),
        ),
        (
            (one.title, one.first_at, one.ended_at, one.ours, ticket_text(one.ticket_id))
            for one in story.batches
        ),
        N_("No fault of many devices had one cause."),
    )


def tickets(story: Story) -> Section:
    """How cases came and went, who knew first, and what was foretold."""
    return Section(Text(N_("Tickets")), (_first(story), _flow(story), _foretold(story)))


def _first(story: Story) -> Facts:
    known = heard(story.opened)
    every = known.first + known.called
    return Facts(
        (
            Fact(
                Text(N_("Opened before the customer called")),
                known.first / every if every else None,
                Unit.SHARE,
                note=Text(
                    N_(
                        "{first} of {every} cases; about {later} of them somebody called all the same"
                    ),
                    {"first": known.first, "every": every, "later": known.called_later},
                ),
            ),
            Fact(
                Text(N_("Calls")),
                story.calls.calls,
                Unit.COUNT,
                note=Text(N_("about {cases} cases"), {"cases": story.calls.cases}),
            ),
            Fact(
                Text(N_("Second calls")),
                story.calls.second_calls,
                Unit.COUNT,
                note=Text(N_("about something that was called about not long before")),
            ),
        )
    )


def _flow(story: Story) -> Table:
    return Table(
        Text(N_("Tickets by origin")),
        columns(
            (N_("Origin"), Unit.WORDS),
            (N_("Open before"), Unit.COUNT),
            (N_("Newly opened"), Unit.COUNT),
            (N_("Closed in the period"), Unit.COUNT),
            (N_("Cancelled"), Unit.COUNT),
            (N_("Open at the end"), Unit.COUNT),
        ),
        tuple(_flow_rows(story)),
        Text(N_("There was no ticket.")),
        note=Text(N_("Open before, and opened, less closed and cancelled, are open at the end.")),
    )


def _flow_rows(story: Story) -> Iterator[tuple[Value, ...]]:
    found = by_origin(story.cases, story.start)
    for origin, one in found:
        yield origin_text(origin), *_numbers(one)
    if len(found) > 1:
        yield Text(N_("in all")), *_numbers(flow(story.cases, story.start))


def _numbers(one: Flow) -> tuple[int, ...]:
    return one.open_before, one.opened, one.closed, one.cancelled, one.open_after


def _foretold(story: Story) -> Table:
    found = foresight(story.cases, story.settled, story.start)
    rows: tuple[tuple[Value, ...], ...] = (
        (Text(N_("failures foretold")), found.foretold),
        (Text(N_("prevented: the part was found worn before it failed")), found.prevented),
        (Text(N_("the failure happened all the same")), found.happened),
        (Text(N_("nothing was wrong")), found.false),
        (Text(N_("not known yet, {open} of them still open"), {"open": found.open}), found.unknown),
        (Text(N_("breakdowns in the period")), found.failures),
        (Text(N_("of them foretold before they came")), found.warned),
    )
    return Table(
        Text(N_("Foretold failures")),
        columns((N_("What became of them"), Unit.WORDS), (N_("Cases"), Unit.COUNT)),
        rows if found.foretold or found.failures else (),
        Text(N_("No failure was foretold, and no part broke down.")),
        note=Text(
            N_("Cases that a prediction opened in the period; what became of them as known now.")
        ),
    )
