"""A report as a workbook: numbers, days and shares as what they are, and charts of Excel's own.

A sheet of what is read at a glance, then one for each table and each chart's figures. A name that
begins like a formula stays a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from domain.text import N_, Text
from kpi.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Facts,
    Paragraph,
    Range,
    Section,
    Series,
    Shape,
    Table,
    Unit,
    Value,
)
from kpi.reports.reader import Reader
from kpi.reports.render.charts import COLOURS
from kpi.reports.render.layout import FEW_CASES, head, interval
from kpi.reports.render.words import is_known, said, shown, titled, without_directions

_LONGEST_CELL, _LONGEST_SHEET = 32_767, 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_DASHES = ("solid", "dash", "round_dot", "dash_dot", "long_dash", "square_dot")
_HATCHES = (
    "",
    "wide_upward_diagonal",
    "light_vertical",
    "wide_downward_diagonal",
    "light_horizontal",
)
_NARROWEST, _WIDEST = 9, 48
_SPAN = "[h]:mm:ss"
_FROM, _TO = N_("{name}, from"), N_("{name}, to")
_JALALI = "[$-fa-IR,16]yyyy/mm/dd;@"  # Excel's own Jalali calendar
_DAYS = {"fa": _JALALI, "zh": 'yyyy"年"m"月"d"日"', "en": "d mmm yyyy"}
_CLOCK = {"fa": "[$-fa-IR,16]yyyy/mm/dd hh:mm;@"}


def xlsx(document: Document, reader: Reader) -> bytes:
    """The file."""
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(stream, {**options, "strings_to_numbers": False})
    made = document.made_at.astimezone(UTC).replace(tzinfo=None)
    writer = _Writer(workbook, reader, document)
    title = writer.words(document.title)
    workbook.set_properties({"title": title[:255], "author": "Forecall", "created": made})
    writer.write()
    workbook.close()
    return stream.getvalue()


@dataclass(slots=True)
class _Writer:
    """Fills one workbook."""

    book: Any
    reader: Reader
    document: Document
    _formats: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    @property
    def _language(self) -> str:
        return self.reader.tag.partition("-")[0]

    @property
    def _zone(self) -> ZoneInfo | None:
        zone = self.document.start.tzinfo
        return zone if isinstance(zone, ZoneInfo) else None

    def title(self, text: Text) -> str:
        return without_directions(titled(text, self.reader))

    def words(self, text: Text) -> str:
        return without_directions(said(text, self.reader))[:_LONGEST_CELL]

    def format(self, **how: Any) -> Any:
        key = tuple(sorted(how.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(how)
        return self._formats[key]

    def write(self) -> None:
        first = self.sheet(self.words(Text(N_("Overview"))))
        sections = {(id(its), self.title(block.title)) for its, block in self._sheets()}
        counts = Counter(title for _, title in sections)
        made = []
        for section, block in self._sheets():
            title = self.title(block.title)
            if counts[title] > 1:  # such as the same measure, of engineers and of teams
                title = f"{self.title(section.title)} – {title}"
            sheet = self.sheet(title)
            made.append((section, sheet.get_name(), self.title(block.title)))
            if isinstance(block, Table):
                self._table(sheet, block)
            else:
                self._chart(sheet, block)
        self._first_sheet(first, made)

    def _sheets(self) -> Iterator[tuple[Section, Table | Chart]]:
        for section in self.document.sections:
            for block in section.blocks:
                if isinstance(block, Table | Chart):
                    yield section, block

    def sheet(self, title: str) -> Any:
        """A sheet with a name of its own that Excel takes."""
        base = _FORBIDDEN.sub(" ", title).strip("' ")[:_LONGEST_SHEET] or "-"
        name, count = base, 1
        while name.lower() in self._names or name.lower() == "history":
            count += 1
            name = f"{base[: _LONGEST_SHEET - 4]} {count}"
        self._names.add(name.lower())
        sheet = self.book.add_worksheet(name)
        if self.reader.direction == "rtl":
            sheet.right_to_left()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        return sheet

    # What is read at a glance.

    def _first_sheet(self, sheet: Any, made: Sequence[tuple[Section, str, str]]) -> None:
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 20)
        sheet.set_column(2, 3, 40)
        sheet.write_string(
            0, 0, self.words(self.document.title), self.format(bold=True, font_size=15)
        )
        row = 1
        for line in [*head(self.document, self.reader), *self.document.summary]:
            sheet.write_string(row, 0, self.words(line))
            row += 1
        for section in self.document.sections:
            row += 1
            sheet.write_string(
                row, 0, self.title(section.title), self.format(bold=True, font_size=12)
            )
            row += 1
            for block in section.blocks:
                row = self._glance(sheet, row, block)
            for name, title in ((name, title) for its, name, title in made if its is section):
                place = "internal:'" + name.replace("'", "''") + "'!A1"
                sheet.write_url(row, 0, place, string=title)
                row += 1

    def _glance(self, sheet: Any, row: int, block: Block) -> int:
        if isinstance(block, Paragraph):
            sheet.write_string(row, 0, self.words(block.text))
            return row + 1
        if not isinstance(block, Facts):
            return row
        for fact in block.facts:
            sheet.write_string(row, 0, self.words(fact.name))
            self.cell(sheet, row, 1, fact.value, fact.unit, 2)
            sheet.write_string(row, 2, without_directions(interval(fact, self.reader)))
            sheet.write_string(row, 3, self.words(fact.note) if fact.note else "")
            row += 1
        return row

    # Tables.

    def _table(self, sheet: Any, table: Table) -> None:
        ends = [end for column in table.columns for end in self._ends(column)]
        names = [name for name, _ in ends]
        self._head(sheet, names)
        widths = [_width(name) for name in names]
        for place, row in enumerate(table.rows):
            for number, (value, (_, column)) in enumerate(
                zip(_values(row, table.columns), ends, strict=True)
            ):
                marked = place in table.marked
                self.cell(
                    sheet, place + 1, number, value, column.unit, column.digits, marked=marked
                )
                text = without_directions(shown(value, column.unit, column.digits, self.reader))
                widths[number] = max(widths[number], _width(text))
        for number, width in enumerate(widths):
            sheet.set_column(number, number, min(max(width + 3, _NARROWEST), _WIDEST))
        if table.rows and names:
            sheet.autofilter(0, 0, len(table.rows), len(names) - 1)
        self._notes(sheet, len(table.rows) + 2, table)

    def _ends(self, column: Column) -> Iterator[tuple[str, Column]]:
        """The column, or the two of its intervals' ends, with their names."""
        if not column.ranges:
            yield self.words(column.name), column
            return
        for template in (_FROM, _TO):
            yield self.words(Text(template, {"name": column.name})), column

    def _head(self, sheet: Any, names: Sequence[str]) -> None:
        how = self.format(bold=True, bottom=1, bg_color="#eef1f4", text_wrap=True, valign="top")
        for number, name in enumerate(names):
            sheet.write_string(0, number, name, how)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)

    def _notes(self, sheet: Any, row: int, table: Table) -> None:
        notes = [table.note, Text(FEW_CASES) if table.marked else None]
        if not table.rows:
            notes = [table.nothing]
        for note in notes:
            if note is not None:
                sheet.write_string(row, 0, self.words(note), self.format(italic=True))
                row += 1

    def cell(
        self,
        sheet: Any,
        row: int,
        column: int,
        value: Value,
        unit: Unit,
        digits: int,
        *,
        marked: bool = False,
    ) -> None:
        """One value as what it is; nothing where it is not known."""
        soft: dict[str, Any] = {"italic": True, "font_color": "#6b7280"} if marked else {}
        if not is_known(value):
            sheet.write_blank(row, column, None, self.format(**soft))
        elif isinstance(value, Text | str):
            text = without_directions(shown(value, unit, digits, self.reader))
            sheet.write_string(row, column, text[:_LONGEST_CELL], self.format(**soft))
        elif isinstance(value, date):  # a datetime is one too
            how = self.format(num_format=self._date_format(unit), align="left", **soft)
            sheet.write_datetime(row, column, self._local(value, unit), how)
        else:
            number, pattern = _number(value, unit, digits)
            sheet.write_number(row, column, number, self.format(num_format=pattern, **soft))

    def _date_format(self, unit: Unit) -> str:
        day = _DAYS.get(self._language, _DAYS["en"])
        return _CLOCK.get(self._language, f"{day} hh:mm") if unit is Unit.MOMENT else day

    def _local(self, value: date, unit: Unit) -> datetime:
        if not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - Excel knows no zones
        local = value.astimezone(self._zone) if self._zone else value
        if unit is Unit.DAY:
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001
        return local.replace(tzinfo=None, microsecond=0)

    # Charts: their figures, and a chart of Excel's own over them.

    def _chart(self, sheet: Any, chart: Chart) -> None:
        columns: list[tuple[str, Sequence[Value], Unit]] = [
            (self.words(chart.across.name), chart.x, chart.across.unit)
        ]
        places = []
        for series in chart.series:
            places.append(len(columns))
            columns += self._columns(series, chart.up.unit)
        self._head(sheet, [name for name, _, _ in columns])
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, max(len(columns) - 1, 1), 15)
        for number, (_, values, unit) in enumerate(columns):
            for row, value in enumerate(values):
                self.cell(sheet, row + 1, number, value, unit, 2)
        if chart.x and chart.series:
            sheet.insert_chart(1, len(columns) + 1, self._drawing(sheet, chart, places))
        if chart.note is not None:
            sheet.write_string(
                len(chart.x) + 2, 0, self.words(chart.note), self.format(italic=True)
            )

    def _columns(self, series: Series, unit: Unit) -> list[tuple[str, Sequence[Value], Unit]]:
        name = self.words(series.name)
        found: list[tuple[str, Sequence[Value], Unit]] = [(name, series.y, unit)]
        if series.low is not None and series.high is not None:
            for ends, template in ((series.low, _FROM), (series.high, _TO)):
                found.append((self.words(Text(template, {"name": series.name})), ends, unit))
        return found

    def _drawing(self, sheet: Any, chart: Chart, places: Sequence[int]) -> Any:
        drawing = self.book.add_chart(_kind(chart))
        last = len(chart.x)
        for number, column in enumerate(places):
            drawing.add_series(
                {
                    "name": [sheet.get_name(), 0, column],
                    "categories": [sheet.get_name(), 1, 0, last, 0],
                    "values": [sheet.get_name(), 1, column, last, column],
                    **_look(chart.shape, number),
                }
            )
        drawing.set_title({"name": self.title(chart.title), "name_font": {"size": 12}})
        named_bars = _kind(chart)["type"] == "bar"
        drawing.set_x_axis(
            {"name": self.words(chart.across.name)} | ({"reverse": True} if named_bars else {})
        )
        drawing.set_y_axis({"name": self.words(chart.up.name)} | _ends(chart))
        drawing.set_legend({"position": "bottom"} if len(places) > 1 else {"none": True})
        drawing.set_size({"width": 720, "height": 400})
        return drawing


def _values(row: Sequence[Value], columns: Sequence[Column]) -> Iterator[Value]:
    """The row's cells: an interval's ends stand in two."""
    for value, column in zip(row, columns, strict=True):
        if isinstance(value, Range):
            yield from (value.low, value.high)
        elif column.ranges:
            yield from (None, None)
        else:
            yield value


def _width(text: str) -> int:
    """In signs of Excel's: a Chinese one is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _number(value: Value, unit: Unit, digits: int) -> tuple[float, str]:
    """A number and its format; lengths of time in days, as Excel counts them."""
    decimals = "." + "0" * digits if digits else ""
    if isinstance(value, timedelta):
        return value / timedelta(days=1), _SPAN
    assert isinstance(value, int | float)
    if unit is Unit.SPAN:
        return value / 86_400, _SPAN
    if unit is Unit.SHARE:
        return value, f"0{decimals}%"
    return value, "#,##0" if unit is Unit.COUNT else f"#,##0{decimals}"


def _kind(chart: Chart) -> dict[str, str]:
    if chart.shape is Shape.BARS:
        return {"type": "bar" if chart.across.unit is Unit.WORDS else "column"}
    if chart.across.unit in (Unit.NUMBER, Unit.COUNT):
        return {"type": "scatter", "subtype": "straight"}
    return {"type": "line"}


def _look(shape: Shape, number: int) -> dict[str, Any]:
    colour = COLOURS[number % len(COLOURS)]
    if shape is not Shape.BARS:
        dash = _DASHES[number % len(_DASHES)]
        return {"line": {"color": colour, "width": 1.75, "dash_type": dash}}
    hatch = _HATCHES[number % len(_HATCHES)]
    if hatch:
        return {"pattern": {"pattern": hatch, "fg_color": colour, "bg_color": "#ffffff"}}
    return {"fill": {"color": colour}}


def _ends(chart: Chart) -> dict[str, float]:
    factor = 1 / 86_400 if chart.up.unit is Unit.SPAN else 1.0
    if chart.up.ends is None:
        return {}
    return {"min": chart.up.ends[0] * factor, "max": chart.up.ends[1] * factor}
