"""A report with everything that a report can hold, and names that renderers stumble over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.text import Text
from kpi.reports.document import (
    Axis,
    Chart,
    Column,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
    Series,
    Shape,
    Table,
    Unit,
)

TEHRAN = ZoneInfo("Asia/Tehran")
NASTY = (
    "=1+2",
    "+cmd|' /C calc'!A0",
    "-2",
    "@SUM(A1)",
    "#strong[x] $a$ \\",
    "<b>&amp;</b>",
    "بانک (تهران) 7",
    "设备一号",
    "a\x00b",
)


def sample(rows: int = 45) -> Document:
    """The fleet in a quarter of the Jalali calendar, in Tehran."""
    return Document(
        kind="sample",
        title=Text("Uptime"),
        about=Text("Customer: {customer}", {"customer": "بانک Mellat (تهران)"}),
        start=datetime(2026, 9, 23, tzinfo=TEHRAN),
        end=datetime(2026, 12, 22, tzinfo=TEHRAN),
        made_at=datetime(2026, 11, 22, 20, 5, tzinfo=UTC),
        summary=(Text("Tickets: {a} {b}", {"a": 1234, "b": "2026-11-05"}), Text("It is done.")),
        sections=(
            Section(
                Text("Overview"),
                (
                    _facts(),
                    Paragraph(
                        Text("Site: {site} ({customer})", {"site": "شعبه ۳", "customer": "ACME"})
                    ),
                    _lines(),
                ),
            ),
            Section(Text("Tickets"), (_names(), _table(rows), _nothing(), _steps(), _columns())),
        ),
    )


def _facts() -> Facts:
    return Facts(
        (
            Fact(Text("Uptime"), 0.99961, Unit.SHARE, 0.9971, 0.99987, Text("Tickets")),
            Fact(Text("Tickets"), 12345, Unit.COUNT),
            Fact(Text("Repair time"), timedelta(hours=5, minutes=12), Unit.SPAN),
            Fact(Text("Since"), datetime(2026, 10, 1, 3, 4, tzinfo=UTC), Unit.MOMENT),
            Fact(Text("Name"), "ATM-7 (x)", Unit.WORDS),
            Fact(Text("Unknown"), None, Unit.NUMBER),
        )
    )


def _table(rows: int) -> Table:
    units = (Unit.WORDS, Unit.COUNT, Unit.NUMBER, Unit.SHARE, Unit.SPAN, Unit.DAY, Unit.MOMENT)
    values = tuple(
        (
            NASTY[place] if place < len(NASTY) else f"KIOSK-{place:03}",
            1000 * place + 7,
            place * 1.25,
            1 - place / 997,
            timedelta(minutes=37 * place),
            date(2026, 10, 1) + timedelta(days=place),
            datetime(2026, 10, 1, 5, 30, tzinfo=UTC) + timedelta(hours=7 * place)
            if place % 5
            else None,
        )
        for place in range(rows)
    )
    columns = tuple(Column(Text(unit.value), unit, 2) for unit in units)
    return Table(Text("Devices"), columns, values, Text("None"), frozenset({1, 3}), Text("Tickets"))


def _nothing() -> Table:
    return Table(Text("Events"), (Column(Text("Name"), Unit.WORDS),), (), Text("No events."))


def _lines() -> Chart:
    days = tuple(date(2026, 10, 1) + timedelta(days=place) for place in range(31))
    gap = tuple(None if place in (7, 8) else 0.98 + 0.0006 * (place % 30) for place in range(31))
    low = tuple(None if y is None else y - 0.003 for y in gap)
    high = tuple(None if y is None else min(y + 0.002, 1.0) for y in gap)
    series = (
        Series(Text("Uptime"), gap, low, high),
        Series(Text("kiosk"), tuple(0.99 - 0.0003 * place for place in range(31))),
    )
    across, up = Axis(Text("Day"), Unit.DAY), Axis(Text("Uptime"), Unit.SHARE)
    return Chart(Text("Uptime"), Shape.LINES, across, up, days, series, Text("Tickets"))


def _names() -> Chart:
    names = (
        "printer",
        "بانک (تهران) 7",
        "a very long name of a part of a device that nobody can read",
        "设备一号",
    )
    series = (
        Series(
            Text("Tickets"),
            (34.0, 21.0, None, 3.0),
            (30.0, 18.0, None, 1.0),
            (40.0, 24.0, None, 6.0),
        ),
        Series(Text("Alerts"), (44.0, 11.0, 7.0, 5.0)),
    )
    across, up = Axis(Text("Name"), Unit.WORDS), Axis(Text("Tickets"), Unit.COUNT)
    return Chart(Text("Tickets"), Shape.BARS, across, up, names, series)


def _steps() -> Chart:
    x = (0.0, 30.0, 90.0, 180.0, 365.0, 700.0)
    y = (1.0, 0.97, 0.9, 0.83, 0.6, 0.41)
    band = tuple(value - 0.04 for value in y), tuple(min(value + 0.04, 1.0) for value in y)
    other = (1.0, 0.99, 0.97, 0.9, 0.8, 0.75)
    series = (Series(Text("kiosk"), y, *band), Series(Text("POS terminal"), other))
    across, up = Axis(Text("Days"), Unit.NUMBER), Axis(Text("Share"), Unit.SHARE, (0.0, 1.0))
    return Chart(Text("Devices"), Shape.STEPS, across, up, x, series)


def _columns() -> Chart:
    days = tuple(date(2026, 10, 1) + timedelta(days=place) for place in range(14))
    y = tuple(float(3600 * (place % 5)) for place in range(14))
    across, up = Axis(Text("Day"), Unit.DAY), Axis(Text("Repair time"), Unit.SPAN)
    return Chart(
        Text("Repair time"), Shape.BARS, across, up, days, (Series(Text("Repair time"), y),)
    )
