"""`forecall kpi` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.errors import BadInputError
from kpi.staff.rules import rules_text
from tests.alerts.conftest import World
from tests.devices.conftest import Forecall, command_line
from tests.kpi.test_months import worked


@pytest.fixture
def forecall(world: World, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Forecall:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    return command_line()


def test_a_month_is_looked_at_closed_disputed_and_compared(
    world: World, forecall: Forecall, tmp_path: Path
) -> None:
    ticket = worked(world)
    assert "uptime" in forecall("kpi", "uptime", "2026-03", "--by", "site")
    assert json.loads(forecall("kpi", "uptime", "2026-03", "--json"))[0]["failures"] == 0
    found = json.loads(forecall("kpi", "review", "2026-03", "--json"))
    assert found["scope"] == "engineer"
    assert "closed as version 1" in forecall("kpi", "close", "2026-03")
    assert "made again to the last bit" in forecall("kpi", "closed", "2026-03")
    other = tmp_path / "rules.toml"
    other.write_text(rules_text().replace("repeat_days = 30", "repeat_days = 7"))
    assert "repeats" in forecall("kpi", "compare", "2026-03", "--rules", str(other))
    said = forecall("kpi", "dispute", "--ticket", str(ticket), "--reason", "a wrong part")
    assert "dispute 1 waits" in said
    assert "a wrong part" in forecall("kpi", "disputes")


def test_what_was_avoided_is_known_only_where_something_was_held_out(forecall: Forecall) -> None:
    assert "can't be known" in forecall("kpi", "avoided")
    assert "10.0% of the predictions below 70%" in forecall("kpi", "hold-out", "0.1")
    assert json.loads(forecall("kpi", "avoided", "--json"))["settings"] == []
    with pytest.raises(BadInputError, match=r"share: 2\.0; allowed: 0 to 0\.5"):
        forecall("kpi", "hold-out", "2")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["uptime", "March"], "month: 'March'; allowed: a year and a month"),
        (["uptime", "2026-03", "--zone", "Mars"], "--zone: 'Mars'"),
        (["review", "2026-03", "--by", "device"], "--by: device; allowed: engineer"),
        (["dispute", "--reason", "x"], "name either --ticket"),
        (
            [
                "dispute",
                "--reason",
                "x",
                "--device",
                "d",
                "--from",
                "2026-01-01",
                "--to",
                "2026-01-02",
            ],
            "no such device",
        ),
    ],
)
def test_what_does_not_fit_is_refused(forecall: Forecall, arguments: list[str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        forecall("kpi", *arguments)
