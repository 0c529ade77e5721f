"""A report as one reader reads it: every value written out, every chart drawn.

HTML and PDF set the same layout; neither knows the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from domain.text import N_, Text
from kpi.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Fact,
    Facts,
    Paragraph,
    Table,
    Unit,
)
from kpi.reports.reader import Reader
from kpi.reports.render.charts import draw
from kpi.reports.render.words import figure, said, shown, titled

_NUMERIC = frozenset({Unit.COUNT, Unit.NUMBER, Unit.SHARE, Unit.SPAN})
_FLOWS = frozenset({Unit.WORDS, Unit.CODE})
_FACT_DIGITS = 2
FEW_CASES = N_("* Made of too few cases to be compared.")


@dataclass(frozen=True, slots=True)
class LaidFact:
    name: str
    value: str
    interval: str
    note: str


@dataclass(frozen=True, slots=True)
class LaidFacts:
    facts: tuple[LaidFact, ...]
    is_a: str = "facts"


@dataclass(frozen=True, slots=True)
class LaidParagraph:
    text: str
    is_a: str = "paragraph"


@dataclass(frozen=True, slots=True)
class LaidColumn:
    """`flows`: what stands in it may go on in the next line; else it is kept whole."""

    name: str
    numeric: bool
    flows: bool


@dataclass(frozen=True, slots=True)
class LaidRow:
    cells: tuple[str, ...]
    marked: bool


@dataclass(frozen=True, slots=True)
class LaidTable:
    title: str
    columns: tuple[LaidColumn, ...]
    rows: tuple[LaidRow, ...]
    nothing: str
    notes: tuple[str, ...]
    is_a: str = "table"


@dataclass(frozen=True, slots=True)
class LaidChart:
    title: str
    svg: str
    alternative: str
    note: str
    is_a: str = "chart"


LaidBlock: TypeAlias = LaidFacts | LaidParagraph | LaidTable | LaidChart


@dataclass(frozen=True, slots=True)
class LaidSection:
    title: str
    blocks: tuple[LaidBlock, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole report in words.

    Attributes:
        head: lines below the title: whom it is about, its period, when it was made.
        tag, direction: of the reader's language: BCP 47, and ltr or rtl.
    """

    title: str
    head: tuple[str, ...]
    summary: tuple[str, ...]
    sections: tuple[LaidSection, ...]
    tag: str
    direction: str


def lay_out(document: Document, reader: Reader) -> Layout:
    """The report as `reader` reads it."""
    sections = tuple(
        LaidSection(titled(section.title, reader), tuple(_block(b, reader) for b in section.blocks))
        for section in document.sections
    )
    return Layout(
        title=said(document.title, reader),
        head=tuple(said(line, reader) for line in head(document, reader)),
        summary=tuple(said(line, reader) for line in document.summary),
        sections=sections,
        tag=reader.tag,
        direction=reader.direction,
    )


def head(document: Document, reader: Reader) -> list[Text]:
    """Whom a report is about, its period and, where that lasts, how far its figures go."""
    first, last = document.start, document.end - timedelta(microseconds=1)
    days = {"first": reader.day(first), "last": reader.day(last)}
    lines = [document.about, Text(N_("{first} to {last}"), days)]
    made = {"moment": reader.moment(document.made_at)}
    if document.made_at < document.end:
        lines.append(Text(N_("The period is not over: figures until {moment}"), made))
    else:
        lines.append(Text(N_("Figures as known on {moment}"), made))
    return lines


def interval(fact: Fact, reader: Reader) -> str:
    """The 95 % interval of a figure; empty where it has none."""
    if fact.low is None or fact.high is None:
        return ""
    ends = {
        "low": figure(fact.low, fact.unit, _FACT_DIGITS, reader),
        "high": figure(fact.high, fact.unit, _FACT_DIGITS, reader),
    }
    return said(Text(N_("95 % interval: {low} to {high}"), ends), reader)


def _block(block: Block, reader: Reader) -> LaidBlock:
    if isinstance(block, Facts):
        return LaidFacts(tuple(_fact(fact, reader) for fact in block.facts))
    if isinstance(block, Paragraph):
        return LaidParagraph(said(block.text, reader))
    if isinstance(block, Table):
        return _table(block, reader)
    return _chart(block, reader)


def _fact(fact: Fact, reader: Reader) -> LaidFact:
    value = shown(fact.value, fact.unit, _FACT_DIGITS, reader)
    return LaidFact(
        said(fact.name, reader), value, interval(fact, reader), _note(fact.note, reader)
    )


def _table(table: Table, reader: Reader) -> LaidTable:
    rows = []
    for place, row in enumerate(table.rows):
        cells = [
            shown(value, column.unit, column.digits, reader)
            for value, column in zip(row, table.columns, strict=True)
        ]
        marked = place in table.marked
        if marked and cells:
            cells[0] += "\u00a0*"
        rows.append(LaidRow(tuple(cells), marked))
    notes = [_note(table.note, reader), said(Text(FEW_CASES), reader) if table.marked else ""]
    return LaidTable(
        titled(table.title, reader),
        tuple(_column(column, reader) for column in table.columns),
        tuple(rows),
        said(table.nothing, reader),
        tuple(filter(None, notes)) if rows else (),  # nothing to be read, nothing to be explained
    )


def _column(column: Column, reader: Reader) -> LaidColumn:
    return LaidColumn(said(column.name, reader), column.unit in _NUMERIC, column.unit in _FLOWS)


def _chart(chart: Chart, reader: Reader) -> LaidChart:
    title = titled(chart.title, reader)
    series = ", ".join(said(each.name, reader) for each in chart.series)
    axes = f"{said(chart.across.name, reader)} / {said(chart.up.name, reader)}"
    alternative = f"{title}. {axes}. {series}"
    return LaidChart(title, draw(chart, reader), alternative, _note(chart.note, reader))


def _note(note: Text | None, reader: Reader) -> str:
    return said(note, reader) if note is not None else ""
