"""Hourly rollups, kept up from the hours that were touched: late data is right, nothing is rescanned."""

from __future__ import annotations

from storage.database import Database
from storage.queries import load


def refresh(database: Database, limit: int = 2_000) -> int:
    """Recomputes up to `limit` touched (device, hour)s from their readings; returns how many.

    A rollup holds count, sum, sum of squares, lowest, highest, first and last value of one device's
    metric in one hour (UTC). Any number may run at once. An hour that is being written to is left
    for the next time. Raises StoreUnavailableError when the database is away.
    """
    with database.transaction() as conn:
        touched = conn.execute(load("rollups")["claim"], {"limit": limit}).fetchall()
        if touched:
            # The order keeps two refreshers from waiting for each other in a ring.
            touched.sort(key=lambda row: (row["device_id"], row["hour"]))
            values = {
                "devices": [row["device_id"] for row in touched],
                "hours": [row["hour"] for row in touched],
            }
            conn.execute(load("rollups")["recompute"], values)
        return len(touched)
