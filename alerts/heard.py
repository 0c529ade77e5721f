"""Everything that is heard of faults but events and state changes, which wait in `pending_sign`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import measures, series, states, watched
from alerts.identity import Pending
from alerts.measures import last_hour
from alerts.rules import RuleBook
from alerts.rules.force import enforce
from alerts.series import Relief, cursor, move_cursor, subject
from alerts.sign import Origin, Sign
from storage.database import Conn
from storage.queries import load

_BY_RULE = [str(origin) for origin in Origin if origin is not Origin.EXTERNAL]


def note(conn: Conn, now: datetime, book: RuleBook, pending: Sequence[Pending]) -> None:
    """Before a batch is judged: records that it is judged by `book`, and which states of components
    begin and end with it."""
    enforce(conn, now, book)
    states.note(conn, book, [one for one in pending if one.kind == "event"])


def hear(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """What all else says since the last call: states that last, series, forecasts, predictions and
    anomalies; and what a book that has changed says no more."""
    return [
        *_without_rule(conn, now, book),
        *states.due(conn, now, book),
        *series.predictions(conn, now, book),
        *series.gauges(conn, now, book),
        *measures.hours(conn, now, book),
        *watched.anomalies(conn, now, book),
        *watched.supplies(conn, now, book),
    ]


def _without_rule(conn: Conn, now: datetime, book: RuleBook) -> list[Relief]:
    """The conditions of rules that are no more, or no more meant for the device: nothing else would
    end them."""
    since = enforce(conn, now, book).since
    looked = cursor(conn, "book")
    if looked is not None and looked >= max(since, last_hour(now)):
        return []
    move_cursor(conn, "book", now)
    rows = conn.execute(load("rules")["conditions_held"], {"origins": _BY_RULE}).fetchall()
    return [
        Relief(row["alert_id"], [row["rule"]], now, restored=False)
        for row in rows
        if not book.holds(row["rule"], subject(row))
    ]
