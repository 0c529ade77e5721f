"""What is a fault, as data: the rules that are shipped, and what a user's file makes of them.

Codes are the canonical words of `domain.codes`, components and metrics those of `domain.vocabulary`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alerts.rules.book import RuleBook
from alerts.rules.read import read_book, shipped
from domain.errors import BadInputError
from domain.report import Severity
from storage.watched_file import WatchedFile, read_once

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


def read_rules(path: Path) -> RuleBook:
    """The book that the file makes of the shipped rules. Raises BadInputError."""
    return read_once(path, lambda text: read_book(text, str(path)))


def problem_of(path: Path | None) -> str:
    """What is wrong with the user's file; empty: nothing, or there is none."""
    try:
        if path is not None:
            read_rules(path)
    except BadInputError as error:
        return str(error)
    return ""


__all__ = [
    "ALERT_KEPT",
    "CASE_SEVERITY",
    "RuleBook",
    "RuleBooks",
    "problem_of",
    "read_book",
    "read_rules",
    "shipped",
]
