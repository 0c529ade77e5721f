"""From a collector's batch to committed rows: when `store` returns, messages may be acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from domain.clock import Clock
from domain.errors import BadInputError
from domain.report import (
    DeviceReport,
    EventReport,
    IntakeResult,
    MetricKind,
    RejectedMessage,
    Severity,
)
from pipeline.registry import device_ids, metric_ids
from pipeline.series import SeriesRoom
from pipeline.sessions import Arrival, drop_duplicates
from pipeline.state import Status, Step, hear
from pipeline.statuses import PENDING_SIGN, lock_statuses, write_steps
from storage.copy import DEVICE_EVENT, READING, copy_rows
from storage.database import Conn, Database
from storage.queries import load

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(days=30)
"""A device's time outside this window around its arrival is not believed."""

CLOCK_OFF = EventReport("realTimeClock", "x.ClockOff", Severity.WARNING)
"""What a device's unbelievable time leaves behind: once a day and device."""

_CLOCK_OFF_REST = timedelta(days=1)


class Ingest:
    """Stores batches: each in one transaction, each message once, however often it is delivered."""

    def __init__(self, database: Database, clock: Clock, collector: str) -> None:
        self._database = database
        self._clock = clock
        self._collector = collector
        self._room = SeriesRoom(database)

    def store(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage] = ()
    ) -> IntakeResult:
        """Commits the batch: when this returns, the messages may be acknowledged.

        Raises StoreUnavailableError when the database is away, and BadInputError when a value of
        the batch can't be stored; nothing of the batch is kept then.
        """
        with self._database.transaction() as conn:
            return self.store_in(conn, reports, rejected)

    def store_in(
        self,
        conn: Conn,
        reports: Sequence[DeviceReport],
        rejected: Sequence[RejectedMessage] = (),
    ) -> IntakeResult:
        """As `store`, inside the caller's transaction."""
        self._room.ensure(believed_time(report) for report in reports)
        try:
            return self._store(conn, reports, rejected)
        except psycopg.DataError as error:
            raise BadInputError(f"the batch can't be stored: {error}") from error

    def _store(
        self, conn: Conn, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage]
    ) -> IntakeResult:
        now = self._clock.now()
        ids = device_ids(conn, {report.device_key for report in reports}, self._collector)
        arrivals = [(ids[report.device_key], report) for report in reports]
        fresh = _in_order(drop_duplicates(conn, arrivals, now))
        if fresh:
            self._store_fresh(conn, fresh, now)
        kept = _write_rejected(conn, rejected)
        known = len(reports) - len(fresh) + len(rejected) - kept
        result = IntakeResult(len(fresh), known, kept)
        self._count(conn, result)
        return result

    def _store_fresh(self, conn: Conn, fresh: Sequence[Arrival], now: datetime) -> None:
        statuses = lock_statuses(conn, self._collector, _devices(fresh), now)
        steps = _follow(statuses, fresh, self._collector)
        write_steps(conn, list(statuses.values()), [steps[key] for key in statuses], now)
        _write_facts(conn, fresh)
        _write_readings(conn, fresh)
        _write_events(conn, fresh)

    def _count(self, conn: Conn, result: IntakeResult) -> None:
        values = {
            "collector": self._collector,
            "stored": result.stored,
            "duplicate": result.duplicate,
            "rejected": result.rejected,
        }
        conn.execute(load("ingest")["count"], values)


def believed_time(report: DeviceReport) -> datetime:
    """The device's time of `report`, or its arrival when the device's clock is far off; in UTC."""
    believed = -MAX_AHEAD <= report.received_at - report.at <= MAX_BEHIND
    return (report.at if believed else report.received_at).astimezone(UTC)


def _devices(arrivals: Sequence[Arrival]) -> list[int]:
    return sorted({arrival.device_id for arrival in arrivals})


def _follow(
    statuses: dict[int, Status], fresh: Sequence[Arrival], collector: str
) -> dict[int, list[Step]]:
    """What each device's messages, in their order, make of its status."""
    steps: dict[int, list[Step]] = defaultdict(list)
    for arrival in fresh:
        taken = steps[arrival.device_id]
        status = taken[-1].status if taken else statuses[arrival.device_id]
        taken.append(hear(status, arrival.report, collector, new_session=arrival.new_session))
    return steps


def _in_order(fresh: Sequence[Arrival]) -> list[Arrival]:
    """By device and session, old sessions first; in a session by number, its last will last."""
    begun: dict[tuple[int, str], datetime] = {}
    for arrival in fresh:
        session = _session(arrival)
        begun[session] = min(begun.get(session, arrival.report.at), arrival.report.at)

    def place(arrival: Arrival) -> tuple[Any, ...]:
        report, session = arrival.report, _session(arrival)
        number = report.identity.seq if report.identity else 0
        order = (report.contact.is_will, number, report.at)
        return (arrival.device_id, arrival.new_session, begun[session], session[1], *order)

    return sorted(fresh, key=place)


def _session(arrival: Arrival) -> tuple[int, str]:
    identity = arrival.report.identity
    return arrival.device_id, identity.boot_id if identity else ""


def _write_facts(conn: Conn, fresh: Sequence[Arrival]) -> None:
    facts = {arrival.device_id: arrival.report.facts for arrival in fresh if arrival.report.facts}
    if not facts:
        return
    ordered = sorted(facts.items(), key=lambda item: item[0])
    values = {
        "devices": [device for device, _ in ordered],
        "models": [fact.model for _, fact in ordered if fact],
        "firmwares": [fact.firmware for _, fact in ordered if fact],
        "serials": [fact.serial for _, fact in ordered if fact],
    }
    conn.execute(load("ingest")["write_facts"], values)


def _write_readings(conn: Conn, fresh: Sequence[Arrival]) -> None:
    kinds: dict[str, MetricKind] = {}
    for arrival in fresh:
        kinds |= dict.fromkeys(arrival.report.counters, MetricKind.COUNTER)
        kinds |= dict.fromkeys(arrival.report.gauges, MetricKind.GAUGE)
    if not kinds:
        return
    metrics = metric_ids(conn, kinds)
    rows = []
    for arrival in fresh:
        report, at = arrival.report, believed_time(arrival.report)
        rows += [
            (at, report.received_at, arrival.device_id, metrics[metric], value)
            for metric, value in (*report.counters.items(), *report.gauges.items())
        ]
    copy_rows(conn, "reading", READING, rows)
    _touch(conn, {(row[2], row[0].replace(minute=0, second=0, microsecond=0)) for row in rows})


def _touch(conn: Conn, hours: set[tuple[int, datetime]]) -> None:
    devices, starts = zip(*hours, strict=True)
    conn.execute(load("ingest")["touch"], {"devices": list(devices), "hours": list(starts)})


def _write_events(conn: Conn, fresh: Sequence[Arrival]) -> None:
    events = [(arrival, event) for arrival in fresh for event in arrival.report.events]
    events += [(arrival, CLOCK_OFF) for arrival in _newly_off(conn, fresh)]
    if not events:
        return
    copy_rows(conn, "device_event", DEVICE_EVENT, (_event_row(*item) for item in events))
    copy_rows(conn, "pending_sign", PENDING_SIGN, (_sign(*item) for item in events))


def _newly_off(conn: Conn, fresh: Sequence[Arrival]) -> list[Arrival]:
    """One arrival of each device whose clock is far off, unless that was said within a day."""
    off = {
        arrival.device_id: arrival
        for arrival in fresh
        if believed_time(arrival.report) != arrival.report.at and not arrival.report.contact.is_will
    }
    if not off:
        return []
    after = min(arrival.report.received_at for arrival in off.values()) - _CLOCK_OFF_REST
    values = {"devices": list(off), "code": CLOCK_OFF.code, "after": after}
    known = {row["device_id"] for row in conn.execute(load("ingest")["clocks_known_off"], values)}
    return [arrival for device, arrival in off.items() if device not in known]


def _event_row(arrival: Arrival, event: EventReport) -> tuple[Any, ...]:
    report = arrival.report
    where = (believed_time(report), report.received_at, arrival.device_id, event.component)
    return (*where, event.code, event.severity.value, event.dialect, event.raw_code)


def _sign(arrival: Arrival, event: EventReport) -> tuple[Any, ...]:
    where = ("event", arrival.device_id, believed_time(arrival.report), event.component)
    return (*where, event.code, event.severity.value, "", "", "")


def _write_rejected(conn: Conn, rejected: Sequence[RejectedMessage]) -> int:
    """Keeps what could not be read; returns how many were not kept already."""
    if not rejected:
        return 0
    columns = {
        field.name: [getattr(message, field.name) for message in rejected]
        for field in fields(RejectedMessage)
    }
    return conn.execute(load("ingest")["write_rejected"], columns).rowcount
