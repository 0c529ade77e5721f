"""The service level report of one customer: every promised time of its plans, how it was kept, and each
time that it was not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from desk.contracts.reading import books
from desk.lifecycle import STATE_TEXT
from desk.sla.outcomes import outcomes
from domain.text import N_, Text
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters.handling import promises
from kpi.reports.chapters.summary import promised
from kpi.reports.chapters.words import about, columns, joined, listed, ticket_text
from kpi.reports.document import (
    Block,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
    Table,
    Unit,
    Value,
)
from kpi.service.agreed import Agreement, read_agreed
from kpi.service.breaches import Breach, read_breaches, read_late
from kpi.service.cases import Case, read_cases
from kpi.service.promises import Kept, kept, true_outcomes
from kpi.service.scope import whose
from storage.database import Conn

Cases = Mapping[int, Case]
_MOST_MISSED = 1000
"""Each missed time is accounted for; beyond so many the contract is past being read line by line."""


def sla(conn: Conn, asked: Asked) -> Document:
    """Of the cases that were closed in the period, so far as it is over; those that are late and still
    open stand apart. Raises BadInputError when there is no such customer."""
    of = whose(conn, asked.customer)
    found = true_outcomes(outcomes(conn, asked.start, asked.until, of.customer_id))
    cases = {case.ticket_id: case for case in read_cases(conn, of, asked.start, asked.until)}
    groups, broken = kept(found), read_breaches(conn, found)
    late = read_late(conn, [each for each, case in cases.items() if not case.ended_at], asked.until)
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=about(of),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=tuple(_summary(groups, broken, late)),
        sections=(
            Section(
                Text(N_("What was agreed")),
                (_agreed(conn, read_agreed(conn, of, asked.period.first, asked.period.end)),),
            ),
            Section(Text(N_("How the promised times were kept")), tuple(_kept(conn, groups))),
            Section(
                Text(N_("Promised times that were not kept")),
                (
                    _broken(N_("Cases that were closed"), broken, cases),
                    _broken(N_("Late, and still open at the end"), late, cases),
                ),
            ),
        ),
    )


KIND = Kind("sla", N_("Service level report"), About.CUSTOMER, sla)


def _summary(
    groups: list[Kept], broken: Sequence[Breach], late: Sequence[Breach]
) -> Iterator[Text]:
    yield from promised(groups)
    if broken:
        worst = max(groups, key=lambda one: one.cases - one.kept)
        yield Text(
            N_("Most often missed: {clock}, {missed} of {cases}."),
            {"clock": Text(worst.label), "missed": worst.cases - worst.kept, "cases": worst.cases},
        )
    if late:
        yield Text(
            N_("{count} promised times of {tickets} open cases were late at the end."),
            {"count": len(late), "tickets": len({one.ticket_id for one in late})},
        )


def _agreed(conn: Conn, found: Sequence[Agreement]) -> Table:
    plans = books(conn).newest.plans
    return listed(
        N_("Contracts of the period"),
        columns(
            (N_("Contract"), Unit.WORDS),
            (N_("Sites"), Unit.WORDS),
            (N_("Service plan"), Unit.WORDS),
            (N_("From"), Unit.DAY),
            (N_("Until"), Unit.DAY),
        ),
        (
            (
                one.key,
                one.site or Text(N_("all sites")),
                Text(plans[one.plan].label) if one.plan in plans else one.plan,
                one.valid_from,
                one.valid_until,
            )
            for one in found
        ),
        N_("No contract was valid: the usual plan of each kind of device counts."),
        N_(
            "No credits are agreed in what Forecall knows of these contracts, so none are computed."
        ),
    )


def _kept(conn: Conn, groups: Sequence[Kept]) -> Iterator[Block]:
    """One table a plan; one without rows where no promise ended."""
    if not groups:
        yield promises(())
        return
    cases, held = sum(one.cases for one in groups), sum(one.kept for one in groups)
    yield Facts(
        (
            Fact(
                Text(N_("Promised times")),
                cases,
                Unit.COUNT,
                note=Text(N_("that ended in the period")),
            ),
            Fact(Text(N_("Kept")), held, Unit.COUNT),
            Fact(Text(N_("Share kept")), held / cases, Unit.SHARE),
        )
    )
    plans = books(conn).newest.plans
    for plan, of_plan in groupby(groups, lambda one: one.plan):
        label = Text(plans[plan].label) if plan in plans else Text(plan)
        yield Paragraph(Text(N_("Plan: {plan}"), {"plan": label}))
        yield promises(list(of_plan))


def _broken(title: str, found: Sequence[Breach], cases: Cases) -> Table:
    return listed(
        title,
        columns(
            (N_("Ticket"), Unit.CODE),
            (N_("Device"), Unit.WORDS),
            (N_("Clock"), Unit.WORDS),
            (N_("Due"), Unit.MOMENT),
            (N_("Reached"), Unit.MOMENT),
            (N_("Late by"), Unit.SPAN),
            (N_("Waited"), Unit.SPAN),
            (N_("Why it waited"), Unit.WORDS),
        ),
        (_breach(one, cases.get(one.ticket_id)) for one in found),
        N_("None."),
        N_(
            "Late by: working time beyond what was promised. Waiting for the customer does not count "
            "as working time unless the plan says so; waiting for a part does."
        ),
        _MOST_MISSED,
    )


def _breach(one: Breach, case: Case | None) -> tuple[Value, ...]:
    return (
        ticket_text(one.ticket_id),
        (case.device or case.site) if case else None,
        Text(one.label),
        one.due_at,
        one.met_at,
        one.late,
        one.waited or None,
        joined([*_reasons(one)]),
    )


def _reasons(one: Breach) -> Iterator[Text]:
    for wait in one.waits:
        state = Text(STATE_TEXT[wait.state])
        if wait.note:
            yield Text(N_("{state}: {note}"), {"state": state, "note": wait.note})
        else:
            yield state
