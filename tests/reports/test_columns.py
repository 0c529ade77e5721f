"""Columns of printed tables: nothing is wider than it was taken to be, and no table than the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typst
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from kpi.reports.render.columns import PADDING, PAGE, ems, fit
from kpi.reports.render.fonts import FOLDER, OWN, chinese
from kpi.reports.render.layout import LaidColumn, LaidRow, LaidTable

CATALOGUES = Path(__file__).parents[2] / "console" / "locale"
FIGURES = [
    "۱۳۹۰",
    "۲ آذر ۱۴۰۵، ۲۳:۳۰",
    "۹۹٫۳۲٪",
    "9,007",
    "SIMP00046",
    "100.0%",
    "1d 12h",
    "–",
    "W@m",
]
MEASURE = """#set text(font: json(bytes(sys.inputs.fonts)), size: 10pt, cjk-latin-spacing: none)
#context [#metadata(json(bytes(sys.inputs.texts)).map(each => measure(text(each)).width.pt())) <wide>]"""


@pytest.mark.parametrize("language", ["fa", "zh_Hans_CN"])
def test_no_words_of_ours_are_wider_than_they_are_taken_to_be(
    language: str, tmp_path: Path
) -> None:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        said = [each.string for each in read_po(file) if isinstance(each.string, str)]
    texts = [text for text in said if text and "\n" not in text] + FIGURES
    (tmp_path / "measure.typ").write_text(MEASURE)
    inputs = {"fonts": json.dumps([OWN, chinese() or OWN]), "texts": json.dumps(texts)}
    told = typst.query(
        tmp_path / "measure.typ",
        "<wide>",
        font_paths=[FOLDER],
        sys_inputs=inputs,
        field="value",
        one=True,
    )
    wider = [
        text
        for text, points in zip(texts, json.loads(told), strict=True)
        if points > 10 * ems(text)
    ]
    assert wider == []


CELL = st.text(st.sampled_from("aW5 -ضدا设\u200f😀"), max_size=80)
TABLES = st.integers(1, 12).flatmap(
    lambda count: st.builds(
        lambda columns, rows: LaidTable(
            "t",
            tuple(LaidColumn(name, False, flows) for name, flows in columns),
            tuple(LaidRow(tuple(row), False) for row in rows),
            "",
            (),
        ),
        st.lists(st.tuples(CELL, st.booleans()), min_size=count, max_size=count),
        st.lists(st.lists(CELL, min_size=count, max_size=count), max_size=6),
    )
)


@given(TABLES)
def test_a_table_stays_on_the_page_and_lines_that_are_promised_hold_their_cells(
    table: LaidTable,
) -> None:
    found = fit(table)
    assert sum(found.widths) <= PAGE + 0.01 * len(found.widths)
    assert min(found.widths) > 0
    assert len(found.one_line) == len(table.rows)
    for row, one in zip(table.rows, found.one_line, strict=True):
        fits = [
            ems(cell) * found.size + PADDING <= wide + 0.02
            for cell, wide in zip(row.cells, found.widths, strict=True)
        ]
        assert all(fits) or not one


def test_words_give_way_to_figures() -> None:
    columns = (LaidColumn("Why", False, True), LaidColumn("Due", False, False))
    rows = (LaidRow(("a very long story " * 9, "2026年10月5日 12:23"), False),)
    found = fit(LaidTable("t", columns, rows, "", ()))
    assert found.widths[1] >= ems("2026年10月5日 12:23") * found.size
    assert found.one_line == (False,)
