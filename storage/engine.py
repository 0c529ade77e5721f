"""The one difference between plain PostgreSQL and TimescaleDB: how a series is cut by time.

Every query runs on both. On TimescaleDB the series are hypertables; elsewhere they are native range
partitions, one a week, that `ensure` makes before rows are written and `drop_before` removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import sql

from storage.database import Conn
from storage.queries import load

SERIES_TIME = {
    "reading": "at",
    "device_event": "at",
    "rollup_hourly": "hour",
    "prediction": "at",
    "shadow_prediction": "at",
}
"""The tables cut by time, and the column each is cut by."""

_SPAN = timedelta(days=7)
_FIRST = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday: weeks are counted from it


class Engine(Protocol):
    """How series tables are kept."""

    @property
    def name(self) -> str:
        """`postgresql` or `timescaledb`, as `forecall doctor` shows it."""
        ...

    def render(self, migration: str) -> str:
        """A migration's text with `/* series */` put in the engine's words."""
        ...

    def adopt(self, conn: Conn, table: str) -> None:
        """Makes a new table a series; called once, in the migration that created it."""
        ...

    def ensure(self, conn: Conn, start: datetime, end: datetime) -> None:
        """Makes room for rows between `start` and `end`, both included."""
        ...

    def drop_before(self, conn: Conn, table: str, moment: datetime) -> int:
        """Drops the pieces of `table` that end before `moment`; returns how many."""
        ...


def detect(conn: Conn) -> Engine:
    """The engine of the database behind `conn`.

    An installation keeps the engine that it was made with; a new one takes TimescaleDB where the
    server offers the extension.
    """
    row = conn.execute(load("engine")["choose"]).fetchone()
    assert row is not None
    if row["standing"]:
        return Timescale() if row["standing"] == "timescaledb" else NativePartitions()
    return Timescale() if row["available"] else NativePartitions()


@dataclass(frozen=True, slots=True)
class NativePartitions:
    """Range partitions of one week, named `<table>_<YYYYMMDD>` by their Monday."""

    name: str = "postgresql"

    def render(self, migration: str) -> str:
        rendered = migration
        for table, column in SERIES_TIME.items():
            rendered = _replace_in_table(rendered, table, f"PARTITION BY RANGE ({column})")
        return rendered

    def adopt(self, conn: Conn, table: str) -> None:
        conn.execute(
            sql.SQL("CREATE INDEX {} ON {} USING brin ({})").format(
                sql.Identifier(f"{table}_brin"),
                sql.Identifier(table),
                sql.Identifier(SERIES_TIME[table]),
            )
        )

    def ensure(self, conn: Conn, start: datetime, end: datetime) -> None:
        monday = start - (start - _FIRST) % _SPAN
        weeks = [monday + number * _SPAN for number in range((end - monday) // _SPAN + 1)]
        if self._missing(conn, weeks):
            conn.execute(load("engine")["one_makes_pieces"])
            for table, week in self._missing(conn, weeks):
                _make_piece(conn, table, week)

    def _missing(self, conn: Conn, weeks: Sequence[datetime]) -> list[tuple[str, datetime]]:
        existing = {row["relname"] for row in conn.execute(load("engine")["partitions"]).fetchall()}
        wanted = ((table, week) for table in SERIES_TIME for week in weeks)
        return [(table, week) for table, week in wanted if _piece(table, week) not in existing]

    def drop_before(self, conn: Conn, table: str, moment: datetime) -> int:
        dropped = 0
        for row in conn.execute(load("engine")["partitions"]).fetchall():
            name = str(row["relname"])
            parent, _, monday = name.rpartition("_")
            if parent != table:
                continue
            if datetime.strptime(monday, "%Y%m%d").replace(tzinfo=UTC) + _SPAN <= moment:
                conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                dropped += 1
        return dropped


def _piece(table: str, monday: datetime) -> str:
    return f"{table}_{monday:%Y%m%d}"


def _make_piece(conn: Conn, table: str, monday: datetime) -> None:
    """Makes a table and attaches it: made as a partition at once it would lock out who reads or writes
    any other piece, and two such makers and a reader of two tables could wait for each other."""
    names = {"piece": sql.Identifier(_piece(table, monday)), "table": sql.Identifier(table)}
    conn.execute(sql.SQL("CREATE TABLE {piece} (LIKE {table} INCLUDING ALL)").format(**names))
    conn.execute(
        sql.SQL("ALTER TABLE {table} ATTACH PARTITION {piece} FOR VALUES FROM ({}) TO ({})").format(
            sql.Literal(monday), sql.Literal(monday + _SPAN), **names
        )
    )


@dataclass(frozen=True, slots=True)
class Timescale:
    """Hypertables with chunks of one week."""

    name: str = "timescaledb"

    def render(self, migration: str) -> str:
        rendered = migration
        for table in SERIES_TIME:
            rendered = _replace_in_table(rendered, table, "")
        return rendered

    def adopt(self, conn: Conn, table: str) -> None:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        conn.execute(
            load("engine")["create_hypertable"],
            {"table": table, "column": SERIES_TIME[table], "span": _SPAN},
        )

    def ensure(self, conn: Conn, start: datetime, end: datetime) -> None:
        """Hypertables make their own chunks."""

    def drop_before(self, conn: Conn, table: str, moment: datetime) -> int:
        rows = conn.execute(
            load("engine")["drop_chunks"], {"table": table, "moment": moment}
        ).fetchall()
        return len(rows)


def _replace_in_table(migration: str, table: str, words: str) -> str:
    head = f"CREATE TABLE {table} ("
    start = migration.find(head)
    if start < 0:
        return migration
    mark = migration.index("/* series */", start)
    return migration[:mark] + words + migration[mark + len("/* series */") :]
