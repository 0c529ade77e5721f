"""Each format read back: the figures of the document are in it, in each language."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.notify.policy import LANGUAGES
from console.i18n.speech import reader
from domain.errors import NotAllowedError
from domain.text import Text
from kpi.reports.document import Column, Document, Range, Section, Table, Unit
from kpi.reports.reader import Reader
from kpi.reports.render import Format, fonts, render
from kpi.reports.render.layout import LaidTable, lay_out
from kpi.reports.render.words import clean, without_directions
from tests.reports.sample import NASTY, sample

READERS = [reader(code, "Asia/Tehran") for code in LANGUAGES.values()]
BY_LANGUAGE = pytest.mark.parametrize("how", READERS, ids=list(LANGUAGES))


def bare(text: str) -> str:
    """Signs in any order of direction and spacing: readers of PDF give what they see from the left."""
    return "".join(sorted(without_directions(re.sub(r"\s", "", text))))


def pages(file: bytes) -> list[str]:
    with pypdfium2.PdfDocument(file) as document:
        return [page.get_textpage().get_text_range() for page in document]


def book(document: Document, how: Reader) -> Any:
    return openpyxl.load_workbook(BytesIO(render(document, Format.XLSX, how)))


@BY_LANGUAGE
def test_every_row_stands_in_the_pdf(how: Reader) -> None:
    text = pages(render(sample(), Format.PDF, how))
    lines = {bare(line) for page in text for line in page.splitlines()}
    table = lay_out(sample(), how).sections[1].blocks[1]
    assert isinstance(table, LaidTable)
    plain = [row for row in table.rows if row.cells[0].startswith("KIOSK") or how.tag == "en-GB"]
    found = sum(bare("".join(row.cells)) in lines for row in plain)
    assert found >= 0.9 * len(plain), "some lines are cut by the reader where directions change"


@BY_LANGUAGE
def test_figures_and_page_numbers_are_in_the_readers_digits(how: Reader) -> None:
    text = pages(render(sample(), Format.PDF, how))
    whole = without_directions("".join(text))
    for figure in (how.number(12_345, 0), how.share(0.99961, 2), how.number(44_007, 0)):
        assert without_directions(figure) in whole or without_directions(figure)[::-1] in whole
    assert len(text) == 3
    for number, page in enumerate(text, 1):
        foot = page.splitlines()[-3:]
        assert any(how.plain(str(number)) in line for line in foot), foot


def test_the_head_of_a_table_is_repeated_on_each_page() -> None:
    text = pages(render(sample(rows=130), Format.PDF, READERS[0]))
    assert sum("moment" in page for page in text) >= 3


def test_a_pdf_says_what_it_is_to_programs() -> None:
    file = render(sample(), Format.PDF, READERS[2])
    with pypdfium2.PdfDocument(file) as document:
        assert document.get_metadata_dict()["Title"] == how_said(READERS[2])
        assert document.is_tagged()
    assert b"fa-IR" in file


def how_said(how: Reader) -> str:
    return how.say(Text("Uptime"))


def test_the_same_report_is_the_same_file() -> None:
    for form in Format:
        assert render(sample(), form, READERS[1]) == render(sample(), form, READERS[1])


@BY_LANGUAGE
def test_a_workbook_holds_numbers_as_numbers(how: Reader) -> None:
    workbook = book(sample(), how)
    sheet = workbook[how.say(Text("Devices"))]
    assert sheet.sheet_view.rightToLeft is (True if how.direction == "rtl" else None)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G46"
    table = sample().sections[1].blocks[1]
    assert isinstance(table, Table)
    for place, row in enumerate(table.rows):
        name, count, number, share, span, day, moment = (
            cell.value for cell in sheet[place + 2][:7]
        )
        assert (count, number) == (row[1], row[2])
        assert share == pytest.approx(row[3])
        assert isinstance(row[4], timedelta)
        given = span if isinstance(span, timedelta) else _as_span(span)
        assert abs(given - row[4]) < timedelta(seconds=1)
        assert isinstance(day, datetime)
        assert day.date() == row[5]
        local = row[6]
        if isinstance(local, datetime):
            tehran = local.astimezone(sample().start.tzinfo)
            assert moment == tehran.replace(tzinfo=None)
        else:
            assert moment is None
        assert name == clean(str(row[0]))
    assert sheet.cell(3, 4).number_format == "0.00%"


def _as_span(value: Any) -> timedelta:
    """openpyxl reads less than a day as a time, more as a moment after 1899-12-30."""
    if isinstance(value, datetime):
        return value - datetime(1899, 12, 30)  # noqa: DTZ001 - as Excel has it
    return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)


def test_no_name_becomes_a_formula() -> None:
    for sheet in book(sample(), READERS[0]):
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    file = render(sample(), Format.XLSX, READERS[0])
    names = [row[0].value for row in openpyxl.load_workbook(BytesIO(file))["Devices"].iter_rows()]
    assert set(NASTY[:6]) <= set(names)


def test_no_name_is_markup_of_a_page_or_turns_a_sentence_around() -> None:
    nasty = '<script>alert(1)</script>"\u202e#panic()$x$'
    for how in READERS:
        page = render(_with(nasty, nasty), Format.HTML, how).decode()
        assert "<script" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;alert(1)" in page
        text = "".join(pages(render(_with(nasty, nasty), Format.PDF, how)))
        assert "panic" in text
        assert "script" in text


def test_an_interval_is_figures_in_each_format() -> None:
    columns = (Column(Text("Name"), Unit.WORDS), Column(Text("Share"), Unit.SHARE, 1, ranges=True))
    rows = (("a", Range(0.1234, 1.0)), ("b", None))
    table = Table(Text("Devices"), columns, rows, Text("None"))
    document = replace(sample(), sections=(Section(Text("Devices"), (table,)),))
    page = render(document, Format.HTML, READERS[0]).decode()
    assert "12.3% to 100.0%" in page
    sheet = book(document, READERS[0])["Devices"]
    assert [cell.value for cell in sheet[1]] == ["Name", "Share, from", "Share, to"]
    assert [cell.value for cell in sheet[2]] == ["a", 0.1234, 1]
    assert [cell.value for cell in sheet[3]] == ["b", None, None]
    assert sheet["B2"].number_format == "0.0%"


def test_sheets_of_the_same_name_are_told_apart_and_found_from_the_first() -> None:
    table = sample(rows=3).sections[1].blocks[1]
    sections = tuple(Section(Text(name), (table,)) for name in ("Overview", "Tickets"))
    workbook = book(replace(sample(), sections=sections), READERS[0])
    assert workbook.sheetnames == ["Overview", "Overview – Devices", "Tickets – Devices"]
    links = [cell.hyperlink.location for cell in workbook["Overview"]["A"] if cell.hyperlink]
    assert links == ["'Overview – Devices'!A1", "'Tickets – Devices'!A1"]


def test_a_table_without_rows_says_so_and_explains_nothing() -> None:
    columns = (Column(Text("Name"), Unit.WORDS),)
    table = Table(Text("Devices"), columns, (), Text("None"), note=Text("Explained"))
    document = replace(sample(), sections=(Section(Text("Devices"), (table,)),))
    assert b"Explained" not in render(document, Format.HTML, READERS[0])
    cells = [
        cell.value for row in book(document, READERS[0])["Devices"].iter_rows() for cell in row
    ]
    assert "None" in cells
    assert "Explained" not in cells


def test_charts_of_a_workbook_are_excels_own() -> None:
    workbook = book(sample(), READERS[0])
    drawn = [type(chart).__name__ for sheet in workbook for chart in sheet._charts]
    assert sorted(drawn) == ["BarChart", "BarChart", "LineChart", "ScatterChart"]


@BY_LANGUAGE
def test_a_page_loads_nothing_and_says_whose_language_it_is(how: Reader) -> None:
    page = render(sample(), Format.HTML, how).decode()
    assert f'<html lang="{how.tag}" dir="{how.direction}">' in page
    assert not re.search(r"""(?:src|href)=["']?(?!data:)\w|url\((?!data:|#)|@import""", page)
    assert "default-src 'none'" in page
    assert page.count("<svg") == 4
    assert "<b>&amp;" not in page


def test_what_is_not_over_says_so() -> None:
    document = sample()
    over = replace(document, made_at=document.end + timedelta(days=1))
    assert "not over" in lay_out(document, READERS[0]).head[2]
    assert lay_out(over, READERS[0]).head[1:] == (
        "23 Sep 2026 to 21 Dec 2026",
        "Figures as known on 23 Dec 2026, 00:00",
    )


def test_without_a_font_for_chinese_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda: None)
    with pytest.raises(NotAllowedError, match="fonts-noto-cjk"):
        render(sample(), Format.PDF, READERS[1])


ANY = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from(
        "#$*_`\\\"'<>&{}[]()@=+-~/|%\u202e\u2066\u2069\x00\x0b\ud800\ufffe\U0001f600ا设"
    ),
    max_size=25,
)


def _with(*texts: str) -> Document:
    columns = (Column(Text("Name"), Unit.WORDS), Column(Text("Tickets"), Unit.COUNT))
    rows = tuple((text, place) for place, text in enumerate(texts))
    table = Table(Text("Devices"), columns, rows, Text("None"))
    where = Text("Site: {site} ({customer})", {"site": texts[0], "customer": texts[-1]})
    return replace(
        sample(rows=0),
        about=Text("{name}", {"name": texts[0]}),
        sections=(Section(where, (table,)),),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY, st.sampled_from(READERS))
def test_any_name_passes_through_pages_and_workbooks(text: str, how: Reader) -> None:
    document = _with(text, text)
    page = render(document, Format.HTML, how).decode()
    assert page.count("<td") == 4
    cell = book(document, how)[how.say(Text("Devices"))].cell(2, 1).value
    assert (cell or "") == without_directions(clean(text))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANY, min_size=30, max_size=30), st.sampled_from(READERS))
def test_any_names_pass_through_a_pdf(texts: list[str], how: Reader) -> None:
    assert pages(render(_with(*texts), Format.PDF, how))


def test_days_are_never_a_day_off() -> None:
    columns = (Column(Text("Day"), Unit.DAY),)
    table = Table(Text("Devices"), columns, ((date(2026, 3, 21),),), Text("None"))
    document = replace(sample(), sections=(Section(Text("Devices"), (table,)),))
    cell = book(document, READERS[2])[READERS[2].say(Text("Devices"))]["A2"]
    assert cell.value.date() == date(2026, 3, 21)
    text = "".join(pages(render(document, Format.PDF, READERS[2])))
    assert "فروردین" in text
