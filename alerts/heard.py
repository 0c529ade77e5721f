"""Everything that is heard of faults but events and state changes, which wait in `pending_sign`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import series, watched
from alerts.identity import Pending
from alerts.rules import RuleBook
from alerts.series import Relief
from alerts.sign import Sign
from storage.database import Conn


def note(conn: Conn, now: datetime, book: RuleBook, pending: Sequence[Pending]) -> None:
    """Before a batch is judged: writes down what outlasts it."""


def hear(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """What series, forecasts, predictions and anomalies say since the last call."""
    return [
        *series.predictions(conn, now, book),
        *series.gauges(conn, now, book),
        *watched.anomalies(conn, now, book),
        *watched.supplies(conn, now, book),
    ]
