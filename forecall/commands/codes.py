"""`forecall codes`: what the parts' own protocols say, and what no table knows yet."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecall.config import load_settings
from forecall.logs import set_up_logs
from forecall.wiring import store_for_command

_OUT = Console()

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; FORECALL_* variables go over it."),
]


def register(app: typer.Typer) -> None:
    """Adds `codes` to `app`."""
    codes = typer.Typer(no_args_is_help=True, help="What parts say in their own protocols.")
    codes.command("list")(list_)
    codes.command("unknown")(unknown)
    app.add_typer(codes, name="codes", rich_help_panel="Looking after it")


def list_(
    dialect: Annotated[str, typer.Option(help="One protocol; without it, all are named.")] = "",
) -> None:
    """Show the codes of a protocol, and what each is in Forecall's words."""
    from domain.dialects import DIALECTS
    from domain.errors import BadInputError

    if not dialect:
        for name, rows in DIALECTS.items():
            _OUT.print(f"{name}: {len(rows)} codes", highlight=False)
        return
    named = {name.casefold(): rows for name, rows in DIALECTS.items()}.get(dialect.casefold())
    if named is None:
        raise BadInputError(f"dialect: {dialect!r}; allowed: {', '.join(DIALECTS)}")
    table = Table("Raw", "Name", "Component", "Code", "Severity", "Means", box=None)
    for row in named:
        severity, means = row.code.severity.value, row.code.meaning
        table.add_row(row.raw, row.symbol, row.component or "any", row.code.value, severity, means)
    _OUT.print(table)


def unknown(config: ConfigOption = None) -> None:
    """List the codes that devices have said and no table knows."""
    from pipeline.codes import note_unknown_codes, unknown_codes

    set_up_logs("codes", logging.WARNING)
    with store_for_command(load_settings(config), "codes") as installation:
        note_unknown_codes(installation.database, installation.clock)
        with installation.database.transaction() as conn:
            found = unknown_codes(conn)
    if not found:
        _OUT.print("Every code that was said is known.")
        return
    table = Table("Dialect", "Raw", "Component", "Seen", "First", "Last", "By", box=None)
    for code in found:
        first, last = f"{code.first_at:%Y-%m-%d %H:%M}", f"{code.last_at:%Y-%m-%d %H:%M}"
        what = (code.dialect, code.raw_code, code.component or "device")
        table.add_row(*map(escape, what), str(code.seen), first, last, escape(code.device))
    _OUT.print(table)
