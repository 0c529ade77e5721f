"""A store of its own for a benchmark: a server in a folder that is gone afterwards, with the schema."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate


@contextmanager
def fresh_store() -> Iterator[Database]:
    """An empty database, up to date."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        database = Database(server.dsn)
        try:
            migrate(database)
            yield database
        finally:
            database.close()
