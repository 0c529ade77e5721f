"""Brings the schema up to date: numbered SQL files, each once, each in a transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import resources

from domain.errors import ConfigurationError
from storage.database import Conn, Database
from storage.engine import SERIES_TIME, Engine, detect
from storage.queries import load


def migrate(database: Database) -> list[str]:
    """Applies what is missing and returns the names applied, in order.

    Safe to call from several processes at once: an advisory lock makes them take turns.

    Raises ConfigurationError when a file that was applied has since been changed.
    """
    with database.transaction() as conn:
        conn.execute(load("migrate")["lock"])
        conn.execute(load("migrate")["create_table"])
        engine = detect(conn)
        known = {
            row["name"]: row["sha256"]
            for row in conn.execute(load("migrate")["applied"]).fetchall()
        }
        return [
            name for name, text in _files() if _apply(conn, engine, name, text, known.get(name))
        ]


def pending(conn: Conn) -> list[str]:
    """The names of migrations that are not applied yet."""
    exists = conn.execute(load("migrate")["table_exists"]).fetchone()
    known: set[str] = set()
    if exists and exists["there"]:
        known = {row["name"] for row in conn.execute(load("migrate")["applied"]).fetchall()}
    return [name for name, _ in _files() if name not in known]


def _files() -> Iterator[tuple[str, str]]:
    folder = resources.files("storage").joinpath("migrations")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            yield file.name, file.read_text(encoding="utf-8")


def _apply(conn: Conn, engine: Engine, name: str, text: str, known_sha256: str | None) -> bool:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if known_sha256 == sha256:
        return False
    if known_sha256 is not None:
        raise ConfigurationError(
            f"migration {name} was changed after it was applied; put the old text back "
            "and write the change as a new file"
        )
    conn.execute(engine.render(text))
    for table in SERIES_TIME:
        if f"CREATE TABLE {table} (" in text:
            engine.adopt(conn, table)
    conn.execute(load("migrate")["record"], {"name": name, "sha256": sha256})
    return True
