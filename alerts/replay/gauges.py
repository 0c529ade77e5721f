"""Gauges of the past: which of their readings would have been looked at, and matter.

Hourly rollups say in which hours a limit may have been crossed; only the readings of those are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from alerts.rules.judge import (
    LOOK_BACK,
    Reading,
    Turn,
    breached_since,
    judged_reading,
    minute_after,
)
from alerts.rules.measured import HOUR, ThresholdRule
from domain.fault import FaultClass
from storage.database import Conn, Row
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Gauged:
    """A gauge at a full minute: the newest of its readings, and since when they are beyond the limit."""

    rule: ThresholdRule
    device_id: int
    looked_at: datetime
    newest: Reading
    since: datetime


@dataclass(frozen=True, slots=True)
class KnownReading:
    """A reading, and the first full minute at which it was known."""

    looked_at: datetime
    reading: Reading


def gauged(
    conn: Conn, rule: ThresholdRule, since: datetime, until: datetime, devices: list[int]
) -> tuple[list[Gauged], int]:
    """Where the rule's gauge was beyond its limit or back, and of how many hours the readings that
    would tell are gone."""
    asked = {
        "metric": rule.metric,
        "absolute": rule.absolute,
        "above": rule.above,
        "raise_at": rule.raise_at,
        "clear_at": rule.clear_at,
        "since": since - rule.held_for - LOOK_BACK,
        "until": until,
        "devices": devices,
    }
    rows = conn.execute(load("rules")["past_hours"], asked).fetchall()
    wanted = [row for _, hours in groupby(rows, _device) for row in _telling(hours)]
    asked |= {
        "held_for": rule.held_for,
        "devices": [row["device_id"] for row in wanted],
        "hours": [row["hour"] for row in wanted],
    }
    readings = conn.execute(load("rules")["past_readings"], asked).fetchall()
    found = [
        one
        for device_id, series in groupby(readings, _device)
        for one in turns(rule, looks(rule, device_id, [_known(row) for row in series]))
        if since < one.looked_at <= until
    ]
    there = {(row["device_id"], row["hour"]) for row in readings}
    gone = sum((row["device_id"], row["hour"]) not in there for row in wanted)
    return found, gone


def _telling(hours: Iterable[Row]) -> Iterator[Row]:
    """The hours whose readings are needed: where a limit may be crossed, and those so soon after a
    breach that one of their readings may have been known before a late one of it."""
    breached: datetime | None = None
    for row in hours:
        if row["breaches"]:
            breached = row["hour"]
        if breached is not None and (row["clears"] or row["hour"] <= breached + LOOK_BACK + HOUR):
            yield row


def looks(rule: ThresholdRule, device_id: int, series: Sequence[KnownReading]) -> Iterator[Gauged]:
    """The looks at a device's readings that may change something; `series` by the readings' time."""
    newest: Reading | None = None
    by_look = sorted(series, key=lambda one: one.looked_at)
    seen: list[Reading] = []
    for looked_at, group in groupby(by_look, lambda one: one.looked_at):
        came = [one.reading for one in group]
        last = max(came, key=lambda reading: (reading.at, reading.value))
        if newest is None or last.at >= newest.at:  # else it came late, and a newer one is known
            newest = last
        seen = _recent(rule, [*seen, *came], newest.at)
        fresh = newest.at > looked_at - LOOK_BACK
        if fresh and (rule.beyond(newest.value) or rule.back(newest.value)):
            since = breached_since(rule, newest, [one for one in seen if one.at < newest.at])
            yield Gauged(rule, device_id, looked_at, newest, since)


def turns(rule: ThresholdRule, looked: Iterable[Gauged]) -> Iterator[Gauged]:
    """The looks that raise or end the rule's condition.

    All of them, for faults that may end by something else: with a device that comes up again.
    """
    if rule.fault_class in (FaultClass.BREAKDOWN, FaultClass.UNREACHABLE):
        yield from looked
        return
    held = False
    for look in looked:
        turn = judged_reading(rule, look.newest, look.since, held=held)
        if turn is not None:
            held = turn is Turn.RAISED
            yield look


def _recent(rule: ThresholdRule, readings: list[Reading], at: datetime) -> list[Reading]:
    if not rule.held_for:
        return []
    oldest = at - rule.held_for - LOOK_BACK - HOUR
    return sorted((one for one in readings if one.at > oldest), key=lambda one: one.at)


def _known(row: Row) -> KnownReading:
    return KnownReading(
        minute_after(max(row["at"], row["received_at"])), Reading(row["at"], row["value"])
    )


def _device(row: Row) -> int:
    return int(row["device_id"])
