"""The staff report of a month: what happened beside what could be expected, engineer by engineer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from desk.sla.outcomes import outcomes
from domain.errors import NotFoundError
from domain.fault import CAUSED_BY_TEXT
from domain.text import N_, Text
from kpi.avoided.draws import Report, Setting, read_report
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters.words import columns, in_a_row, interval
from kpi.reports.document import (
    Axis,
    Block,
    Chart,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
    Series,
    Shape,
    Table,
    Unit,
    Value,
    between,
)
from kpi.reports.period import Calendar, Length
from kpi.staff.disputes import disputes
from kpi.staff.factors import Factor
from kpi.staff.figures import Figure
from kpi.staff.later import LATER
from kpi.staff.months import Month, is_reproduced, read_month
from kpi.staff.prevented import EXPLAINED
from kpi.staff.review import GROUPS, Review, read_evidence, review
from kpi.staff.rules import read_rules, rules
from kpi.uptime.fleet import Scope
from storage.database import Conn, Row

_SCOPES = {
    Scope.ENGINEER: N_("Engineers"),
    Scope.TEAM: N_("Teams"),
    Scope.REGION: N_("Regions"),
}
_ONE = {Scope.ENGINEER: N_("Engineer"), Scope.TEAM: N_("Team"), Scope.REGION: N_("Region")}
_HOUR_S = 3600.0
_SHA_SHOWN = 12


@dataclass(frozen=True, slots=True)
class _Found:
    """A month's reviews. month: None while it is not closed."""

    month: Month | None
    reviews: dict[Scope, Review]
    few: int


def staff(conn: Conn, asked: Asked) -> Document:
    """The closed month, where it was closed by the days of the same zone; else what is known now."""
    found = _read(conn, asked)
    every = next(iter(found.reviews.values()))
    kept = outcomes(conn, asked.start, asked.until)
    clocks = {f"sla:{one.clock}": one.label for one in kept}
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=Text(N_("All who maintain the fleet")),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=(_standing(found.month),),
        sections=(
            *(
                Section(Text(title), tuple(_group(found.reviews[scope], clocks)))
                for scope, title in _SCOPES.items()
                if scope in found.reviews
            ),
            Section(Text(N_("What drove the service time")), tuple(_drivers(every))),
            Section(
                Text(N_("Calls avoided")),
                tuple(_avoided(read_report(conn, asked.start, asked.until, asked.made_at))),
            ),
            Section(Text(N_("Disputes")), (_disputes(conn, asked),)),
            Section(Text(N_("Not measured yet")), (_to_come(),)),
            Section(Text(N_("How to read this")), tuple(_reading(found))),
        ),
    )


KIND = Kind("staff", N_("Staff report"), About.FLEET, staff, frozenset({Length.MONTH}))


def _read(conn: Conn, asked: Asked) -> _Found:
    month = _closed(conn, asked)
    if month is not None:
        return _Found(month, month.reviews, read_rules(month.rules).few)
    evidence = read_evidence(conn, asked.start, asked.until)
    made = {scope: review(evidence, scope, rules()) for scope in _SCOPES if scope in GROUPS}
    return _Found(None, made, rules().few)


def _closed(conn: Conn, asked: Asked) -> Month | None:
    """Months are closed by the Gregorian calendar, in a zone: another month's figures are not these."""
    if asked.period.calendar is not Calendar.GREGORIAN:
        return None
    try:
        month = read_month(conn, asked.period.first)
    except NotFoundError:
        return None
    return month if month.time_zone == asked.zone.key else None


def _standing(month: Month | None) -> Text:
    if month is None:
        return Text(
            N_("Provisional: the month is not closed. The figures are of what is known now.")
        )
    told: dict[str, str | int | float | Text] = {
        "version": month.version,
        "day": month.closed_at.date().isoformat(),
        "who": month.closed_by,
        "sha": month.sha256[:_SHA_SHOWN],
    }
    if is_reproduced(month):
        return Text(
            N_(
                "Closed as version {version} on {day} by {who}, and made again to the last bit: SHA-256 {sha}…"
            ),
            told,
        )
    return Text(
        N_(
            "Closed as version {version} on {day} by {who}: SHA-256 {sha}… This release of the software does "
            "not make the same figures again; those shown are the ones that were closed."
        ),
        told,
    )


def _group(found: Review, clocks: Mapping[str, str]) -> Iterator[Block]:
    """`clocks`: what each promised time is called, by the name of its measure."""
    yield _uptime(found)
    empty = []
    for place, (name, told) in enumerate(found.measures):
        label = clocks.get(name, told)
        rows = [(row.name, row.figures[place]) for row in found.rows if row.figures]
        if any(figure.cases for _, figure in rows):
            yield _measure(found.scope, label, rows)
        else:
            empty.append(label)
    if empty:
        words = {"measures": in_a_row([Text(label) for label in empty])}
        yield Paragraph(Text(N_("No case says anything of: {measures}."), words))


def _uptime(found: Review) -> Table:
    known = [(row.name, row.uptime) for row in found.rows if row.uptime is not None]
    return Table(
        title=Text(N_("Uptime of the devices in their care")),
        columns=columns(
            (_ONE[found.scope], Unit.WORDS),
            (N_("Uptime"), Unit.SHARE, 2),
            (N_("Down, hours"), Unit.NUMBER),
            (N_("Excluded, hours"), Unit.NUMBER),
            (N_("Not watched, hours"), Unit.NUMBER),
            (N_("Failures"), Unit.COUNT),
        ),
        rows=tuple(
            (
                name,
                one.ratio,
                one.down_s / _HOUR_S,
                sum(one.excluded_s.values()) / _HOUR_S,
                one.unwatched_s / _HOUR_S,
                one.failures,
            )
            for name, one in known
        ),
        nothing=Text(N_("Nobody had a device in their care.")),
        note=Text(
            N_(
                "Excluded: maintenance windows, outages outside, what users caused, accepted disputes. Nothing "
                "counts that nobody watched."
            )
        ),
    )


def _measure(scope: Scope, label: str, rows: Sequence[tuple[str, Figure]]) -> Table:
    share = all(_is_share(figure) for _, figure in rows)
    unit, digits = (Unit.SHARE, 1) if share else (Unit.NUMBER, 2)
    shown = [(name, figure) for name, figure in rows if figure.cases]
    return Table(
        title=Text(label)
        if share
        else Text(N_("{measure}, hours (median)"), {"measure": Text(label)}),
        columns=columns(
            (_ONE[scope], Unit.WORDS),
            (N_("Cases"), Unit.COUNT),
            (N_("As it was"), unit, digits),
            interval(unit, digits),
            (N_("With cases like everybody's"), unit, digits),
            interval(unit, digits),
        ),
        rows=tuple(
            (
                name,
                len(one.cases),
                one.value,
                between(one.low, one.high),
                one.adjusted,
                between(one.adjusted_low, one.adjusted_high),
            )
            for name, one in shown
        ),
        marked=frozenset(place for place, (_, one) in enumerate(shown) if one.few),
        nothing=Text(N_("No case says anything.")),
        note=Text(EXPLAINED) if any(_is_range(one) for _, one in shown) else None,
    )


def _is_range(figure: Figure) -> bool:
    """Whether its interval is no interval of a value, but all that can be said."""
    return figure.value is None and figure.low is not None


def _is_share(figure: Figure) -> bool:
    return not figure.measure.endswith("_h")


def _drivers(found: Review) -> Iterator[Block]:
    factors = found.factors
    yield Facts(
        (
            Fact(Text(N_("Cases with a cause")), sum(one.cases for one in factors), Unit.COUNT),
            Fact(Text(N_("Cases without")), found.unsaid, Unit.COUNT),
        )
    )
    if factors:
        yield _driven(factors)
    yield Table(
        title=Text(N_("Share of the time from opening to closing")),
        columns=columns(
            (N_("Cause"), Unit.WORDS),
            (N_("Cases"), Unit.COUNT),
            (N_("Share of time"), Unit.SHARE),
            interval(Unit.SHARE),
        ),
        rows=tuple(
            (
                Text(CAUSED_BY_TEXT[one.cause]),
                one.cases,
                one.time,
                between(one.low, one.high),
            )
            for one in factors
        ),
        nothing=Text(N_("On no case did anybody say what caused it.")),
        note=Text(N_("As whoever was there said it on the case.")),
    )


def _driven(factors: Sequence[Factor]) -> Chart:
    return Chart(
        title=Text(N_("Share of the time, by cause")),
        shape=Shape.BARS,
        across=Axis(Text(N_("cause")), Unit.WORDS),
        up=Axis(Text(N_("share of time")), Unit.SHARE, (0.0, 1.0)),
        x=tuple(Text(CAUSED_BY_TEXT[one.cause]) for one in factors),
        series=(
            Series(
                Text(N_("share of time")),
                tuple(one.time for one in factors),
                tuple(one.low for one in factors),
                tuple(one.high for one in factors),
            ),
        ),
    )


def _disputes(conn: Conn, asked: Asked) -> Table:
    rows = [row for row in disputes(conn) if asked.start <= row["raised_at"] < asked.until]
    return Table(
        title=Text(N_("Raised in the month")),
        columns=columns(
            (N_("About"), Unit.WORDS),
            (N_("Reason"), Unit.WORDS),
            (N_("Raised by"), Unit.WORDS),
            (N_("Decision"), Unit.WORDS),
            (N_("Answer"), Unit.WORDS),
        ),
        rows=tuple(_dispute(row) for row in rows),
        nothing=Text(N_("Nothing was disputed.")),
        note=Text(
            N_(
                "What is accepted no longer counts in the adjusted figures and in the uptime; a closed month "
                "changes only when it is closed again."
            )
        ),
    )


def _dispute(row: Row) -> tuple[Value, ...]:
    about = (
        Text(N_("ticket {id}"), {"id": str(row["ticket_id"])})
        if row["ticket_id"]
        else Text(N_("downtime of {device}"), {"device": row["device"]})
    )
    decision = {None: N_("open"), True: N_("accepted"), False: N_("refused")}[row["accepted"]]
    return about, row["reason"], row["raised_by"], Text(decision), row["answer"]


def _avoided(found: Report) -> Iterator[Block]:
    yield Facts(
        (
            Fact(Text(N_("Foretold, and somebody went")), found.seen.acted, Unit.COUNT),
            Fact(Text(N_("Of these failed all the same")), found.seen.failed, Unit.COUNT),
            Fact(Text(N_("Part found worn")), found.seen.worn, Unit.COUNT),
        )
    )
    if not found.settings:
        yield Paragraph(
            Text(
                N_(
                    "How many failures were avoided can't be known: no share of the predictions of low risk was "
                    "held out. At most {most}, at least none."
                ),
                {"most": found.seen.acted - found.seen.failed},
            )
        )
    for one in found.settings:
        yield _estimate(one)


def _estimate(one: Setting) -> Facts:
    told = one.avoided
    return Facts(
        (
            Fact(Text(N_("Held out by lot")), told.held.predictions, Unit.COUNT),
            Fact(Text(N_("Of these failed")), told.held.rate, Unit.SHARE),
            Fact(Text(N_("Acted upon")), told.acted.predictions, Unit.COUNT),
            Fact(Text(N_("Of these failed")), told.acted.rate, Unit.SHARE),
            Fact(
                Text(N_("Calls avoided")),
                told.calls,
                Unit.NUMBER,
                told.calls_low,
                told.calls_high,
                Text(
                    N_("of predictions of low risk; {apart} of higher risk took no part"),
                    {"apart": one.apart},
                ),
            ),
        )
    )


def _to_come() -> Paragraph:
    told = {"measures": in_a_row([Text(label) for _, label in LATER])}
    return Paragraph(Text(N_("Nobody measures these yet: {measures}."), told))


def _reading(found: _Found) -> Iterator[Paragraph]:
    yield Paragraph(
        Text(
            N_(
                "As it was: every case that was closed in the month. With cases like everybody's: without cases "
                "of a batch, of the user, from outside or disputed with reason, and compared with cases of the "
                "same distance, device age, kind, model and fault. It makes up for what it knows of: read it "
                "with its interval, and ask before judging."
            )
        )
    )
    yield Paragraph(
        Text(
            N_("Everybody stands by name, not by rank; who had fewer than {few} cases is marked."),
            {"few": found.few},
        )
    )
    version = next(iter(found.reviews.values())).rules
    yield Paragraph(
        Text(
            N_("Rules, version {version}. Every figure opens to its cases in the console."),
            {"version": version},
        )
    )
