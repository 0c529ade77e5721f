"""Every kind there is, on a fleet with faults: made, kept, and written in each format."""

from __future__ import annotations

import re
from io import BytesIO

import openpyxl
import pypdfium2
import pytest

from console.i18n.speech import reader
from desk.upkeep import tick
from domain.clock import ManualClock
from kpi.reports.archive import figures
from kpi.reports.asked import About, Asked
from kpi.reports.making import snapshot
from kpi.reports.period import Length, read_period
from kpi.reports.registry import KINDS
from kpi.reports.render import Format, render
from kpi.reports.render.layout import lay_out
from storage.database import Database
from tests.console.seed import Seed
from tests.reports.sample import TEHRAN

PERIODS = {Length.MONTH: "1404-12", Length.QUARTER: "2026-Q1"}


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    keys = seed.fleet()
    for key in keys[:3]:
        seed.down(key, "billAcceptor")
    seed.predict(keys[4], "receiptPrinter")
    tick(seed.database, seed.clock)
    return keys


@pytest.fixture
def seed(database: Database, clock: ManualClock) -> Seed:
    return Seed(database, clock)


def test_every_kind_in_every_format(seed: Seed, fleet: list[str]) -> None:
    with seed.database.transaction() as conn:
        row = conn.execute("SELECT key FROM customer ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    how = reader("fa", "Asia/Tehran")
    for kind in KINDS.values():
        period = read_period(
            PERIODS[Length.MONTH if Length.MONTH in kind.periods else Length.QUARTER]
        )
        customer = row["key"] if kind.about is About.CUSTOMER else None
        asked = Asked(period, TEHRAN, seed.clock.now(), customer)
        kind.check(asked)
        with seed.database.transaction() as conn:
            document = snapshot(conn, kind, asked)
        with seed.database.transaction() as conn:
            assert figures(snapshot(conn, kind, asked)) == figures(document), kind.name
        title = lay_out(document, how).title
        assert re.search("[؀-ۿ]", title), (kind.name, title)
        assert title in render(document, Format.HTML, how).decode()
        with pypdfium2.PdfDocument(render(document, Format.PDF, how)) as file:
            assert file.get_metadata_dict()["Title"] == title
        first = openpyxl.load_workbook(BytesIO(render(document, Format.XLSX, how))).worksheets[0]
        assert first["A1"].value == title
