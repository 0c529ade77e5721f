"""Which book was in force when: recorded in the transaction that judges by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alerts.rules.book import RuleBook, as_json
from alerts.rules.read import from_record
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class InForce:
    """A book and since when it is in force. `source`: the file that changed it, or `shipped`."""

    digest: str
    since: datetime
    source: str


def enforce(conn: Conn, now: datetime, book: RuleBook) -> InForce:
    """Records that `book` is judged by from now on, unless it was already."""
    before = in_force(conn, now)
    if before is not None and before.digest == book.digest:
        return before
    rules = [as_json(rule) for rule in book.rules]
    old = recorded(conn, before.digest) if before else []
    conn.execute(load("rules")["keep_book"], {"digest": book.digest, "rules": Jsonb(rules)})
    conn.execute(
        load("rules")["put_in_force"],
        {
            "digest": book.digest,
            "at": now,
            "source": book.source,
            "changes": Jsonb(changes(old, rules)),
        },
    )
    return InForce(book.digest, now, book.source)


def in_force(conn: Conn, at: datetime) -> InForce | None:
    """What was in force at that moment; None: nothing was judged yet."""
    row = conn.execute(load("rules")["in_force"], {"at": at}).fetchone()
    return InForce(row["digest"], row["at"], row["source"]) if row else None


def recorded(conn: Conn, digest: str) -> list[dict[str, Any]]:
    """The rules of a book that was in force once."""
    row = conn.execute(load("rules")["book"], {"digest": digest}).fetchone()
    return list(row["rules"]) if row else []


def rule_at(conn: Conn, name: str, at: datetime) -> Mapping[str, Any] | None:
    """The rule of that name as it was in force at that moment: what an alert was raised by."""
    book = in_force(conn, at)
    rules = recorded(conn, book.digest) if book else []
    return next((rule for rule in rules if rule["name"] == name), None)


def last_book(conn: Conn, at: datetime) -> RuleBook | None:
    """The book that was in force last. Raises BadInputError where it is understood no more."""
    book = in_force(conn, at)
    return RuleBook(from_record(recorded(conn, book.digest)).rules, book.source) if book else None


def changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The names of the rules that a new book adds, changes and removes."""
    before = {rule["name"]: rule for rule in old}
    after = {rule["name"]: rule for rule in new}
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(
            name for name in after.keys() & before.keys() if after[name] != before[name]
        ),
        "removed": sorted(before.keys() - after.keys()),
    }
