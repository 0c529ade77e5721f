"""The notebooks' way in to a running system: `from forecall import fleet; here = fleet.open_fleet()`."""

from __future__ import annotations

from pathlib import Path

from psycopg.conninfo import make_conninfo

from forecall.config import load_settings
from forecall.wiring import dsn
from kpi.lab import FleetLab
from storage.clock import installed_clock
from storage.database import Database
from storage.reader import READER

__all__ = ["FleetLab", "open_fleet"]


def open_fleet(config: Path | None = None, *, address: str = "") -> FleetLab:
    """The fleet of this installation, as the role that can only look (`forecall reader` makes it).

    Args:
        config: a TOML file with settings; FORECALL_* variables go over it.
        address: another database, with user and password.

    Raises StoreUnavailableError when it does not answer, or knows no such role.
    """
    database = Database(address or _reader(config), application="forecall notebook", max_size=2)
    with database.transaction() as conn:
        return FleetLab(database, installed_clock(conn))


def _reader(config: Path | None) -> str:
    settings = load_settings(config)
    password = settings.reader_password.get_secret_value()
    login = {"user": READER} | ({"password": password} if password else {})
    return make_conninfo(dsn(settings), **login)
