"""What was made of whole hours in the past: where rates and forecasts crossed their limits, and when
signals stayed away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from alerts.measures import crossings, is_usual, last_hour, silences
from alerts.rules.judge import silence_raises
from alerts.rules.measured import HOUR, AbsenceRule, HourlyRule
from storage.database import Conn, Row
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Crossed:
    """An hourly value at the end of an hour in which it crossed a limit."""

    rule: HourlyRule
    device_id: int
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Silence:
    """A signal at the end of an hour: away for too long (`raised`), or there again."""

    rule: AbsenceRule
    device_id: int
    at: datetime
    heard: datetime
    raised: bool


def crossed(
    conn: Conn, rule: HourlyRule, since: datetime, until: datetime, devices: list[int]
) -> Iterator[Crossed]:
    first, last = last_hour(since) + HOUR, last_hour(until)
    asked = crossings(rule, first, last, [], devices)
    for row in conn.execute(load("rules")["crossings"], asked):
        yield Crossed(rule, row["device_id"], row["at"], row["value"])


def silent(
    conn: Conn, rule: AbsenceRule, since: datetime, until: datetime, devices: list[int]
) -> Iterator[Silence]:
    first, last = last_hour(since) + HOUR, last_hour(until)
    asked = silences(rule, first, last, [], devices)
    rows = conn.execute(load("rules")["silences"], asked).fetchall()
    spans = _up(conn, sorted({row["device_id"] for row in rows}), until)
    for row in rows:
        if is_usual(rule, row["week"]):
            yield from _silence(rule, row, spans[row["device_id"]], first, last)


def _silence(
    rule: AbsenceRule,
    row: Row,
    spans: list[tuple[datetime, datetime]],
    first: datetime,
    last: datetime,
) -> Iterator[Silence]:
    device_id, heard, ends = row["device_id"], row["heard"], row["next"] or last
    for since, until in spans:
        due = silence_raises(rule, heard, since)
        at = None if due is None else max(due, first)
        if at is not None and at <= ends and since <= at < until:
            yield Silence(rule, device_id, at, heard, raised=True)
            break
    if row["next"] is not None:
        yield Silence(rule, device_id, row["next"] + HOUR, heard, raised=False)


def _up(
    conn: Conn, devices: list[int], until: datetime
) -> defaultdict[int, list[tuple[datetime, datetime]]]:
    """When each device was up."""
    spans: defaultdict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    since: dict[int, datetime] = {}
    asked = {"devices": devices, "until": until}
    rows = conn.execute(load("rules")["past_transitions"], asked).fetchall()
    for row in sorted(rows, key=lambda row: row["at"]):
        began = since.pop(row["device_id"], None)
        if began is not None:
            spans[row["device_id"]].append((began, row["at"]))
        if row["to_state"] == "up":
            since[row["device_id"]] = row["at"]
    for device_id, began in since.items():
        spans[device_id].append((began, until + HOUR))
    return spans
