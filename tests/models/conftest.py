"""A store with a fleet whose printers grow hot before they fail, and a model of it.

The fleet is imported and its model trained once; each test that asks for them gets a copy of the store.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from domain.clock import ManualClock
from forecall.importer import import_history
from models.settings import TrainSettings
from models.training.train import Trained, train
from storage.database import Database
from storage.migrate import migrate
from tests.alerts.conftest import world
from tests.conftest import close_template, copy_of
from tests.history.helpers import Told, write_folder

__all__ = ["world"]

SETTINGS = TrainSettings(step=timedelta(hours=6))


@pytest.fixture
def told(tmp_path: Path, database: Database) -> Told:
    """The fleet's past in the test's own store, and nothing learned from it."""
    told = write_folder(tmp_path / "history")
    import_history(database, ManualClock(told.end), told.folder)
    return told


@pytest.fixture(scope="session")
def _taught(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Told, Trained]]:
    name = f"taught_{uuid.uuid4().hex}"
    told = write_folder(tmp_path_factory.mktemp("taught") / "history")
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    database = Database(psycopg.conninfo.make_conninfo(postgres, dbname=name))
    migrate(database)
    import_history(database, ManualClock(told.end), told.folder)
    (made,) = train(database, ManualClock(told.end), settings=SETTINGS)
    database.close()
    with psycopg.connect(postgres, autocommit=True) as admin:
        close_template(admin, name)
    yield name, told, made
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def past(_taught: tuple[str, Told, Trained]) -> Told:
    """What happened in the store of `taught`."""
    return _taught[1]


@pytest.fixture
def made(_taught: tuple[str, Told, Trained]) -> Trained:
    """The model in charge in the store of `taught`."""
    return _taught[2]


@pytest.fixture
def taught_dsn(postgres: str, _taught: tuple[str, Told, Trained]) -> Iterator[str]:
    """The address of a store of this test's own with the fleet's past and its model."""
    with copy_of(_taught[0], postgres) as address:
        yield address


@pytest.fixture
def taught(taught_dsn: str) -> Iterator[Database]:
    database = Database(taught_dsn)
    yield database
    database.close()
