"""States that components report and that are bad when they last: a door left open, a part switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.identity import Pending
from alerts.rules import RuleBook
from alerts.rules.judge import last_minute
from alerts.rules.measured import HOUR
from alerts.rules.rule import StateRule
from alerts.series import shown, subject
from alerts.sign import Origin, Sign
from domain.fault import Fault
from domain.text import Value
from domain.vocabulary import DEVICE
from storage.database import Conn
from storage.queries import load

Key = tuple[int, str, str]  # device, component, rule


@dataclass(frozen=True, slots=True)
class Changes:
    """The states that begin, each with the event that says so, and those that end."""

    begun: dict[Key, tuple[Pending, StateRule]]
    ended: set[Key]


def changes(book: RuleBook, events: Sequence[Pending]) -> Changes:
    """What the events, in the order they came, make of states."""
    begun: dict[Key, tuple[Pending, StateRule]] = {}
    ended: set[Key] = set()
    for event in events:
        part = event.component or DEVICE
        for name in book.ended_by(event.code):
            if isinstance(book.by_name[name], StateRule):
                ended.add((event.device_id, part, name))
                begun.pop((event.device_id, part, name), None)
        for rule in book.begun_by(event.code):
            if rule.hears(part, event.device):
                begun.setdefault((event.device_id, part, rule.name), (event, rule))
    return Changes(begun, ended)


def note(conn: Conn, book: RuleBook, events: Sequence[Pending]) -> None:
    """Writes down which states the events begin and end."""
    found = changes(book, events)
    _forget(conn, list(found.ended))
    _begin(conn, found.begun)


def due(conn: Conn, now: datetime, book: RuleBook) -> list[Sign]:
    """The states that have lasted too long by the last full minute."""
    at = last_minute(now)
    signs = []
    for row in conn.execute(load("rules")["states_due"], {"now": at}).fetchall():
        rule = book.by_name.get(row["rule"])
        if isinstance(rule, StateRule) and rule.hears(row["component"], subject(row)):
            signs.append(
                state_sign(rule, row["device_id"], row["component"], row["code"], row["due_at"])
            )
    return signs


def state_sign(rule: StateRule, device_id: int, part: str, code: str, at: datetime) -> Sign:
    values: dict[str, Value] = {"code": code, "hours": shown(round(rule.held_for / HOUR, 1))}
    return Sign(
        fault=Fault(device_id, part, rule.fault_class),
        origin=Origin.STATE,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text(values),
        at=at,
    )


def _forget(conn: Conn, keys: Sequence[Key]) -> None:
    if keys:
        conn.execute(
            load("rules")["end_states"],
            {
                "devices": [key[0] for key in keys],
                "components": [key[1] for key in keys],
                "rules": [key[2] for key in keys],
            },
        )


def _begin(conn: Conn, begun: dict[Key, tuple[Pending, StateRule]]) -> None:
    if begun:
        found = begun.values()
        conn.execute(
            load("rules")["begin_states"],
            {
                "devices": [key[0] for key in begun],
                "components": [key[1] for key in begun],
                "rules": [key[2] for key in begun],
                "codes": [event.code for event, _ in found],
                "since": [event.at for event, _ in found],
                "due": [event.at + rule.held_for for event, rule in found],
            },
        )
