"""`forecall doctor`: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from alerts.outbox.letters import channel_loads, counts
from alerts.rules import problem_of
from alerts.rules.force import in_force
from collectors.mqtt.shards import Shard
from domain.clock import Clock, ScaledClock, SystemClock
from forecall.config import Settings
from forecall.files import file_problems
from forecall.lock import is_held
from forecall.ports import is_free
from forecall.services import mqtt_shards
from forecall.wiring import dsn
from forecall.work import beat_file
from pipeline.flows import CollectorFlow, clocks_off, read_flows
from pipeline.shards import read_shards
from storage.clock import installed_clock
from storage.database import Conn
from storage.engine import detect
from storage.migrate import pending
from storage.queries import load

_PYTHON = (3, 11)
_FREE_BYTES = 2_000_000_000
_SILENT_WALL_S = 15.0
_BEHIND_S = 60.0
_LATE_S = 300.0
_CONNECT_S = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` says what to do when it is not `well`."""

    what: str
    well: bool
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything in turn; what can't be looked at any more is left out."""
    yield _python()
    yield _disk(settings)
    yield Finding("settings", True, "read and understood")
    yield _fonts()
    yield from _database(settings)
    yield from _broker(settings)
    yield _console(settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info >= _PYTHON
    return Finding("python", well, version, "Install Python 3.11 or later.")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        free > _FREE_BYTES,
        f"{free / 1e9:.1f} GB free in {folder}",
        "Make room, or set FORECALL_DATA_DIR to a folder on a larger disk.",
    )


def _fonts() -> Finding:
    from kpi.reports.render.fonts import ADVICE, chinese  # what sets a PDF is slow to load

    found = (
        chinese() or f"none: no report with Chinese in it can be made as PDF before you {ADVICE}"
    )
    return Finding("font for Chinese", True, found)  # most never make one


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(
            dsn(settings), row_factory=dict_row, connect_timeout=_CONNECT_S
        ) as conn:
            yield from _store(settings, conn)
    except psycopg.OperationalError as error:
        first_line = str(error).strip().splitlines()[0]
        advice = "Check database_dsn, and that PostgreSQL runs there."
        if settings.embedded_database:
            advice = "Start the system: forecall up"
        yield Finding("database", False, first_line, advice)


def _store(settings: Settings, conn: Conn) -> Iterator[Finding]:
    server = conn.execute(load("front")["server"]).fetchone()
    assert server is not None
    engine = detect(conn).name
    extension = f", TimescaleDB {server['timescaledb']}" if server["timescaledb"] else ""
    yield Finding("database", True, f"PostgreSQL {server['version']}{extension}, {server['size']}")
    yield Finding("storage engine", True, engine)
    missing = pending(conn)
    found = f"missing: {', '.join(missing)}" if missing else "the schema is up to date"
    yield Finding("migrations", not missing, found, "Run: forecall migrate")
    if not missing:
        clock = installed_clock(conn)
        yield _clock(clock)
        yield _accounts(conn)
        yield _rules(settings, conn, clock)
        yield from _collectors(settings, conn, clock)
        yield _worker(settings)
        yield from _outbox(settings, conn)


def _clock(clock: Clock) -> Finding:
    pace = (
        f", simulated, {clock.speed:g} times the wall's" if isinstance(clock, ScaledClock) else ""
    )
    return Finding("clock", True, f"{clock.now():%Y-%m-%d %H:%M:%S} UTC{pace}")


def _rules(settings: Settings, conn: Conn, clock: Clock) -> Finding:
    problem = problem_of(settings.alerts_rules)
    book = in_force(conn, clock.now())
    found = "shipped with this release"
    if book is not None:
        found = f"in force since {book.since:%Y-%m-%d %H:%M} UTC, from {book.source}"
    advice = "Put the file right: forecall rules check says how. The last good rules are in force."
    return Finding("alert rules", not problem, problem or found, advice)


def _accounts(conn: Conn) -> Finding:
    row = conn.execute(load("front")["accounts"]).fetchone()
    count = row["accounts"] if row else 0
    return Finding(
        "accounts", count > 0, f"{count} can log in", "Add one: forecall account add NAME"
    )


def _collectors(settings: Settings, conn: Conn, clock: Clock) -> Iterator[Finding]:
    flows = {flow.collector: flow for flow in read_flows(conn, clock)}
    shards = [shard.collector for shard in mqtt_shards(settings)]
    pushing = conn.execute(load("adms")["any"]).fetchone()
    for name in (*shards, "zkteco", *(["adms"] if pushing is not None else [])):
        silent_s = flows[name].silent_s if name in flows else None
        well = silent_s is not None and silent_s < _SILENT_WALL_S
        found = "has never run" if silent_s is None else f"silent for {silent_s:.0f} s"
        yield Finding(
            f"collector {name}",
            well,
            "hears its devices" if well else found,
            f"Start it: forecall collect {name.partition(':')[0]} (forecall up starts all parts)",
        )
    yield from (_lag(flow) for flow in flows.values() if flow.age_s is not None)
    yield from _left_shards(conn, shards)
    yield _device_clocks(conn, clock)


def _lag(flow: CollectorFlow) -> Finding:
    behind_s = max(flow.age_s or 0.0, flow.wait_s or 0.0)
    return Finding(
        f"lag of {flow.collector}",
        behind_s < _BEHIND_S,
        f"messages are stored {behind_s:.1f} s after they were made",
        "Give it time, or more collectors: docs/scaling.md",
    )


def _left_shards(conn: Conn, set_now: Sequence[str]) -> Iterator[Finding]:
    for row in read_shards(conn):
        name = Shard(row["name"], tuple(row["filters"])).collector
        if name not in set_now:
            yield Finding(
                f"shard {name}",
                False,
                "is not among mqtt_shards; the broker still keeps messages for it",
                f"Put it back, or end it when its messages are stored: forecall shards drop {name}",
            )


def _device_clocks(conn: Conn, clock: Clock) -> Finding:
    off = clocks_off(conn, clock)
    found = f"{off} devices give a wrong time" if off else "all devices give a likely time"
    return Finding(
        "device clocks", not off, found, "Set them; the console's events x.ClockOff name them."
    )


def _worker(settings: Settings) -> Finding:
    age = work_beat_age_s(settings)
    well = age is not None and age < _SILENT_WALL_S
    found = "has never run" if age is None else f"last seen {age:.0f} s ago"
    return Finding("work", well, "at work" if well else found, "Start it: forecall work")


def _outbox(settings: Settings, conn: Conn) -> Iterator[Finding]:
    for name, problem in file_problems(settings, conn).items():
        if name != "alerts_rules":  # told with the book that is in force
            found = problem or f"{getattr(settings, name)} is taken"
            advice = "Put the file right; the last good one counts."
            yield Finding(f"file {name}", not problem, found, advice)
    state = counts(conn, SystemClock())
    late = state.late_s > _LATE_S
    found = f"{state.waiting} wait, {state.dead} were given up"
    for load_ in channel_loads(conn):
        found += f"; {load_.channel}: {load_.last_error}" if load_.last_error else ""
    advice = "See what was given up, and send it again: forecall notify dead, forecall notify retry"
    yield Finding("outbox", not late and not state.dead, found, advice)


def work_beat_age_s(settings: Settings) -> float | None:
    """Seconds since `forecall work` last showed that it reaches the store; None: never."""
    try:
        return time.time() - beat_file(settings).stat().st_mtime
    except FileNotFoundError:
        return None


def _broker(settings: Settings) -> Iterator[Finding]:
    if not settings.mqtt_host:
        running = is_held(settings.data_dir)
        found = "embedded, runs with `forecall up`" if running else "embedded, not running"
        yield Finding("broker", running, found, "Start the system: forecall up")
        return
    for host, port in settings.mqtt_addresses:
        where = f"{host}:{port}"
        try:
            trust = _greet(host, port, settings.mqtt_ca)
        except OSError as error:
            advice = "Check mqtt_host, mqtt_port, mqtt_ca and that the broker runs."
            yield Finding("broker", False, f"{where}: {error}", advice)
        else:
            yield Finding("broker", True, f"{where} takes connections{trust}")


def _greet(host: str, port: int, authority: Path | None) -> str:
    """Connects as the collector does; returns how it is protected. Raises OSError, as ssl's errors are."""
    with socket.create_connection((host, port), _CONNECT_S) as line:
        if authority is None:
            return ", without TLS"
        context = ssl.create_default_context(cafile=str(authority))
        with context.wrap_socket(line, server_hostname=host) as protected:
            return f", {protected.version()}"


def _console(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    free = is_free(settings.host, settings.port)
    return Finding("console port", True, f"{where} is {'free' if free else 'in use'}")
