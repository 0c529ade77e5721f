"""Connections: a pool with the settings that every room relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.errors import StoreUnavailableError

Row = dict[str, Any]
"""A row as a dict: psycopg's `DictRow`."""

Conn = Connection[DictRow]
"""A connection whose rows are dicts."""

_CONNECT_TIMEOUT_S = 5


class Database:
    """A pool of connections to one database, in UTC, with dict rows.

    Reconnects by itself: after a restart of the server the next `transaction()` works again.
    """

    def __init__(self, dsn: str, *, application: str = "forecall", max_size: int = 8) -> None:
        self.dsn = dsn
        self._pool: ConnectionPool[Conn] = ConnectionPool(
            dsn,
            min_size=1,
            max_size=max_size,
            timeout=_CONNECT_TIMEOUT_S,
            reconnect_timeout=0,
            check=ConnectionPool.check_connection,
            open=False,
            kwargs={
                "row_factory": dict_row,
                "application_name": application,
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": "-c timezone=UTC",
            },
        )
        self._pool.open()

    @contextmanager
    def transaction(self) -> Iterator[Conn]:
        """A connection in one transaction: committed at the end, rolled back on an error.

        Raises StoreUnavailableError when the server can't be reached or the connection breaks.
        """
        try:
            with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            raise StoreUnavailableError(f"the database does not answer: {error}") from error

    def close(self) -> None:
        self._pool.close()
