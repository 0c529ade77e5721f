"""What is a fault, as data: the rules that are shipped, and what a user's file makes of them.

Codes are the canonical words of `domain.codes`, components and metrics those of `domain.vocabulary`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alerts.rules.book import RuleBook
from alerts.rules.read import read_book, shipped
from domain.report import Severity
from storage.watched_file import WatchedFile

CASE_SEVERITY = Severity.ERROR
"""A sign at least this bad opens a ticket; a lesser one is shown and can be acknowledged."""

ALERT_KEPT = timedelta(hours=24)
"""A returned alert that nobody acknowledged and that has no ticket is closed after so long."""


class RuleBooks(WatchedFile[RuleBook]):
    """The book that is in force: the shipped rules, as the user's file (if any) changes them.

    `current()` reads the file again when it changed. A bad one leaves the last good book in force,
    is logged once, and stands in `problem`.
    """

    def __init__(self, path: Path | None = None, last_good: RuleBook | None = None) -> None:

        super().__init__(path, lambda text: read_book(text, str(path)), last_good or shipped())


__all__ = ["ALERT_KEPT", "CASE_SEVERITY", "RuleBook", "RuleBooks", "read_book", "shipped"]
