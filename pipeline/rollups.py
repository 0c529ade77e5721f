"""Hourly rollups, kept up from the hours that were touched: late data is right, nothing is rescanned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.vocabulary import metric
from storage.database import Conn, Database, Row
from storage.queries import load

LOOK_BACK = timedelta(days=31)
"""How far back a counter's last reading is looked for; with none, its growth begins anew."""


def refresh(database: Database, limit: int = 2_000) -> int:
    """Recomputes up to `limit` touched (device, hour)s from their readings; returns how many.

    A rollup holds count, sum, sum of squares, lowest, highest, first and last value of one device's
    metric in one hour (UTC), and a counter's growth in it: from its last reading before the hour,
    so that what grew across the turn of an hour counts for the later one. Late data moves the
    beginning of the next hour's growth, which is touched in turn.

    Refreshers take turns: one that finds another at work returns 0. An hour that is being written
    to is left for the next time. Raises StoreUnavailableError when the database is away.
    """
    with database.transaction() as conn:
        turn = conn.execute(load("rollups")["take_turn"]).fetchone()
        if turn is None or not turn["mine"]:
            return 0
        touched = conn.execute(load("rollups")["claim"], {"limit": limit}).fetchall()
        if touched:
            _recompute(conn, touched)
        return len(touched)


def counter_parts(conn: Conn) -> dict[str, Any]:
    """What queries that compute growth need: whose replacement each counter begins anew with."""
    counters = [row["name"] for row in conn.execute(load("rollups")["counters"])]
    components = [metric(name).component for name in counters]
    return {"counters": counters, "components": components, "back": LOOK_BACK}


def _recompute(conn: Conn, touched: list[Row]) -> None:
    values = {
        "devices": [row["device_id"] for row in touched],
        "hours": [row["hour"] for row in touched],
        **counter_parts(conn),
    }
    conn.execute(load("rollups")["recompute"], values)
    conn.execute(load("rollups")["touch_next"], values)
