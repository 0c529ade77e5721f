"""The reports on staff, lives and what will be needed, on a fleet with a past: figures, words, files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from console.i18n.speech import reader
from domain.clock import ManualClock
from domain.errors import BadInputError
from domain.text import Text
from kpi.reports.asked import Asked
from kpi.reports.document import Chart, Document, Shape, Table
from kpi.reports.kinds import life, staff, supplies
from kpi.reports.period import read_period
from kpi.reports.registry import kind_of
from kpi.reports.render import Format, render
from kpi.staff.months import close_month
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from models.unusual.watch import watch
from storage.database import Database
from tests.conftest import copy_of
from tests.kpi.past_fleet import END, build_past_fleet

ZONE = ZoneInfo("Asia/Tehran")


@pytest.fixture(scope="module")
def past(postgres: str, _template: str) -> Iterator[Database]:
    with copy_of(_template, postgres) as address:
        database = Database(address)
        build_past_fleet(database, clocks=6, terminals=20, days=36)
        for _ in range(16):  # eight windows of six hours a turn, four weeks
            watch(database, ManualClock(END))
        yield database
        database.close()


def asked(period: str, customer: str | None = None, at: datetime = END) -> Asked:
    return Asked(read_period(period), ZONE, at, customer)


def made(past: Database, kind: str, wanted: Asked) -> Document:
    found = kind_of(kind)
    found.check(wanted)
    with past.transaction() as conn:
        return found.make(conn, wanted)


def tables(document: Document) -> dict[str, Table]:
    blocks = [block for section in document.sections for block in section.blocks]
    return {block.title.template: block for block in blocks if isinstance(block, Table)}


def _plain(value: object) -> Iterator[type]:
    """The types of all that a document is made of."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _plain(getattr(value, field.name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _plain(each)
    elif isinstance(value, (tuple, list, frozenset)):
        for each in value:
            yield from _plain(each)
    elif not isinstance(value, Enum):
        yield type(value)


@pytest.mark.parametrize(
    ("kind", "period"), [("life", "2026"), ("supplies", "2026-11"), ("staff", "2026-10")]
)
def test_a_report_is_made_of_plain_values_and_every_file_of_it_opens(
    past: Database, kind: str, period: str
) -> None:
    document = made(past, kind, asked(period))
    allowed = {str, int, float, bool, date, datetime, timedelta, type(None)}
    assert set(_plain(document)) - allowed == set()
    for code in ("en", "fa", "zh_Hans_CN"):
        page = render(document, Format.HTML, reader(code, ZONE.key)).decode()
        assert reader(code, ZONE.key).say(document.title) in page
    book = openpyxl.load_workbook(io.BytesIO(render(document, Format.XLSX, reader("en", ZONE.key))))
    assert len(book.sheetnames) > 2
    assert render(document, Format.PDF, reader("fa", ZONE.key)).startswith(b"%PDF")


def test_the_life_report_draws_steps_that_fall_and_counts_all_devices(past: Database) -> None:
    document = made(past, life.KIND.name, asked("2026"))
    charts = [block for section in document.sections for block in section.blocks]
    steps = [chart for chart in charts if isinstance(chart, Chart)]
    assert steps
    for chart in steps:
        assert chart.shape is Shape.STEPS
        for series in chart.series:
            known = [value for value in series.y if value is not None]
            assert known == sorted(known, reverse=True)
    rows = tables(document)["Time without a failure, by model"].rows
    assert sum(row[2] for row in rows if isinstance(row[2], int)) == 26


def test_a_forecast_of_a_customer_is_a_part_of_that_of_all(past: Database) -> None:
    def parts(customer: str | None) -> dict[object, object]:
        document = made(past, supplies.KIND.name, asked("2026-11", customer))
        rows = tables(document)["Parts, by model"].rows
        return {(str(row[0]), row[1]): row[6] for row in rows}

    everyone, some = parts(None), parts("lotus")
    assert some
    assert set(some) <= set(everyone)
    for key, wanted in some.items():
        assert isinstance(wanted, float)
        assert wanted <= everyone[key]  # type: ignore[operator]


def test_what_is_refilled_is_known_and_what_only_fills_is_not_ordered(past: Database) -> None:
    found = tables(made(past, supplies.KIND.name, asked("2026-11")))
    ordered = {str(row[2]) for row in found["Refills to order, by site"].rows}
    assert ordered == {"paper remaining"}


def test_a_forecast_of_what_is_over_is_refused(past: Database) -> None:
    with pytest.raises(BadInputError, match="not over yet"):
        made(past, supplies.KIND.name, asked("2026-08"))
    with pytest.raises(BadInputError, match="allowed: the key of a customer"):
        made(past, supplies.KIND.name, asked("2026-11", "nobody"))


def test_the_staff_report_is_provisional_until_the_month_is_closed(past: Database) -> None:
    wanted = asked("2026-10")
    before = made(past, staff.KIND.name, wanted)
    assert before.summary[0].template.startswith("Provisional")
    month = close_month(past, ManualClock(END), date(2026, 10, 1), ZONE, actor="ann")
    after = made(past, staff.KIND.name, wanted)
    told = after.summary[0]
    assert isinstance(told, Text)
    assert "last bit" in told.template
    assert month.sha256.startswith(str(told.values["sha"]))
    assert after.sections == before.sections  # the same figures, frozen
    other = Asked(wanted.period, ZoneInfo("UTC"), END)
    assert made(past, staff.KIND.name, other).summary[0].template.startswith("Provisional")


def test_the_staff_report_has_the_uptime_of_the_console_by_name(past: Database) -> None:
    wanted = asked("2026-10")
    rows = tables(made(past, staff.KIND.name, wanted))["Uptime of the devices in their care"].rows
    with past.transaction() as conn:
        known = {
            one.name: one.ratio for one in uptime(conn, Scope.REGION, wanted.start, wanted.end)
        }
    assert {row[0]: row[1] for row in rows} == known
    assert [str(row[0]) for row in rows] == sorted(str(row[0]) for row in rows)
