"""`forecall simulate`: the demo's fleet at work, reached as real devices are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from domain.clock import Clock, ScaledClock
from domain.device import DeviceKind
from domain.errors import ConfigurationError
from forecall.config import Settings
from forecall.wiring import Installation
from simulator.fleet import Device
from simulator.line import Address
from simulator.script import plan_script
from simulator.world import Member, World
from storage.database import Conn
from storage.queries import load

log = structlog.get_logger()

TENANT = "demo"
POLL_INTERVAL = timedelta(hours=1)
_LAST_HEARD = timedelta(days=7)
_COUNTED = frozenset({"x.PowerOnCount", "x.VerifyFailedCount"})


def simulate(installation: Installation, stop: threading.Event) -> None:
    """Runs the simulated fleet until `stop` is set.

    Raises ConfigurationError when the store holds no demo.
    """
    clock = installation.clock
    if not isinstance(clock, ScaledClock):
        raise ConfigurationError("simulate: there is no demo here; start one: forecall up --demo")
    asyncio.run(_simulate(installation, clock, stop))


async def _simulate(installation: Installation, clock: ScaledClock, stop: threading.Event) -> None:
    with installation.database.transaction() as conn:
        members = read_fleet(conn, clock)
    devices = [member.device for member in members]
    script = plan_script(devices, clock.epoch, clock.speed, delay=clock.now() - clock.epoch)
    settings = installation.settings
    receiver = (settings.adms_host, settings.adms_port)
    world = World(members, clock, address(settings), TENANT, script, receiver=receiver)
    await world.open()
    with installation.database.transaction() as conn:
        _place_clocks(conn, world, clock)
        _place_pushing(conn, members, world, clock)
    log.info("the fleet is at work", clocks=len(world.clocks), terminals=len(world.terminals))
    await world.run(_on_loop(stop))


def read_fleet(conn: Conn, clock: Clock) -> list[Member]:
    """The simulated devices, each with what it measured last."""
    last: dict[str, dict[str, float]] = {}
    since = {"since": clock.now() - _LAST_HEARD}
    for row in conn.execute(load("demo")["last_values"], since).fetchall():
        last.setdefault(row["device"], {})[row["metric"]] = row["value"]
    return [
        Member(_device(row), row["time_zone"], last.get(row["key"], {}))
        for row in conn.execute(load("demo")["fleet"]).fetchall()
    ]


def address(settings: Settings) -> Address:
    """Where the simulated terminals find the broker."""
    return Address(
        settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_username,
        settings.mqtt_password.get_secret_value(),
        settings.mqtt_ca,
    )


def _device(row: dict[str, Any]) -> Device:
    return Device(
        key=row["key"],
        kind=DeviceKind(row["kind"]),
        site=row["site"],
        model=row["model"],
        firmware=row["firmware"],
        serial=row["serial"],
        installed_on=row["installed_on"],
    )


def _place_clocks(conn: Conn, world: World, clock: Clock) -> None:
    """Tells the pollers where the clocks listen, and spreads their first polls over a little time."""
    now, count = clock.now(), max(1, len(world.polled))
    for number, attendance_clock in enumerate(world.polled):
        conn.execute(
            load("demo")["place_clock"],
            {
                "key": attendance_clock.device.key,
                "host": attendance_clock.server.host,
                "port": attendance_clock.server.port,
                "interval_s": POLL_INTERVAL.total_seconds(),
                "next_poll_at": now + POLL_INTERVAL / 2 * (number / count),
            },
        )


def _place_pushing(conn: Conn, members: Sequence[Member], world: World, clock: Clock) -> None:
    """Clocks that push go on counting from what they counted last."""
    last = {member.device.serial: member.last for member in members}
    for pushing in world.pushing:
        serial = pushing.memory.serial
        counts = {name: value for name, value in last[serial].items() if name in _COUNTED}
        values = {"serial": serial, "counts": Jsonb(counts), "now": clock.now()}
        conn.execute(load("demo")["place_pushing_clock"], values)


def _on_loop(stop: threading.Event) -> asyncio.Event:
    """An event of the running loop that follows `stop`."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def follow() -> None:
        stop.wait()
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=follow, daemon=True).start()
    return stopped
