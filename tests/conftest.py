"""What every test can ask for: a real PostgreSQL, and a fresh migrated database on it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from domain.clock import ManualClock
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate

# Tables that commands print are cut to the terminal, which is measured once in a process.
os.environ["COLUMNS"] = "400"

# The cores are busy with the other processes of the tests: threads that wait for each other in a
# training of a second took five times its work.
os.environ["OMP_NUM_THREADS"] = "1"

# A slow machine is no failure.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

# A server whose data nobody misses.
FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_init_zero": "off",
    "max_wal_size": "256MB",
    "shared_buffers": "64MB",
}

# Hundreds of databases of some 700 files each come and go: ext4 may take ten times as long.
_MEMORY = Path("/dev/shm")
_ROOM_NEEDED = 2 * 2**30

# Of each process of the tests its own, on a server that they share.
_TEMPLATE = f"forecall_template_{os.environ.get('PYTEST_XDIST_WORKER', '')}"


_TESTS = Path(__file__).parent

# The files that take longest: a process that began with them is not left alone with one at the end.
_LONGEST = (
    "acceptance/test_one_device_day.py",
    "notebooks/test_notebooks.py",
    "front/test_up.py",
    "chaos/",
    "models/",
    "console/test_browser.py",
    "kpi/test_fleet_reports.py",
    "alerts/test_machine.py",
    "desk/test_ticket_machine.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_begins_late)


def _begins_late(item: pytest.Item) -> int:
    file = item.path.relative_to(_TESTS).as_posix()
    return next((at for at, name in enumerate(_LONGEST) if file.startswith(name)), len(_LONGEST))


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs inside a test sets up logs for its process: they would go on to the error
    stream of that test when it is long closed."""
    monkeypatch.setattr("structlog.configure", lambda **_: None)
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)


def _in_memory() -> Path | None:
    """A folder in memory, where the system has one with room."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_NEEDED
    return _MEMORY if roomy and os.access(_MEMORY, os.W_OK) else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a running server: `FORECALL_TEST_DSN`, or one from the wheel."""
    given = os.environ.get("FORECALL_TEST_DSN")
    if given:
        yield given
        return
    with (
        TemporaryDirectory(prefix="forecall-tests-", dir=_in_memory()) as folder,
        EmbeddedServer(Path(folder), FORGETFUL) as server,
    ):
        yield server.dsn


def close_template(admin: psycopg.Connection[Any], name: str) -> None:
    """Makes a database ready to be copied: TimescaleDB's own workers would keep it busy."""
    admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
    )


@pytest.fixture(scope="session")
def _template(postgres: str) -> Iterator[str]:
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {_TEMPLATE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {_TEMPLATE}")
    dsn = psycopg.conninfo.make_conninfo(postgres, dbname=_TEMPLATE)
    database = Database(dsn)
    migrate(database)
    database.close()
    with psycopg.connect(postgres, autocommit=True) as admin:
        close_template(admin, _TEMPLATE)
    yield _TEMPLATE
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {_TEMPLATE} WITH (FORCE)")


@contextmanager
def copy_of(template: str, postgres: str) -> Iterator[str]:
    """The address of a database that begins as `template` stands, and is gone at the end."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield psycopg.conninfo.make_conninfo(postgres, dbname=name)
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def dsn(postgres: str, _template: str) -> Iterator[str]:
    """The address of an empty, migrated database of this test's own."""
    with copy_of(_template, postgres) as address:
        yield address


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """A pool on an empty, migrated database."""
    database = Database(dsn)
    yield database
    database.close()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a Monday noon until it is moved."""
    return ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
