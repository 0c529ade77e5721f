"""What commands that change the store share."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from forecall.config import load_settings
from forecall.logs import set_up_logs
from forecall.wiring import Installation, store_for_command

OUT = Console()

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; FORECALL_* variables go over it."),
]


@contextmanager
def store(config: Path | None) -> Iterator[Installation]:
    """The store, whether the system runs or not."""
    set_up_logs("devices", logging.WARNING)
    with store_for_command(load_settings(config), "devices") as installation:
        yield installation


def actor() -> str:
    """Who sits at the command line, as the audit names them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"user {os.getuid()}"
    return f"{name} (command line)"


def say(sentence: str) -> None:
    OUT.print(sentence, highlight=False, markup=False, soft_wrap=True)
