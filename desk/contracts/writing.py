"""What changes contracts, warranties and the plans in force. Every change is audited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.types.json import Json

from alerts.board import SYSTEM
from desk.actions import audit
from desk.contracts.book import PlanBook, read_text, shipped
from desk.contracts.contract import VoidReason
from desk.contracts.reading import books
from desk.contracts.sheet import Line, Sheet
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from storage.database import Conn, Database
from storage.queries import load
from storage.watched_file import WatchedFile, read_once

log = structlog.get_logger()

_NAMED = 20


class PlanFile:
    """The plans of somebody's file, put in force whenever it changes; without one, those shipped."""

    def __init__(self, path: Path | None) -> None:
        self._file = WatchedFile(path, read_text, shipped())
        self._refused = ""

    def publish(self, database: Database, clock: Clock) -> None:
        """Puts what the file says in force. What can't be is logged once; the last book stays."""
        book = self._file.current()
        if self._file.problem:
            return  # it was never good in this process, but may have been before
        try:
            publish(database, clock, book)
        except BadInputError as error:
            if self._refused != book.digest:
                log.error("service plans refused; the last ones stay in force", problem=str(error))
            self._refused = book.digest


def plans_problem(conn: Conn, path: Path | None) -> str:
    """Why the plans of somebody's file are not in force; empty: they are, or there is no file."""
    try:
        if path is not None:
            _refuse_missing(conn, read_once(path, read_text))
    except BadInputError as error:
        return str(error)
    return ""


def publish(database: Database, clock: Clock, book: PlanBook) -> bool:
    """Puts a plan book in force from now on; says whether it was not in force already.

    Raises BadInputError when a contract names a plan or calendar that the book has not.
    """
    queries = load("contracts")
    with database.transaction() as conn:
        if books(conn).newest.digest == book.digest and books(conn).known:
            return False
        conn.execute(queries["lock_books"])
        _refuse_missing(conn, book)
        now = clock.now()
        row = {"now": now, "digest": book.digest, "tree": Json(book.tree)}
        if conn.execute(queries["publish"], row).fetchone() is None:
            return False  # another was quicker
        conn.execute(queries["forget_watches"])
        audit(conn, SYSTEM, "take_plans", "plans", {"digest": book.digest})
        return True


def take_in(conn: Conn, clock: Clock, sheet: Sheet, *, actor: str) -> int:
    """Brings contracts, or devices' warranties, to what a sheet says; returns how many rows.

    Raises BadInputError that names every row which does not fit; then nothing is changed by the
    caller's transaction.
    """
    rows = _warranties(conn, sheet) if sheet.of_devices else _contracts(conn, sheet)
    statement = load("contracts")["take_in_warranty" if sheet.of_devices else "take_in"]
    now = clock.now()
    for line, row in rows:
        try:
            with conn.transaction():
                conn.execute(statement, {**row, "now": now})
        except psycopg.errors.UniqueViolation as error:
            sheet.refuse(
                [f"row {line.number}: another contract of the same place begins on that day"]
            )
            raise AssertionError("refused") from error
    conn.execute(load("contracts")["forget_watches"])
    action = "import_warranties" if sheet.of_devices else "import_contracts"
    audit(conn, actor, action, "contracts", {"file": sheet.file, "rows": len(rows)})
    return len(rows)


def void_warranty(
    conn: Conn, clock: Clock, device_key: str, reason: VoidReason, *, actor: str
) -> None:
    """A device's warranty ends now. Raises NotFoundError, NotAllowedError when it is void already."""
    queries = load("contracts")
    device = conn.execute(queries["device_by_key"], {"key": device_key}).fetchone()
    if device is None:
        raise NotFoundError(f"there is no device {device_key!r}")
    values = {"device_id": device["id"], "at": clock.now(), "reason": reason}
    if conn.execute(queries["void"], values).fetchone() is None:
        raise NotAllowedError(f"the warranty of {device_key} is void already")
    audit(conn, actor, "void_warranty", f"device/{device_key}", {"reason": reason})


Rows = list[tuple[Line, Mapping[str, Any]]]


def _contracts(conn: Conn, sheet: Sheet) -> Rows:
    book = books(conn).newest
    found = conn.execute(load("contracts")["customers_and_sites"]).fetchall()
    customers = {row["customer"]: row["customer_id"] for row in found}
    sites = {(row["customer"], row["site"]): row["site_id"] for row in found}
    rows: Rows = []
    problems: list[str] = []
    for line in sheet.lines:
        row = line.values
        place = row["customer"], row["site"]
        checks = (
            ("customer", row["customer"] in customers, customers),
            ("site", row["site"] is None or place in sites, "a site of that customer"),
            ("plan", row["plan"] in book.plans, book.plans),
            ("calendar", row["calendar"] in (None, *book.tables), book.tables),
        )
        problems += [_unknown(line, name, allowed) for name, fits, allowed in checks if not fits]
        ids = {"customer_id": customers.get(place[0]), "site_id": sites.get(place)}
        rows.append((line, {**row, **ids, "key": row["contract"]}))
    sheet.refuse(problems)
    return rows


def _warranties(conn: Conn, sheet: Sheet) -> Rows:
    keys = [line.values["device"] for line in sheet.lines]
    found = conn.execute(load("contracts")["devices_by_keys"], {"keys": keys}).fetchall()
    ids = {row["key"]: row["id"] for row in found}
    sheet.refuse(
        [
            _unknown(line, "device", "a device of the fleet")
            for line in sheet.lines
            if line.values["device"] not in ids
        ]
    )
    return [
        (line, {**line.values, "device_id": ids[line.values["device"]]}) for line in sheet.lines
    ]


def _unknown(line: Line, name: str, allowed: str | Iterable[str]) -> str:
    words = allowed if isinstance(allowed, str) else ", ".join(list(allowed)[:_NAMED])
    return f"row {line.number}, column {name}: {line.values[name]!r}; allowed: {words}"


def _refuse_missing(conn: Conn, book: PlanBook) -> None:
    names = {"plans": list(book.plans), "calendars": list(book.tables)}
    row = conn.execute(load("contracts")["names_in_use"], names).fetchone()
    if row is None:
        return
    known = row["plan"] in book.plans
    what, name = ("calendar", row["calendar"]) if known else ("plan", row["plan"])
    raise BadInputError(f"{what}s.{name}: missing; contract {row['key']} goes by it")
