"""The stage of the tour: one clock and one kiosk that speak for real, and time that we move.

Nothing here is a stand-in for a room of Forecall. The collectors run as they do in production,
against a real broker and a clock that answers ZKTeco's protocol on a TCP port.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString, TypeVar

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.settings import BrokerSettings
from collectors.zkteco.collector import ClockCollector
from desk.cases import Cases
from desk.upkeep import tick
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from forecall.live import read_fleet
from models.live.score import score
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from pipeline.rollups import refresh
from pipeline.sweep import sweep
from pipeline.watch import CollectorWatch
from simulator.attendance import AttendanceClock
from simulator.line import Address, Line
from simulator.lives import life_of
from simulator.script import MARGIN, plan_script
from simulator.terminal import HEARTBEAT, Terminal
from simulator.wear import Life
from simulator.world import Member
from storage.database import Database, Row
from tests.waiting import wait_for

T = TypeVar("T")

SPEED = 300.0
"""The demo's: its script of faults is laid out for it."""

_WAIT_S = 120
_STEP = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Leaps:
    """The day's clock as the watch sees it: between two beats, seconds of the wall, lie hours."""

    clock: ManualClock
    speed: float = 3600.0

    def now(self) -> datetime:
        return self.clock.now()


class Day:
    """A day in the life of a kiosk with a worn bill acceptor and a clock with a dying adapter."""

    def __init__(self, database: Database, clock: ManualClock, broker: Broker) -> None:
        self.database = database
        self.clock = clock
        self._stage = _Stage()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=collector.run, args=(self._stop,))
            for collector in _collectors(database, clock, broker)
        ]
        kiosk, attendance_clock = _cast(database, clock)
        self.kiosk = kiosk.member.device.key
        self.attendance_clock = attendance_clock.member.device.key
        address = Address(HOST, broker.port, broker.username, broker.password)
        self._terminal = self._stage.do(lambda: _terminal(kiosk, clock, address))
        self._punched = self._stage.do(lambda: _attendance_clock(attendance_clock, clock))
        self._stage.run(self._punched.server.start)
        self._place()

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()
        self._stage.do(self._terminal.meet_fate)
        self._stage.do(self._punched.meet_fate)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_WAIT_S)
        self._stage.do(self._terminal.stop)
        self._stage.run(self._punched.server.stop)
        self._stage.close()

    def passes(self, span: timedelta) -> None:
        """Lets time pass: devices speak, collectors listen, and every quarter the work is done."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            self._quarter()
            self.work()

    def work(self) -> None:
        """One round of what `forecall work` does on a schedule."""
        sweep(self.database, _Leaps(self.clock))
        refresh(self.database)
        if self.clock.now().minute < _STEP / timedelta(minutes=1):
            score(self.database, self.clock)
        evaluate(self.database, self.clock, Cases(self.clock), RuleBooks(), hold=timedelta())
        tick(self.database, self.clock)

    def row(self, query: LiteralString, **values: Any) -> Row:
        """The only row of `query`."""
        rows = self.rows(query, **values)
        assert len(rows) == 1, rows
        return rows[0]

    def rows(self, query: LiteralString, **values: Any) -> list[Row]:
        names = {"kiosk": self.kiosk, "clock": self.attendance_clock, "now": self.clock.now()}
        with self.database.transaction() as conn:
            return conn.execute(query, names | values).fetchall()

    def _quarter(self) -> None:
        self.clock.advance(_STEP)
        for device in (self._terminal, self._punched):
            self._stage.do(device.meet_fate)
        if self.clock.now().minute < _STEP / timedelta(minutes=1):
            self._stage.do(self._terminal.hour)
            self._stage.do(self._punched.hour)
        assert HEARTBEAT == _STEP
        self._stage.do(self._terminal.heartbeat)
        self._await_heartbeat()
        self._await_polls()

    def _await_heartbeat(self) -> None:
        query: LiteralString = """
            SELECT FROM device_status JOIN device ON device.id = device_id
            WHERE device.key = %(kiosk)s AND last_seen_at >= %(now)s"""
        wait_for("the kiosk's heartbeat is stored", lambda: self.rows(query), _WAIT_S)

    def _await_polls(self) -> None:
        query: LiteralString = "SELECT FROM clock_poll WHERE next_poll_at <= %(now)s"
        wait_for("the clock's poll is settled", lambda: not self.rows(query), _WAIT_S)

    def _place(self) -> None:
        server = self._punched.server
        with self.database.transaction() as conn:
            conn.execute(
                """INSERT INTO clock_poll (device_id, host, port, interval_s, next_poll_at)
                   SELECT id, %(host)s, %(port)s, %(interval_s)s, %(now)s FROM device WHERE key = %(key)s""",
                {
                    "key": self.attendance_clock,
                    "host": server.host,
                    "port": server.port,
                    "interval_s": _HOUR.total_seconds(),
                    "now": self.clock.now(),
                },
            )


@contextmanager
def the_day(database: Database, clock: ManualClock, folder: Path) -> Iterator[Day]:
    """A day that has begun; ended in order."""
    with Broker(folder) as broker:
        day = Day(database, clock, broker)
        try:
            day.begin()
            yield day
        finally:
            day.end()


def _collectors(
    database: Database, clock: ManualClock, broker: Broker
) -> tuple[MqttCollector, ClockCollector]:
    watch = CollectorWatch(database, _Leaps(clock))
    settings = BrokerSettings(HOST, broker.port, broker.username, broker.password)
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
    return (
        MqttCollector(settings, [JsonContract()], Ingest(database, clock, "mqtt"), watch, clock),
        ClockCollector(fleet, watch, clock, workers=1),
    )


@dataclass(frozen=True, slots=True)
class _Role:
    member: Member
    life: Life


def _cast(database: Database, clock: ManualClock) -> tuple[_Role, _Role]:
    """The kiosk and the clock that the demo's script lets fail, with what befalls them."""
    now = clock.now()
    with database.transaction() as conn:
        members = {member.device.key: member for member in read_fleet(conn, clock)}
    script = plan_script([member.device for member in members.values()], now, SPEED)
    roles: dict[str, _Role] = {}
    for key, rise in script.rises.items():
        device = members[key].device
        life = life_of(device, now - MARGIN, now + MARGIN)
        roles[rise.component] = _Role(members[key], script.added_to(key, life))
    return roles["billAcceptor"], roles["powerSupply"]


def _terminal(role: _Role, clock: ManualClock, address: Address) -> Terminal:
    member = role.member
    line = Line(address, f"sim-{member.device.key}")
    return Terminal(
        member.device, "demo", member.time_zone, clock, line, role.life, dict(member.last)
    )


def _attendance_clock(role: _Role, clock: ManualClock) -> AttendanceClock:
    member = role.member
    return AttendanceClock(member.device, member.time_zone, clock, role.life, member.last)


class _Stage:
    """An event loop of its own thread, on which the devices live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, act: Callable[[], T]) -> T:
        async def acting() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(acting(), self._loop).result(_WAIT_S)

    def run(self, act: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(act(), self._loop).result(_WAIT_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()
