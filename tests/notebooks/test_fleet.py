"""The fleet's DataFrames: the columns that the documentation names, the figures that the console shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInputError
from forecall import fleet
from kpi.lab import COLUMNS
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from storage.database import Database
from tests.kpi.past_fleet import END

DOCS = Path(__file__).parents[2] / "docs" / "data-scientist.md"
START = END - timedelta(days=40)


@pytest.fixture(scope="module")
def here(reader: str) -> Iterator[fleet.FleetLab]:
    opened = fleet.open_fleet(address=reader)
    yield opened
    opened.close()


ASKED: dict[str, Callable[[fleet.FleetLab], pd.DataFrame]] = {
    "devices": lambda here: here.devices(),
    "uptime": lambda here: here.uptime("site", START, END),
    "downtimes": lambda here: here.downtimes("fleet", "fleet", START, END),
    "failures": lambda here: here.failures(START, END),
    "tickets": lambda here: here.tickets(START, END),
    "sla": lambda here: here.sla(START, END),
    "review": lambda here: here.review("2026-10"),
    "what_if": lambda here: here.what_if("customer", START, END, exclusions=[]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_comes_back_has_the_columns_that_are_named(here: fleet.FleetLab, name: str) -> None:
    frame = ASKED[name](here).reset_index()
    assert [column for column in frame.columns if column != "index"] == list(COLUMNS[name])
    assert len(frame)
    for column, unit in COLUMNS[name].items():
        if unit == "UTC":
            assert str(frame[column].dt.tz) == "UTC"


@pytest.mark.parametrize("name", COLUMNS)
def test_the_documentation_names_them(name: str) -> None:
    chapter = DOCS.read_text(encoding="utf-8").split("## A running system")[1]
    told = re.search(rf"^\| `{name}` \|(.*)$", chapter, re.MULTILINE)
    assert told, f"docs/data-scientist.md has no row for {name}"
    words = [
        f"`{column}`" + (f" ({unit})" if unit else "") for column, unit in COLUMNS[name].items()
    ]
    assert ", ".join(words) in told[1]


def test_the_uptime_is_that_of_the_console(here: fleet.FleetLab, store: str) -> None:
    database = Database(store)
    with database.transaction() as conn:
        known = {one.key: one for one in uptime(conn, Scope.SITE, START, END)}
    database.close()
    shown = here.uptime("site", START, END)
    assert shown["availability"].to_dict() == {key: one.ratio for key, one in known.items()}
    assert shown["failures"].sum() == sum(one.failures for one in known.values()) > 0


def test_downtimes_sum_to_what_counts_as_down(here: fleet.FleetLab) -> None:
    sites = here.uptime("site", START, END)
    worst = sites["down_h"].idxmax()
    stretches = here.downtimes("site", worst, START, END)
    assert stretches["counts_h"].sum() == pytest.approx(sites.loc[worst, "down_h"])
    assert stretches["excluded_h"].sum() == pytest.approx(sites.loc[worst, "excluded_h"])


def test_with_nothing_excluded_uptime_is_lower(here: fleet.FleetLab) -> None:
    found = here.what_if("customer", START, END, exclusions=[])
    agreed = here.uptime("customer", START, END)
    assert found["agreed"].to_dict() == agreed["availability"].to_dict()
    assert (found["change"] <= 0).all()
    assert found["change"].min() < 0  # cases of users are in the store
    assert found["down_h"].sum() == pytest.approx(
        agreed["down_h"].sum() + agreed["excluded_h"].sum()
    )


def test_nothing_is_known_beyond_now(here: fleet.FleetLab) -> None:
    later = here.now() + timedelta(days=400)
    shown = here.uptime("fleet", START, later)
    hours = shown[["up_h", "down_h", "excluded_h", "unwatched_h", "off_hours_h"]].sum().sum()
    devices = len(here.devices())
    assert hours <= devices * (here.now() - START) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda here: here.uptime("moon", START, END), "scope: 'moon'; allowed: device"),
        (lambda here: here.uptime("site", "soon", END), "time: 'soon'; allowed"),
        (lambda here: here.uptime("site", END, START), "empty"),
        (lambda here: here.uptime("site", datetime(2026, 1, 1), END), "time zone"),  # noqa: DTZ001
        (lambda here: here.review("October"), "month: 'October'"),
        (lambda here: here.review("2026-10", by="model"), "by: 'model'; allowed: engineer"),
        (lambda here: here.what_if("site", START, END, exclusions=["rain"]), "exclusions: 'rain'"),
    ],
)
def test_what_is_not_there_is_refused(
    here: fleet.FleetLab, ask: Callable[[fleet.FleetLab], object], says: str
) -> None:
    with pytest.raises(BadInputError, match=says):
        ask(here)
