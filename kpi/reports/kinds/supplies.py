"""The forecast of consumables and parts: what runs out, what to order, what stock suffices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.errors import BadInputError
from domain.text import N_, Text
from domain.vocabulary import component, metric
from kpi.demand.parts import COVERS, Need, need, together
from kpi.demand.refills import amount, refills
from kpi.demand.spares import WORTH_IT, Line, by_model, by_region, lines, read_foretold
from kpi.demand.supplies import Told, customer_name, read_stocks, read_supplies
from kpi.life.records import read_records
from kpi.life.survival import Floats
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters.words import interval
from kpi.reports.document import (
    Axis,
    Chart,
    Column,
    Document,
    Fact,
    Facts,
    Paragraph,
    Range,
    Section,
    Series,
    Shape,
    Table,
    Unit,
)
from storage.database import Conn

_MOST_ROWS = 60
_DAY = timedelta(days=1)


def supplies(conn: Conn, asked: Asked) -> Document:
    """From now to the end of the period that follows the one asked for."""
    end = asked.period.after.bounds(asked.zone)[1]
    if end <= asked.made_at:
        raise BadInputError(
            f"period: {asked.period.name!r}; allowed: one whose following period is not over yet"
        )
    seen = _read(conn, asked, end)
    day = (end - _DAY).date().isoformat()
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=_about(conn, asked.customer),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=(
            Text(
                N_("What will be needed from now until {day}: {days} days ahead."),
                {"day": day, "days": round(seen.ahead)},
            ),
        ),
        sections=(
            Section(Text(N_("At a glance")), (_glance(seen),)),
            Section(Text(N_("Consumables")), (_orders(seen), _ends(seen, asked))),
            Section(Text(N_("Spare parts")), (_chart(seen), _by_model(seen), _by_region(seen))),
            Section(Text(N_("How to read this")), tuple(_reading())),
        ),
    )


KIND = Kind("supplies", N_("Consumables and parts forecast"), About.EITHER, supplies)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What is known.

    Attributes:
        ends: the supplies that end before `end`.
        stocks, drawn: of each supply that is ordered, and how many refills it needs in every future.
        ahead: days.
    """

    end: datetime
    ahead: float
    ends: tuple[Told, ...]
    stocks: tuple[Told, ...]
    drawn: Floats
    lines: tuple[Line, ...]


def _read(conn: Conn, asked: Asked, end: datetime) -> _Seen:
    told = read_supplies(conn, asked.customer)
    known = read_stocks(conn, told, asked.made_at)
    stocks = tuple(one for one in told if (one.id, one.metric) in known)
    ahead = (end - asked.made_at) / _DAY
    records = read_records(conn, asked.made_at)
    foretold = read_foretold(conn, asked.made_at)
    return _Seen(
        end=end,
        ahead=ahead,
        ends=tuple(one for one in told if one.early is not None and one.early < end),
        stocks=stocks,
        drawn=refills([known[one.id, one.metric] for one in stocks], ahead),
        lines=tuple(lines(records, foretold, end, asked.customer)),
    )


def _about(conn: Conn, customer: str | None) -> Text:
    if customer is None:
        return Text(N_("The whole fleet"))
    return Text(N_("Customer: {name}"), {"name": customer_name(conn, customer)})


def _glance(seen: _Seen) -> Facts:
    total = amount(seen.drawn)
    spare = by_model(seen.lines)
    return Facts(
        (
            Fact(
                Text(N_("Supplies that end by then")),
                len(seen.ends),
                Unit.COUNT,
                note=Text(N_("with a chance of at least one in ten")),
            ),
            Fact(Text(N_("Refills needed")), round(total.mean), Unit.COUNT, total.low, total.high),
            Fact(
                Text(N_("Refills to have")),
                total.enough,
                Unit.COUNT,
                note=Text(N_("suffices with 95 %")),
            ),
            Fact(
                Text(N_("Parts needed")),
                sum(one.need.mean for one in spare),
                Unit.NUMBER,
            ),
            Fact(
                Text(N_("Of these foretold")),
                sum(one.foretold for one in spare),
                Unit.COUNT,
                note=Text(
                    N_("devices of which a model says so with at least {share} %"),
                    {"share": round(WORTH_IT * 100)},
                ),
            ),
        )
    )


def _orders(seen: _Seen) -> Table:
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row, one in enumerate(seen.stocks):
        groups[one.region, one.site, one.metric].append(row)
    rows = []
    for (region, site, name), some in sorted(groups.items()):
        wanted = amount(seen.drawn[some])
        band = Range(wanted.low, wanted.high)
        rows.append((region, site, _supply(name), len(some), wanted.mean, band, wanted.enough))
    return Table(
        title=Text(N_("Refills to order, by site")),
        columns=(
            Column(Text(N_("Region")), Unit.WORDS),
            Column(Text(N_("Site")), Unit.WORDS),
            Column(Text(N_("Supply")), Unit.WORDS),
            Column(Text(N_("Devices")), Unit.COUNT),
            Column(Text(N_("Expected")), Unit.NUMBER),
            interval(Unit.COUNT),
            Column(Text(N_("To order")), Unit.COUNT),
        ),
        rows=tuple(rows),
        nothing=Text(N_("Nothing that is ordered is known to run out.")),
        note=Text(
            N_(
                "To order: with as many the site does not run out in 19 of 20 cases. A refill fills up."
            )
        ),
    )


def _ends(seen: _Seen, asked: Asked) -> Table:
    def day(at: datetime | None) -> date | None:
        return at.astimezone(asked.zone).date() if at is not None else None

    return Table(
        title=Text(N_("What ends first")),
        columns=(
            Column(Text(N_("Device")), Unit.WORDS),
            Column(Text(N_("Site")), Unit.WORDS),
            Column(Text(N_("Supply")), Unit.WORDS),
            Column(Text(N_("To do")), Unit.WORDS),
            Column(Text(N_("Days left")), Unit.NUMBER),
            Column(Text(N_("Earliest")), Unit.DAY),
            Column(Text(N_("Likely")), Unit.DAY),
            Column(Text(N_("Latest")), Unit.DAY),
        ),
        rows=tuple(
            (
                one.device,
                one.site,
                _supply(one.metric),
                Text(N_("refill")) if one.falls else Text(N_("empty")),
                max((one.likely - asked.made_at) / _DAY, 0.0) if one.likely else None,
                day(one.early),
                day(one.likely),
                day(one.late),
            )
            for one in seen.ends[:_MOST_ROWS]
        ),
        nothing=Text(N_("Nothing ends by then.")),
        note=Text(
            N_(
                "{count} of {all} are shown. One in ten ends before the earliest day, one in ten after the "
                "latest; without a day: later than 30 days ahead."
            ),
            {"count": min(len(seen.ends), _MOST_ROWS), "all": len(seen.ends)},
        ),
    )


def _chart(seen: _Seen) -> Chart:
    totals: dict[str, Need] = {}
    for part in sorted({line.component for line in seen.lines}):
        models = by_model([line for line in seen.lines if line.component == part])
        totals[part] = need(together([one.chances for one in models]))
    shown = sorted(totals.items(), key=lambda each: -each[1].mean)
    return Chart(
        title=Text(N_("Parts needed by then, and what stock suffices")),
        shape=Shape.BARS,
        across=Axis(Text(N_("part")), Unit.WORDS),
        up=Axis(Text(N_("pieces")), Unit.NUMBER),
        x=tuple(_part(part) for part, _ in shown),
        series=(
            Series(Text(N_("expected")), tuple(one.mean for _, one in shown)),
            *(
                Series(
                    Text(N_("suffices with {share} %"), {"share": round(cover * 100)}),
                    tuple(float(one.enough[place]) for _, one in shown),
                )
                for place, cover in enumerate(COVERS)
            ),
        ),
    )


def _by_model(seen: _Seen) -> Table:
    found = by_model(seen.lines)
    return Table(
        title=Text(N_("Parts, by model")),
        columns=(
            Column(Text(N_("Part")), Unit.WORDS),
            Column(Text(N_("Model")), Unit.WORDS),
            Column(Text(N_("Devices")), Unit.COUNT),
            Column(Text(N_("Needed in a year")), Unit.COUNT),
            Column(Text(N_("A month")), Unit.NUMBER),
            Column(Text(N_("Foretold")), Unit.COUNT),
            Column(Text(N_("Expected")), Unit.NUMBER),
            *_stock_columns(),
        ),
        rows=tuple(
            (
                _part(one.component),
                one.model,
                one.devices,
                one.needed,
                one.a_month,
                one.foretold,
                one.need.mean,
                *one.need.enough,
            )
            for one in found[:_MOST_ROWS]
        ),
        nothing=Text(N_("No part was ever needed.")),
        note=Text(
            N_("In a year: in the last one, or as long as there are records, in the whole fleet.")
        ),
    )


def _by_region(seen: _Seen) -> Table:
    found = sorted(by_region(seen.lines), key=lambda one: (-one.need.mean, one.region))
    return Table(
        title=Text(N_("Parts, by region")),
        columns=(
            Column(Text(N_("Region")), Unit.WORDS),
            Column(Text(N_("Part")), Unit.WORDS),
            Column(Text(N_("Devices")), Unit.COUNT),
            Column(Text(N_("Expected")), Unit.NUMBER),
            *_stock_columns(),
        ),
        rows=tuple(
            (one.region, _part(one.component), one.devices, one.need.mean, *one.need.enough)
            for one in found[:_MOST_ROWS]
        ),
        nothing=Text(N_("No part was ever needed.")),
        note=Text(
            N_("{count} of {all} are shown."),
            {"count": min(len(found), _MOST_ROWS), "all": len(found)},
        ),
    )


def _stock_columns() -> tuple[Column, ...]:
    return tuple(
        Column(Text(N_("Stock, {share} %"), {"share": round(cover * 100)}), Unit.COUNT)
        for cover in COVERS
    )


def _reading() -> Iterator[Paragraph]:
    yield Paragraph(
        Text(
            N_(
                "Refills: from what each device used a day in the last four weeks, and from what is left "
                "in it. What differs from day to day, and what so short a time leaves unknown, is in the "
                "interval."
            )
        )
    )
    yield Paragraph(
        Text(
            N_(
                "Parts: from what each model needed in the last year, and, where that is little, from the "
                "other models of its kind. Where a model foretells a failure, its probability counts instead. "
                "Stock: so many pieces suffice in 80 or 95 of 100 cases."
            )
        )
    )


def _supply(name: str) -> Text:
    return Text(metric(name).label)


def _part(name: str) -> Text:
    return Text(component(name).part)
