"""`forecall reader`: a login of the database that can only look."""

from __future__ import annotations

from typing import Annotated

import typer

from desk.actions import audit
from forecall.commands.store import ConfigOption, actor, say, store
from storage.reader import READER, make_reader


def register(app: typer.Typer) -> None:
    app.command("reader", rich_help_panel="Looking after it")(reader)


def reader(
    name: Annotated[str, typer.Option(help="The role's name.")] = READER,
    config: ConfigOption = None,
) -> None:
    """Make a database role that can only look, for notebooks; or bring its rights up to date.

    Its password is the setting reader_password (FORECALL_READER_PASSWORD, or _FILE). Without one it logs
    in only where the server trusts who connects.
    """
    with store(config) as installation:
        password = installation.settings.reader_password.get_secret_value()
        new = make_reader(installation.database, name, password)
        with installation.database.transaction() as conn:
            audit(conn, actor(), "make_reader", f"role/{name}", {"new": new})
    say(f"{name} is {'made' if new else 'up to date'}: it can read, and nothing else")
