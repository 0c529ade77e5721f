"""`forecall account`: who may use the console."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forecall.config import load_settings

app = typer.Typer(no_args_is_help=True, help="Who may use the console.")

_OUT = Console()
_ACTOR = "command line"

ConfigOption = Annotated[Path | None, typer.Option("--config", help="A TOML file with settings.")]
PasswordOption = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
]


@app.command("add")
def add(
    name: str,
    role: Annotated[
        str,
        typer.Option(
            help="viewer, operator, dispatcher, engineer, manager, analyst or administrator"
        ),
    ] = "operator",
    engineer: Annotated[
        str, typer.Option(help="For the role engineer: the key of whose tickets they see.")
    ] = "",
    password: PasswordOption = "",
    config: ConfigOption = None,
) -> None:
    """Add somebody who may log in to the console."""
    from console.people import add_account
    from forecall.wiring import store_for_command

    with (
        store_for_command(load_settings(config), "account") as installation,
        installation.database.transaction() as conn,
    ):
        add_account(conn, name, password, role, engineer, actor=_ACTOR)
    _OUT.print(f"{name} may log in as {role}.")


@app.command("password")
def password(name: str, password: PasswordOption = "", config: ConfigOption = None) -> None:
    """Give an account a new password and end its sessions."""
    from console.people import give_password_by_name
    from forecall.wiring import store_for_command

    with (
        store_for_command(load_settings(config), "account") as installation,
        installation.database.transaction() as conn,
    ):
        give_password_by_name(conn, name, password, actor=_ACTOR)
    _OUT.print(f"{name} has a new password.")
