"""From a collector's batch to committed rows: when `store` returns, messages may be acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import psycopg

from domain.clock import Clock
from domain.errors import BadInputError, StoreUnavailableError
from domain.report import (
    DeviceReport,
    EventReport,
    IntakeResult,
    RejectedMessage,
    Severity,
)
from pipeline.readings import Times, believed_time, write_readings
from pipeline.registry import Registry, RowGoneError
from pipeline.series import SeriesRoom
from pipeline.sessions import Stretch, only_new, stretches_of
from pipeline.state import Status, Step, hear, telling
from pipeline.statuses import PENDING_SIGN, lock_statuses, write_steps
from storage.copy import DEVICE_EVENT, copy_rows
from storage.database import Conn, Database
from storage.queries import load

CLOCK_OFF = EventReport("realTimeClock", "x.ClockOff", Severity.WARNING)
"""What a device's unbelievable time leaves behind: once a day and device."""

_CLOCK_OFF_REST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What of a batch is new, by device and session."""

    reports: Sequence[DeviceReport]
    times: Times
    stretches: Sequence[Stretch]

    def arrivals(self, chosen: Callable[[DeviceReport], object]) -> list[tuple[int, DeviceReport]]:
        """The new reports for which `chosen` says yes, each with its device."""
        reports = self.reports
        return [
            (stretch.device_id, reports[place])
            for stretch in self.stretches
            for place in stretch.places
            if chosen(reports[place])
        ]


class Ingest:
    """Stores batches: each in one transaction, each message once, however often it is delivered."""

    def __init__(self, database: Database, clock: Clock, collector: str) -> None:
        self._database = database
        self._clock = clock
        self._collector = collector
        self._room = SeriesRoom(database)
        self._registry = Registry(database, collector)

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
        """As `store`, inside the caller's transaction, which must not have made the devices."""
        times = Times.of(reports)
        self._room.ensure(times.days())
        try:
            return self._write(conn, reports, rejected, times)
        except psycopg.DataError as error:
            raise BadInputError(f"the batch can't be stored: {error}") from error
        except (psycopg.errors.ForeignKeyViolation, RowGoneError) as error:
            self._registry.forget()
            raise StoreUnavailableError(f"a device was removed; try again: {error}") from error

    def _write(
        self,
        conn: Conn,
        reports: Sequence[DeviceReport],
        rejected: Sequence[RejectedMessage],
        times: Times,
    ) -> IntakeResult:
        now = self._clock.now()
        ids = self._registry.devices({report.device_key for report in reports}, now)
        stretches = stretches_of(reports, ids)
        sessions = {
            (each.device_id, each.boot_id) for each in stretches if each.boot_id is not None
        }
        self._registry.open_sessions(sessions, now)
        statuses = self._lock(conn, {stretch.device_id for stretch in stretches})
        batch = _Batch(reports, times, only_new(conn, reports, stretches))
        if batch.stretches:
            self._write_new(conn, batch, statuses, now)
        kept = _write_rejected(conn, rejected)
        new = sum(len(stretch.places) for stretch in batch.stretches)
        result = IntakeResult(new, len(reports) - new + len(rejected) - kept, kept)
        self._count(conn, result)
        return result

    def _lock(self, conn: Conn, devices: Set[int]) -> dict[int, Status]:
        statuses = lock_statuses(conn, devices)
        if len(statuses) < len(devices):
            raise RowGoneError(f"{len(devices) - len(statuses)} devices are not there any more")
        return statuses

    def _write_new(
        self, conn: Conn, batch: _Batch, statuses: Mapping[int, Status], now: datetime
    ) -> None:
        steps = _follow(statuses, batch, self._collector)
        write_steps(conn, list(statuses.values()), [steps[key] for key in statuses], now)
        _write_facts(conn, batch)
        write_readings(conn, self._registry, batch.reports, batch.stretches, batch.times)
        _write_events(conn, batch)

    def _count(self, conn: Conn, result: IntakeResult) -> None:
        values = {
            "collector": self._collector,
            "stored": result.stored,
            "duplicate": result.duplicate,
            "rejected": result.rejected,
        }
        conn.execute(load("ingest")["count"], values)


def _follow(statuses: Mapping[int, Status], batch: _Batch, collector: str) -> dict[int, list[Step]]:
    """What each device's messages, in their order, make of its status."""
    steps: dict[int, list[Step]] = {device: [] for device in statuses}
    for stretch in batch.stretches:
        taken = steps[stretch.device_id]
        for report in telling([batch.reports[place] for place in stretch.places]):
            status = taken[-1].status if taken else statuses[stretch.device_id]
            taken.append(hear(status, report, collector, new_session=stretch.new))
    return steps


def _write_facts(conn: Conn, batch: _Batch) -> None:
    told = batch.arrivals(attrgetter("facts"))
    facts = {device: report.facts for device, report in told if report.facts}
    if not facts:
        return
    ordered = sorted(facts.items(), key=lambda item: item[0])
    values = {
        "devices": [device for device, _ in ordered],
        "models": [fact.model for _, fact in ordered],
        "firmwares": [fact.firmware for _, fact in ordered],
        "serials": [fact.serial for _, fact in ordered],
        "places": [fact.where for _, fact in ordered],
    }
    conn.execute(load("ingest")["write_facts"], values)


def _write_events(conn: Conn, batch: _Batch) -> None:
    events = [
        (device, report, event)
        for device, report in batch.arrivals(attrgetter("events"))
        for event in report.events
    ]
    if batch.times.off.any():
        events += [(device, report, CLOCK_OFF) for device, report in _newly_off(conn, batch)]
    if not events:
        return
    copy_rows(conn, "device_event", DEVICE_EVENT, (_event_row(*item) for item in events))
    copy_rows(conn, "pending_sign", PENDING_SIGN, (_sign(*item) for item in events))


def _newly_off(conn: Conn, batch: _Batch) -> list[tuple[int, DeviceReport]]:
    """One report of each device whose clock is far off, unless that was said within a day."""
    off = dict(
        batch.arrivals(
            lambda report: believed_time(report) != report.at and not report.contact.is_will
        )
    )
    if not off:
        return []
    after = min(report.received_at for report in off.values()) - _CLOCK_OFF_REST
    values = {"devices": list(off), "code": CLOCK_OFF.code, "after": after}
    known = {row["device_id"] for row in conn.execute(load("ingest")["clocks_known_off"], values)}
    return [(device, report) for device, report in off.items() if device not in known]


def _event_row(device: int, report: DeviceReport, event: EventReport) -> tuple[Any, ...]:
    where = (believed_time(report), report.received_at, device, event.component)
    return (*where, event.code, event.severity.value, event.dialect, event.raw_code)


def _sign(device: int, report: DeviceReport, event: EventReport) -> tuple[Any, ...]:
    where = ("event", device, believed_time(report), event.component)
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
