"""What is stored of the past, as what the rules judge, in the order in which they would have heard it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

from alerts.identity import Pending
from alerts.measures import SETTLES
from alerts.replay.batches import Group, Groups
from alerts.replay.gauges import Gauged, gauged
from alerts.replay.hours import Crossed, Silence, crossed, silent
from alerts.rules import RuleBook
from alerts.rules.book import WORKS_AGAIN, as_json
from alerts.rules.measured import (
    AbsenceRule,
    ForecastRule,
    HourlyRule,
    RateRule,
    ThresholdRule,
)
from alerts.rules.rule import ANY, EventRule, Rule, StateRule, Subject
from domain.report import Severity
from domain.vocabulary import DEVICE
from storage.database import Conn, Row
from storage.queries import load

_SETTLING_AT_MOST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Device:
    key: str
    subject: Subject
    adopted_at: datetime


@dataclass(slots=True)
class Past:
    """A span of the past and the devices that are looked at.

    Attributes:
        since, until: of what is replayed; what is no longer stored is left out.
        notes: what could not be replayed, in words.
        known: what was read for one book and need not be read again for the other.
    """

    conn: Conn
    since: datetime
    until: datetime
    devices: dict[int, Device]
    notes: list[str] = field(default_factory=list)
    known: dict[str, list[Heard]] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        return list(self.devices)

    def fitting(self, rule: Rule) -> list[int]:
        """The devices that the rule is meant for."""
        return [nth for nth, device in self.devices.items() if rule.fits(device.subject)]

    @property
    def device_months(self) -> float:
        """Months of 30 days that devices were watched over by the rules."""
        spans = (
            self.until - max(self.since, device.adopted_at) for device in self.devices.values()
        )
        return sum(max(span / timedelta(days=30), 0.0) for span in spans)

    def asked(self) -> Row:
        return {"since": self.since, "until": self.until, "devices": self.ids}


def open_past(
    conn: Conn, since: datetime, until: datetime, device: str | None, site: str | None
) -> Past:
    """The past as far as it is stored, of all adopted devices, one, or those of a site."""
    asked = {"until": until, "device": device, "site": site}
    devices = {
        row["id"]: Device(
            row["key"], Subject(row["kind"], row["model"], row["site"]), row["adopted_at"]
        )
        for row in conn.execute(load("rules")["past_devices"], asked)
    }
    past = Past(conn, since, until, devices)
    begin = conn.execute(load("rules")["past_begin"], {"devices": past.ids}).fetchone()
    kept = begin["at"] if begin else None
    if kept is None:
        past.notes.append("No readings are stored: rules on what is measured say nothing.")
    elif kept > since:
        past.notes.append(f"Readings are stored from {kept:%Y-%m-%d %H:%M} on: it begins there.")
        past.since = kept
    return past


def groups(past: Past) -> Groups:
    """What the devices that are looked at share."""
    of_device: defaultdict[int, list[Group]] = defaultdict(list)
    names: dict[Group, str] = {}
    rows = past.conn.execute(load("rules")["past_groups"], {"devices": past.ids}).fetchall()
    for row in rows:
        group = row["kind"], row["key"]
        of_device[row["device_id"]].append(group)
        names[group] = row["name"]
    return Groups(of_device, names, Counter(each for mine in of_device.values() for each in mine))


@dataclass(frozen=True, slots=True)
class Foretold:
    """A scoring; `settles_from` is filled in when it is judged."""

    row: Row


@dataclass(frozen=True, slots=True)
class Unusual:
    row: Row


@dataclass(frozen=True, slots=True)
class Supply:
    row: Row


Said = Pending | Foretold | Gauged | Crossed | Silence | Unusual | Supply
"""One thing that the rules hear."""

_ORDER: Sequence[type] = (Pending, Foretold, Gauged, Crossed, Silence, Unusual, Supply)
"""As a round of the evaluator asks them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Something said, when it was there to be heard."""

    at: datetime
    device_id: int
    said: Said

    @property
    def order(self) -> tuple[datetime, int]:
        return self.at, _ORDER.index(type(self.said))


def heard(past: Past, book: RuleBook) -> list[Heard]:
    """All that `book` has an ear for, in the order in which it was there to be heard."""
    found = [
        *_events(past, book),
        *_once(past, "transitions", _transitions),
        *_once(past, "predictions", _foretold),
        *_once(past, "anomalies", _unusual),
        *_once(past, "supplies", _supplies),
        *_gauges(past, book),
        *_hours(past, book),
    ]
    known = [one for one in found if one.at >= past.devices[one.device_id].adopted_at]
    return sorted(known, key=lambda one: one.order)


def _once(past: Past, what: str, read: Callable[[Past], Iterable[Heard]]) -> list[Heard]:
    """What is read of the past for all books together."""
    if what not in past.known:
        past.known[what] = list(read(past))
    return past.known[what]


def _events(past: Past, book: RuleBook) -> Iterator[Heard]:
    rules = book.of_kind(EventRule)
    said = [rule.said for rule in rules if rule.code == ANY]
    worst = min(said, key=lambda one: one.rank, default=None)
    severities = [one for one in Severity if worst is not None and one.rank >= worst.rank]
    codes = {rule.code for rule in rules} | set(WORKS_AGAIN)
    codes = codes.union(*(rule.cleared_by for rule in rules))
    for state in book.of_kind(StateRule):
        codes = codes.union(state.codes, state.cleared_by)
    asked = past.asked() | {"codes": sorted(codes - {ANY}), "severities": severities}
    for row in past.conn.execute(load("rules")["past_events"], asked):
        yield Heard(row.pop("received_at"), row["device_id"], _pending(past, "event", row))


def _transitions(past: Past) -> Iterator[Heard]:
    for row in past.conn.execute(load("rules")["past_transitions"], past.asked()):
        at = row.pop("recorded_at")
        if at > past.since:
            yield Heard(at, row["device_id"], _pending(past, "transition", row))


def _pending(past: Past, kind: str, row: Row) -> Pending:
    blank: Row = {
        "component": "",
        "code": "",
        "severity": "",
        "to_state": "",
        "cause": "",
        "detail": "",
    }
    device = past.devices[row["device_id"]].subject
    return Pending(kind=kind, device=device, **(blank | row))


def _foretold(past: Past) -> Iterator[Heard]:
    work = _Work(past)
    for row in past.conn.execute(load("rules")["past_predictions"], past.asked()):
        row["settles_from"] = work.before(row, {"", "replaced", "repaired"})
        yield Heard(row["at"], row["device_id"], Foretold(_with_subject(past, row)))


def _unusual(past: Past) -> Iterator[Heard]:
    work = _Work(past)
    for row in past.conn.execute(load("rules")["past_anomalies"], past.asked()):
        row["settles_from"] = work.before(row, None)
        yield Heard(row["at"], row["device_id"], Unusual(_with_subject(past, row)))


def _supplies(past: Past) -> Iterator[Heard]:
    for row in past.conn.execute(load("rules")["past_supplies"], past.asked()):
        yield Heard(row["at"], row["device_id"], Supply(_with_subject(past, row)))


def _gauges(past: Past, book: RuleBook) -> Iterator[Heard]:
    for rule in book.of_kind(ThresholdRule):
        yield from _once(past, _key(rule), partial(_of_gauge, rule))


def _of_gauge(rule: ThresholdRule, past: Past) -> Iterator[Heard]:
    fitting = past.fitting(rule)
    found, gone = gauged(past.conn, rule, past.since, past.until, fitting)
    if gone:
        past.notes.append(f"{rule.name}: of {gone} hours the readings are gone; they are left out.")
    for one in found:
        yield Heard(one.looked_at, one.device_id, one)


def _hours(past: Past, book: RuleBook) -> Iterator[Heard]:
    rules: list[HourlyRule | AbsenceRule] = [
        *book.of_kind(RateRule),
        *book.of_kind(ForecastRule),
        *book.of_kind(AbsenceRule),
    ]
    for rule in rules:
        yield from _once(past, _key(rule), partial(_of_hours, rule))


def _of_hours(rule: HourlyRule | AbsenceRule, past: Past) -> Iterator[Heard]:
    until, fitting = past.until - SETTLES, past.fitting(rule)
    found: Iterable[Crossed | Silence] = (
        silent(past.conn, rule, past.since, until, fitting)
        if isinstance(rule, AbsenceRule)
        else crossed(past.conn, rule, past.since, until, fitting)
    )
    for one in found:
        yield Heard(one.at + SETTLES, one.device_id, one)


def _key(rule: Rule) -> str:
    return json.dumps(as_json(rule), sort_keys=True)


def _with_subject(past: Past, row: Row) -> Row:
    device = past.devices[row["device_id"]].subject
    return row | {"kind": device.kind, "model": device.model, "site": device.site}


class _Work:
    """When components failed and were worked on, as far as it was known at a moment."""

    def __init__(self, past: Past) -> None:
        self._of: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
        asked = {"since": past.since - _SETTLING_AT_MOST, "devices": past.ids}
        for row in past.conn.execute(load("rules")["past_work"], asked):
            self._of[row["device_id"], row["component"]].append(row)

    def before(self, row: Row, actions: set[str] | None) -> datetime | None:
        """The last failure (action empty) or work on the component that was known by then; `actions`
        None: any work, and no failure. A new unit is new in all its parts."""
        own = (
            one
            for one in self._of[row["device_id"], row["component"]]
            if (one["action"] in actions if actions is not None else one["action"])
        )
        units = (one for one in self._of[row["device_id"], DEVICE] if one["action"] == "replaced")
        found = (one["at"] for one in chain(own, units) if one["recorded_at"] <= row["at"])
        return max(found, default=None)
