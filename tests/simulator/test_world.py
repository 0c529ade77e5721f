"""The simulated fleet through the real broker and the real pollers' protocol."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.settings import BrokerSettings
from domain.clock import ScaledClock
from domain.report import DeviceReport, Flow, IntakeResult, RejectedMessage, Severity
from forecall.broker import HOST, Broker
from simulator import world as world_module
from simulator.fleet import Device, plan_fleet
from simulator.line import Address
from simulator.script import Script
from simulator.wear import Outage, Rise
from simulator.world import Member, World
from tests.waiting import wait_for

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Heard:
    """An intake that keeps what the real collector decoded, and a watch."""

    def __init__(self) -> None:
        self.reports: list[DeviceReport] = []
        self.rejected: list[RejectedMessage] = []
        self.listening = threading.Event()

    def store(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage] = ()
    ) -> IntakeResult:
        self.reports += reports
        self.rejected += rejected
        return IntakeResult(len(reports), 0, len(rejected))

    def beat(self, collector: str, flow: Flow | None = None) -> None:
        self.listening.set()

    def of(self, device: Device) -> list[DeviceReport]:
        return [report for report in self.reports if report.device_key == device.key]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def heard(broker: Broker) -> Iterator[Heard]:
    heard, stop = Heard(), threading.Event()
    settings = BrokerSettings(HOST, broker.port, broker.username, broker.password)
    clock = ScaledClock(START, datetime.now(UTC), 3600)
    collector = MqttCollector(settings, [JsonContract()], heard, heard, clock)
    listening = threading.Thread(target=collector.run, args=(stop,))
    listening.start()
    assert heard.listening.wait(120)
    yield heard
    stop.set()
    listening.join(120)
    assert not listening.is_alive()


def _live(
    broker: Broker, devices: list[Device], script: Script, until: Callable[[World], bool]
) -> World:
    """Runs a world at an hour a second until `until` holds, then ends it in order."""
    clock = ScaledClock(START, datetime.now(UTC), 3600)
    address = Address(HOST, broker.port, broker.username, broker.password)
    made: list[World] = []

    async def run() -> None:
        world = World(
            [Member(each, "Asia/Tehran") for each in devices], clock, address, "t", script
        )
        made.append(world)
        await world.open()
        stop = asyncio.Event()
        living = asyncio.create_task(world.run(stop))
        await asyncio.to_thread(wait_for, "the world has shown it", lambda: until(world))
        stop.set()
        await living

    asyncio.run(run())
    return made[0]


@pytest.fixture
def kiosk(request: pytest.FixtureRequest) -> Device:
    """A kiosk of this test's own: what was retained of others is not its."""
    device = plan_fleet(0, 2, START.date()).devices[1]
    return replace(device, key=f"SIM-{zlib.crc32(request.node.name.encode())}")


def test_a_terminal_says_its_state_beats_and_counts(
    broker: Broker, heard: Heard, kiosk: Device
) -> None:
    _live(
        broker,
        [kiosk],
        Script({}, {}),
        lambda _: (
            sum(len(report.gauges) + len(report.counters) > 5 for report in heard.of(kiosk)) >= 2
        ),
    )
    reports = heard.of(kiosk)
    assert any(report.contact.interval_s for report in reports)
    assert {report.facts.model for report in reports if report.facts} == {kiosk.model}
    identities = [report.identity for report in reports]
    assert len(set(identities)) == len(identities)
    assert not any(report.contact.is_will for report in reports)
    assert not heard.rejected


def test_a_breakdown_is_said_and_so_is_its_repair(
    broker: Broker, heard: Heard, kiosk: Device
) -> None:
    peak = START + 2 * HOUR
    rise = Rise("billAcceptor", START - 40 * HOUR, peak, peak + 2 * HOUR, 1.0, True)
    script = Script({kiosk.key: rise}, {})

    def repaired(_: World) -> bool:
        return any(e.code == "restored" for r in heard.of(kiosk) for e in r.events)

    _live(broker, [kiosk], script, repaired)
    events = [event for report in heard.of(kiosk) for event in report.events]
    codes = [event.code for event in events if event.severity != Severity.WARNING]
    assert codes[0] == "transportMotor"
    broken = [r.contact for r in heard.of(kiosk) if r.contact.component == "billAcceptor"]
    assert broken[0].reported == "hardwareError"


@pytest.mark.parametrize("own_lines", [500, 0])
def test_a_cut_line_brings_the_last_will_and_a_new_session_follows(
    broker: Broker,
    heard: Heard,
    kiosk: Device,
    own_lines: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(world_module, "OWN_LINES", own_lines)
    device = replace(kiosk, key=f"{kiosk.key}-{own_lines}")
    script = Script({}, {device.key: Outage(START + 2 * HOUR, START + 4 * HOUR)})

    def boots() -> list[str]:
        return [r.identity.boot_id for r in heard.of(device) if r.identity]

    _live(broker, [device], script, lambda _: len(set(boots())) == 2)
    wills = [r for r in heard.of(device) if r.contact.is_will]
    assert [w.identity.seq for w in wills if w.identity] == [0]
    assert wills[0].identity is not None
    assert wills[0].identity.boot_id == boots()[0]


def test_a_clock_refuses_without_power_and_is_used_and_worn_meanwhile(
    broker: Broker, tmp_path: Path
) -> None:
    device = plan_fleet(1, 0, START.date()).devices[0]
    peak = START + 3 * HOUR
    rise = Rise("powerSupply", START - 40 * HOUR, peak, peak + 3 * HOUR, 1.0, True)
    seen: set[str] = set()

    def came_back(world: World) -> bool:
        seen.add(world.clocks[0].emulator.fault.value)
        return "refusing" in seen and world.clocks[0].emulator.fault.value == "none"

    world = _live(broker, [device], Script({device.key: rise}, {}), came_back)
    emulator = world.clocks[0].emulator
    assert len(emulator.operation_log) >= 16  # at least the power-on after the repair
    assert emulator.users
