"""The fleet of polled clocks: claimed with leases, settled in one transaction with what they said."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from psycopg.types.json import Jsonb

from collectors.zkteco.fleet import Answer, Outcome, PollTarget, Unanswered
from collectors.zkteco.known import Known
from domain.clock import Clock
from domain.report import DeviceReport
from pipeline.clock_addresses import Sorted, sort_out
from pipeline.clock_logs import keep_log
from pipeline.ingest import Ingest
from pipeline.punch_columns import store_columns
from storage.database import Conn, Database, Row
from storage.queries import load

LEASE_WALL_S = 60.0
"""Longer than any poll may take: who holds a lease for longer is gone."""

_LIVE_LEASE_WALL_S, _LISTEN_AGAIN_WALL_S = 20.0, 30.0
_HINT_REST = timedelta(seconds=15)
_READ_LOG_EVERY = timedelta(days=1)
_READ_FULL_LOG_EVERY = timedelta(hours=1)  # it may overwrite its oldest records meanwhile

_log = structlog.get_logger()


class ClaimedClocks:
    """`collectors.zkteco.fleet.ClockFleet` on the table `clock_poll`.

    Each object is one owner of leases; any number of them, anywhere, may share the table.
    """

    def __init__(self, database: Database, clock: Clock, ingest: Ingest) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def claim(self, limit: int, doubtful: int) -> list[PollTarget]:
        """See ClockFleet."""
        now = self._clock.now()
        values = {
            "now": now,
            "until": now + timedelta(seconds=LEASE_WALL_S * self._clock.speed),
            "owner": self._owner,
            "limit": limit,
            "doubtful": doubtful,
            "log_stale": now - _READ_LOG_EVERY,
            "full_log_stale": now - _READ_FULL_LOG_EVERY,
        }
        queries = load("clock_fleet")
        with self._database.transaction() as conn:
            sites = [row["id"] for row in conn.execute(queries["lock_sites"], values)]
            rows = conn.execute(queries["claim"], values | {"sites": sites})
            return [_target(row) for row in rows]

    def settle(self, outcomes: Sequence[Outcome]) -> int:
        """See ClockFleet."""
        now = self._clock.now()
        with self._database.transaction() as conn:
            ours = sort_out(conn, self._still_leased(conn, outcomes, now), now)
            self._take_in(conn, ours, now)
            _reschedule(conn, ours.outcomes, now)
        return len(ours.outcomes)

    def release(self) -> None:
        """See ClockFleet."""
        with self._database.transaction() as conn:
            conn.execute(load("clock_fleet")["release"], {"owner": self._owner})
            conn.execute(load("clock_fleet")["release_live"], {"owner": self._owner})

    def claim_live(self, limit: int) -> list[PollTarget]:
        """See LiveFleet."""
        rows = self._live("claim_live", {"limit": limit})
        return [PollTarget(**row) for row in rows]

    def renew_live(self, targets: Sequence[PollTarget]) -> set[int]:
        """See LiveFleet."""
        held = {
            "devices": [target.device_id for target in targets],
            "hosts": [target.host for target in targets],
            "ports": [target.port for target in targets],
        }
        return {row["device_id"] for row in self._live("renew_live", held)} if targets else set()

    def leave_live(self, devices: Sequence[int]) -> None:
        """See LiveFleet."""
        self._live("leave_live", {"devices": list(devices)})

    def hint(self, devices: Sequence[int]) -> None:
        """See LiveFleet."""
        self._live("hint", {"devices": list(devices)})

    def _live(self, name: str, values: dict[str, Any]) -> list[Row]:
        now, second = self._clock.now(), timedelta(seconds=self._clock.speed)
        values |= {
            "owner": self._owner,
            "now": now,
            "until": now + _LIVE_LEASE_WALL_S * second,
            "again": now + _LISTEN_AGAIN_WALL_S * second,
            "rest": _HINT_REST,
        }
        with self._database.transaction() as conn:
            cursor = conn.execute(load("clock_fleet")[name], values)
            return cursor.fetchall() if cursor.description else []

    def _still_leased(
        self, conn: Conn, outcomes: Sequence[Outcome], now: datetime
    ) -> list[Outcome]:
        devices = [outcome.target.device_id for outcome in outcomes]
        values = {"devices": devices, "owner": self._owner, "now": now}
        rows = conn.execute(load("clock_fleet")["still_leased"], values).fetchall()
        ours = {row["device_id"] for row in rows}
        lost = [each.target.address for each in outcomes if each.target.device_id not in ours]
        if lost:
            _log.warning("polls came after their leases", clocks=lost)
        return [outcome for outcome in outcomes if outcome.target.device_id in ours]

    def _take_in(self, conn: Conn, ours: Sorted, now: datetime) -> None:
        results = [outcome.result for outcome in ours.outcomes]
        reports = [report for result in results for report in _reports(result)]
        reports += ours.findings
        rejected = [
            message
            for result in results
            if isinstance(result, Answer)
            for message in result.rejected
        ]
        if reports or rejected:
            self._ingest.store_in(conn, reports, rejected)
        _store_attendance(conn, ours.outcomes, now)


def _reports(result: Answer | Unanswered) -> list[DeviceReport]:
    if isinstance(result, Answer):
        return [*result.operations, result.report]
    return [result.report] if result.report is not None else []


def _target(row: Row) -> PollTarget:
    values = dict(row)
    return PollTarget(
        known=Known.from_json(values.pop("known")),
        time_zone=known_zone(values.pop("time_zone")),
        **values,
    )


@cache
def known_zone(name: str) -> str:
    """`name`, or UTC when there is no such time zone: said once, not at every poll."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        _log.error("a site's time zone is not known; UTC is taken", zone=name, error=str(error))
        return "UTC"
    return name


def _store_attendance(conn: Conn, outcomes: Sequence[Outcome], now: datetime) -> None:
    brought = [
        (outcome.target, outcome.result, outcome.result.log)
        for outcome in outcomes
        if isinstance(outcome.result, Answer) and outcome.result.log is not None
    ]
    # In one order for every writer: the same clock may answer at two addresses.
    for target, answer, log in sorted(brought, key=lambda item: item[1].serial):
        zone = ZoneInfo(target.time_zone)
        store_columns(conn, target.device_id, answer.serial, zone, log.fresh, now)
        keep_log(conn, target.device_id, answer.serial, log, answer.known.records, now)


def _reschedule(conn: Conn, outcomes: Sequence[Outcome], now: datetime) -> None:
    answered, unanswered = [], []
    for outcome in outcomes:
        result = outcome.result
        values = {"device_id": outcome.target.device_id, "next_poll_at": outcome.next_poll_at}
        if isinstance(result, Answer):
            answered.append(values | _progress(result, now))
        else:
            error = f"{result.reason}: {result.message}"
            unanswered.append(values | {"at": result.at, "error": error})
    with conn.cursor() as cursor:
        cursor.executemany(load("clock_fleet")["answered"], answered)
        cursor.executemany(load("clock_fleet")["unanswered"], unanswered)


def _progress(answer: Answer, now: datetime) -> dict[str, Any]:
    return {
        "serial": answer.serial,
        "known": Jsonb(answer.known.as_json()),
        "log_read": answer.log is not None,
        "now": now,
        "soon": now + _HINT_REST,
    }
