"""Everything that is heard of faults but events and state changes, which wait in `pending_sign`."""

from __future__ import annotations

from datetime import datetime

from alerts import series, watched
from alerts.rules import RuleBook
from alerts.series import Relief
from alerts.sign import Sign
from storage.database import Conn


def hear(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """What series, forecasts, predictions and anomalies say since the last call."""
    return [
        *series.predictions(conn, now, book),
        *series.gauges(conn, now, book),
        *watched.anomalies(conn, now, book),
        *watched.supplies(conn, now, book),
    ]
