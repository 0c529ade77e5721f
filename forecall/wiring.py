"""How every command comes by the store and the time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from domain.clock import Clock, ManualClock, ScaledClock
from domain.errors import ConfigurationError
from forecall.config import Settings
from forecall.lock import held
from storage.clock import installed_clock
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate, pending
from storage.queries import load

LOG_FOLDER = "logs"


@dataclass(frozen=True, slots=True)
class Installation:
    """An open store and the clock that its processes go by."""

    settings: Settings
    database: Database
    clock: Clock


def dsn(settings: Settings) -> str:
    """The address of the database: the one that is set, else the embedded server's."""
    given = settings.database_dsn.get_secret_value()
    return given or EmbeddedServer(settings.data_dir).dsn


@contextmanager
def opened(settings: Settings, part: str) -> Iterator[Installation]:
    """The installation of a running system, for its service `part`.

    Raises StoreUnavailableError when the database is away, ConfigurationError when its schema is
    not up to date.
    """
    database = Database(dsn(settings), application=f"forecall {part}")
    try:
        with database.transaction() as conn:
            missing = pending(conn)
            if missing:
                raise ConfigurationError(
                    f"migrations are missing ({', '.join(missing)}): run `forecall migrate`"
                )
            clock = installed_clock(conn)
        yield Installation(settings, database, clock)
    finally:
        database.close()


@contextmanager
def store_for_command(settings: Settings, part: str) -> Iterator[Installation]:
    """As `opened`, for a command that may run while nothing else does.

    Where the embedded server is meant and not running, it runs for as long as the command, with
    the schema brought up to date; a simulation's time stands still meanwhile.
    """
    if not settings.embedded_database or answers(dsn(settings)):
        with opened(settings, part) as installation:
            yield installation
        return
    with held(settings.data_dir), EmbeddedServer(settings.data_dir) as server:
        _migrate(server.dsn)
        with opened(settings, part) as installation:
            yield replace(installation, clock=_at_rest(installation))


def migrated(settings: Settings) -> list[str]:
    """Brings the schema up to date and returns the names of what was applied."""
    if not settings.embedded_database or answers(dsn(settings)):
        return _migrate(dsn(settings))
    with held(settings.data_dir), EmbeddedServer(settings.data_dir) as server:
        return _migrate(server.dsn)


def _migrate(address: str) -> list[str]:
    database = Database(address, application="forecall migrate")
    try:
        return migrate(database)
    finally:
        database.close()


def _at_rest(installation: Installation) -> Clock:
    if not isinstance(installation.clock, ScaledClock):
        return installation.clock
    with installation.database.transaction() as conn:
        row = conn.execute(load("demo")["reached"]).fetchone()
    return ManualClock(row["reached_at"]) if row else installation.clock


def answers(address: str) -> bool:
    """Whether a database answers at `address`."""
    try:
        psycopg.connect(address, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set: how every service learns that it shall end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
