"""`forecall contracts ...` against a store, as somebody types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.contracts.sheet import template
from domain.errors import BadInputError, NotFoundError
from forecall.cli import app
from tests.alerts.conftest import World


class Terminal:
    """Runs commands and gives what they print, in one line."""

    def __call__(self, *words: str) -> str:
        result = CliRunner().invoke(app, ["contracts", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())


@pytest.fixture
def forecall(world: World, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    return Terminal()


def test_from_a_file_to_what_holds_for_a_device(
    forecall: Terminal, tmp_path: Path, world: World
) -> None:
    assert "contract none plan kiosk" in forecall("show", "kiosk-1")
    file = tmp_path / "c.csv"
    file.write_text(
        "contract,customer,plan,valid_from,price\nC-9,c,kiosk_office,2020-01-01,77 a year\n"
    )
    assert forecall("import", str(file)) == "1 contracts are as the file says."
    assert "C-9 c all kiosk_office the plan's 2020-01-01 open customer included 77 a year" in (
        forecall("list")
    )
    shown = forecall("show", "kiosk-1")
    assert "contract C-9" in shown
    assert "calendar office, UTC" in shown
    assert "coverage covered: contract C-9" in shown


def test_a_warranty_is_voided_with_a_reason(forecall: Terminal, world: World) -> None:
    assert "is void from now on" in forecall("void-warranty", "kiosk-1", "--reason", "misuse")
    assert "warranty void since" in forecall("show", "kiosk-1")
    [entry] = world.rows("SELECT object, detail FROM audit_entry WHERE action = 'void_warranty'")
    assert (entry["object"], entry["detail"]) == ("device/kiosk-1", {"reason": "misuse"})


def test_plans_are_shown_with_their_times(forecall: Terminal) -> None:
    shown = forecall("plans")
    assert "kiosk on_site fault arrived urban 2 h to 4 h, suburban 4 h to 6 h" in shown
    assert "kiosk phone_support fault helped 30 min operator" in shown
    assert "ordinary repairs 1 h on average" in shown


def test_a_file_is_tried_before_it_is_put_in_force(forecall: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "plans.toml"
    file.write_text("[plans.clock.clocks.respond]\ntarget = '45min'\n")
    assert "clock respond opened planned 45 min" in forecall("plans", "--file", str(file))
    assert "clock respond opened planned 2 h" in forecall("plans")
    file.write_text("[plans.clock.clocks.respond]\ntarget = 'soon'\n")
    with pytest.raises(BadInputError, match=r"plans\.clock\.clocks\.respond\.target: 'soon'"):
        forecall("plans", "--file", str(file))


def test_what_is_wrong_is_said(forecall: Terminal, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no device 'nobody'"):
        forecall("show", "nobody")
    with pytest.raises(BadInputError, match="cannot be read"):
        forecall("import", str(tmp_path / "missing.csv"))


def test_a_template_begins_a_file(forecall: Terminal) -> None:
    assert forecall("template") == " ".join(template().split())
    assert forecall("template", "--warranties").startswith("device,starts_on,months")
