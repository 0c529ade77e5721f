"""Clocks on sockets, polled by worker processes, into PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread

from collectors.zkteco.collector import ClockCollector
from domain.clock import Clock, ManualClock, ScaledClock
from domain.errors import StoreUnavailableError
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.wire import Command
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.zkteco.conftest import Register, RegisterIn, Serve, until


@contextmanager
def collecting(
    database: Database, clock: Clock, workers: int = 2, **limits: float
) -> Iterator[None]:
    """A collector that runs in a thread meanwhile."""
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
    watch = CollectorWatch(database, clock)
    collector = ClockCollector(fleet, watch, clock, workers, **limits)
    stop = Event()
    thread = Thread(target=collector.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def readings(database: Database, key: str) -> dict[str, float]:
    """The newest value of each metric of a device."""
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT DISTINCT ON (metric.name) metric.name, value FROM reading"
            " JOIN device ON device.id = device_id JOIN metric ON metric.id = metric_id"
            " WHERE device.key = %s ORDER BY metric.name, reading.at DESC",
            [key],
        ).fetchall()
    return {row["name"]: row["value"] for row in rows}


def states(database: Database) -> dict[str, str]:
    """The state of each device that was ever heard of or given up."""
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT key, state FROM device JOIN device_status ON device_id = device.id"
        ).fetchall()
    return {row["key"]: row["state"] for row in rows}


def test_a_clock_is_polled_and_everything_is_stored(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock, comm_key=99)
    device.drift = timedelta(seconds=42)
    for number in range(3):
        device.enrol(str(1001 + number))
        device.punch(str(1001 + number))
    device.fail_verification()
    device.operate(0)
    register("door-1", serve(device))
    with collecting(database, clock):
        until(lambda: states(database) == {"door-1": "up"})
    values = readings(database, "door-1")
    assert abs(values["x.ClockDrift"] - 42) <= 1
    assert values["x.UserCount"] == values["x.RecordCount"] == values["x.VerifiedCount"] == 3
    assert values["x.VerifyFailedCount"] == values["x.PowerOnCount"] == 1
    assert values["x.LogFill"] == 0.003
    assert values["x.ConnectTime"] > 0
    with database.transaction() as conn:
        device_row = conn.execute("SELECT model, firmware, serial FROM device").fetchone()
        punches = conn.execute("SELECT count(*) AS n FROM attendance_record").fetchone()
    assert device_row == {"model": "K40/ID", "firmware": "Ver 6.60 Apr 18 2019", "serial": "SN1"}
    assert punches == {"n": 3}


def test_drift_is_measured_in_the_clocks_own_time(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    fast = ScaledClock(clock.now(), datetime.now(UTC), speed=300.0)
    device = EmulatedClock("SN1", fast, drift=timedelta(days=1))
    device.latency_s = 0.05  # 15 s of the clock's time for each answer
    register("door-1", serve(device))
    with collecting(database, fast):
        until(lambda: states(database) == {"door-1": "up"})
    day = timedelta(days=1).total_seconds()
    # A half of the request's time, even on a slow machine, is far less than an hour.
    assert abs(readings(database, "door-1")["x.ClockDrift"] - day) < 3600


def test_the_keypad_is_never_disabled_and_no_log_is_cleared(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    register("door-1", serve(device))
    with collecting(database, clock):
        until(lambda: states(database) == {"door-1": "up"})
    allowed = {
        *(Command.CONNECT, Command.OPTIONS_RRQ, Command.GET_TIME, Command.GET_VERSION),
        *(Command.GET_FREE_SIZES, Command.BULK_READ, Command.EXIT),
    }
    assert set(device.commands) <= allowed


def test_broken_clocks_hold_up_no_other(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    faults = (Fault.DRIPPING, Fault.SILENT, Fault.HALF_DOWNLOAD, Fault.STALLED_CHUNK)
    for fault in faults:
        device = EmulatedClock(fault.value, clock)
        for _ in range(100):
            device.punch("1")
        device.fault = fault
        register(fault.value, serve(device))
    for number in range(6):
        register(f"good-{number}", serve(EmulatedClock(f"SN{number}", clock)))
    fast = ScaledClock(clock.now(), datetime.now(UTC), speed=20.0)
    expected = {f"good-{number}": "up" for number in range(6)}
    expected |= {fault.value: "down" for fault in faults}
    with collecting(database, fast, workers=2, timeout_s=1.5, deadline_s=3.0):
        until(lambda: states(database) == expected)
    details = _details(database)
    assert details == {
        "dripping": "timeout",
        "silent": "timeout",
        "half download": "reset",
        "stalled chunk": "timeout",
    }


def test_two_collectors_share_a_fleet(
    database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    devices = [EmulatedClock(f"SN{number}", clock) for number in range(8)]
    for device in devices:
        register(device.serial, serve(device))
    with collecting(database, clock, workers=2), collecting(database, clock, workers=2):
        until(partial(_stored, database, 8))
        for rounds in (2, 3, 4):
            clock.advance(timedelta(seconds=320))
            until(partial(_stored, database, 8 * rounds))
    assert [device.commands[Command.CONNECT] for device in devices] == [4] * 8


def test_polls_outlive_the_database(
    tmp_path: Path, clock: ManualClock, serve: Serve, register_in: RegisterIn
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    server = EmbeddedServer(tmp_path, {"fsync": "off"})
    server.start()
    database = Database(server.dsn)
    try:
        migrate(database)
        register_in(database, "door-1", serve(device))
        with collecting(database, clock):
            until(lambda: stored(database) == 1)
            device.latency_s = 0.2  # long enough for the database to go meanwhile
            device.punch("2")
            clock.advance(timedelta(seconds=320))
            until(lambda: device.commands[Command.CONNECT] == 2)
            server.kill()
            until(lambda: device.commands[Command.EXIT] == 2)
            server.start()
            until(lambda: stored(database) == 2)
        with database.transaction() as conn:
            row = conn.execute("SELECT count(*) AS n FROM attendance_record").fetchone()
        assert row == {"n": 2}
        assert device.commands[Command.CONNECT] == 2
    finally:
        database.close()
        server.stop()


def _stored(database: Database, count: int) -> bool:
    return stored(database) == count


def stored(database: Database) -> int:
    """How many polls are stored; 0 while the database is away."""
    try:
        with database.transaction() as conn:
            row = conn.execute("SELECT stored FROM intake_count").fetchone()
    except StoreUnavailableError:
        return 0
    return int(row["stored"]) if row else 0


def _details(database: Database) -> dict[str, str]:
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT key, detail FROM device_transition JOIN device ON device.id = device_id"
            " WHERE to_state = 'down'"
        ).fetchall()
    return {row["key"]: row["detail"] for row in rows}
