"""`forecall tokens`: keys of programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from forecall.config import load_settings

app = typer.Typer(no_args_is_help=True, help="Keys with which programs use the API.")

_OUT = Console()
_ACTOR = "command line"

ConfigOption = Annotated[Path | None, typer.Option("--config", help="A TOML file with settings.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What uses it; its acts are audited as token:NAME.")],
    scope: Annotated[
        list[str], typer.Option(help="read, report, work or attendance; may be repeated.")
    ],
    days: Annotated[int, typer.Option(help="How long it is good, 1 to 730 days.")] = 90,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it. It is not shown again: only a hash of it is kept."""
    from console.tokens import make_token
    from forecall.wiring import store_for_command

    with (
        store_for_command(load_settings(config), "tokens") as installation,
        installation.database.transaction() as conn,
    ):
        key = make_token(conn, name, scope, days, actor=_ACTOR)
    typer.echo(key)


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """Show every key that was made, without the key itself."""
    from console.tokens import tokens
    from forecall.wiring import store_for_command

    with (
        store_for_command(load_settings(config), "tokens") as installation,
        installation.database.transaction() as conn,
    ):
        rows = tokens(conn)
    table = Table("Name", "May", "Good until", "Last used", "Made by", box=None)
    for row in rows:
        until = f"{row['expires_at']:%Y-%m-%d}" if row["good"] else "over"
        used = f"{row['last_used_at']:%Y-%m-%d %H:%M}" if row["last_used_at"] else "never"
        table.add_row(row["name"], ", ".join(row["scopes"]), until, used, row["made_by"])
    _OUT.print(table)


@app.command("revoke")
def revoke(name: str, config: ConfigOption = None) -> None:
    """End a key: whoever uses it is refused from now on."""
    from console.tokens import revoke_token
    from forecall.wiring import store_for_command

    with (
        store_for_command(load_settings(config), "tokens") as installation,
        installation.database.transaction() as conn,
    ):
        revoke_token(conn, name, actor=_ACTOR)
    _OUT.print(f"{name} is revoked.")
