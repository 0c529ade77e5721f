"""A command line on a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from domain.errors import ForecallError
from forecall.cli import app

Forecall = Callable[..., str]


@pytest.fixture
def forecall(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Forecall:
    """Runs `forecall ARGUMENTS...` and returns what it printed; raises what it refused with."""
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    return command_line()


def command_line() -> Forecall:
    """`forecall` in this process, which is quicker than one of its own for each command."""

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, ForecallError):
            raise result.exception
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    return run
