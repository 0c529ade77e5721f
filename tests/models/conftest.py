"""A store with a fleet whose printers grow hot before they fail, and models of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.clock import ManualClock
from forecall.importer import import_history
from models.settings import TrainSettings
from storage.database import Database
from tests.history.helpers import Told, write_folder

SETTINGS = TrainSettings(step=timedelta(hours=6))


@pytest.fixture
def told(tmp_path: Path, database: Database) -> Told:
    told = write_folder(tmp_path / "history")
    import_history(database, ManualClock(told.end), told.folder)
    return told
