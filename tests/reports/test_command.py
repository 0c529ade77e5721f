"""`forecall report` as a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.errors import BadInputError
from forecall.cli import app
from kpi.reports.registry import KINDS

FILE_SIGNS = {"pdf": b"%PDF", "html": b"<!doc", "xlsx": b"PK"}


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_a_report_is_made_listed_and_read_back(run: CliRunner, tmp_path: Path) -> None:
    for form, language in (("pdf", "fa"), ("html", "zh"), ("xlsx", "en")):
        told = run.invoke(
            app,
            [
                *("report", "life", "--period", "2026-Q1", "--format", form, "--lang", language),
                *("--zone", "Asia/Tehran", "-o", f"life.{form}"),
            ],
            catch_exceptions=False,
        ).output
        assert f"life.{form}: report" in told
        assert (tmp_path / f"life.{form}").read_bytes().startswith(FILE_SIGNS[form])
    listed = run.invoke(app, ["report", "archive", "--kind", "life"], catch_exceptions=False).output
    assert listed.count("2026-Q1") == 3
    run.invoke(app, ["report", "get", "1"], catch_exceptions=False)
    stored = (tmp_path / "life-2026-Q1-fa.pdf").read_bytes()
    assert stored == (tmp_path / "life.pdf").read_bytes()


def test_each_kind_has_a_command(run: CliRunner) -> None:
    told = run.invoke(app, ["report", "--help"]).output
    assert all(name in told for name in KINDS if name != "counted")


def test_the_schedule_is_shown_with_what_waits(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "schedule.toml"
    file.write_text(
        '[[report]]\nname = "m"\nkind = "counted"\nevery = "month"\nto = ["chen"]\nby = ["mail"]\n'
    )
    monkeypatch.setenv("FORECALL_REPORTS_SCHEDULE", str(file))
    told = run.invoke(app, ["report", "due"], catch_exceptions=False).output
    assert "counted" in told
    assert "06:00 UTC" in told
    assert "m: to: 'chen' is not in the notification policy" in told
    file.write_text('[[report]]\nname = "m"\nkind = "nothing"\nevery = "month"\n')
    with pytest.raises(BadInputError, match="kind: 'nothing'"):
        run.invoke(app, ["report", "due"], catch_exceptions=False)


def test_a_file_that_cannot_be_written_is_named(run: CliRunner) -> None:
    with pytest.raises(BadInputError, match=r"--out: /nowhere/x\.pdf"):
        run.invoke(
            app,
            ["report", "life", "--period", "2026-01", "-o", "/nowhere/x.pdf"],
            catch_exceptions=False,
        )
