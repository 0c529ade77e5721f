"""The receiver is killed, many call at once: nothing is lost and nothing is stored twice."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.clock import ManualClock, SystemClock
from forecall.ports import next_free
from simulator.fleet import plan_fleet
from simulator.line import Address
from simulator.push import NoAnswerError, PushingClock
from simulator.script import Script
from simulator.world import Member, World
from simulator.zkteco.clock import EmulatedClock
from storage.database import Database
from tests.adms.conftest import Adopt
from tests.adms.helpers import SN, punches, rows
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]


@contextmanager
def receiver_process(dsn: str, port: int, order: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.adms.dying", dsn, str(port), str(order)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for("it listens", lambda: _listens(port))
            yield process
        finally:
            process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_killed_between_commit_and_answer_it_gets_the_batch_again_and_stores_it_once(
    database: Database, dsn: str, adopt: Adopt, tmp_path: Path
) -> None:
    adopt(SN)
    port, order = next_free("127.0.0.1", 28081), tmp_path / "die"
    clock = SystemClock()
    pushing = PushingClock(EmulatedClock(SN, clock), "127.0.0.1", port)
    moment = clock.now() - timedelta(hours=1)
    with receiver_process(dsn, port, order) as process:
        asyncio.run(pushing.turn())
        for user in ("7", "7", "8"):
            pushing.memory.punch(user, at=moment)
        order.touch()
        with pytest.raises(NoAnswerError):
            asyncio.run(pushing.send_new("ATTLOG"))
        process.wait(120)
    assert len(punches(database)) == 3  # committed, and not yet answered
    assert pushing.sent["ATTLOG"] == 0
    with receiver_process(dsn, port, order):
        asyncio.run(pushing.turn())
        assert pushing.sent["ATTLOG"] == 3
    assert [(punch[0], punch[4]) for punch in punches(database)] == [("7", 1), ("7", 2), ("8", 1)]


def test_forty_clocks_at_once_and_one_clock_on_many_lines(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    where = urlsplit(receiver)
    assert where.hostname is not None
    assert where.port is not None
    clocks = []
    for number in range(40):
        adopt(f"MANY{number:03}")
        clocks.append(
            PushingClock(EmulatedClock(f"MANY{number:03}", clock), where.hostname, where.port)
        )
        for user in range(20):
            clocks[-1].memory.punch(str(user))

    async def everyone() -> None:
        await asyncio.gather(*(each.turn() for each in clocks))
        one = clocks[0]
        lines = one.punch_lines()
        await asyncio.gather(*(one.post("ATTLOG", lines) for _ in range(10)))

    asyncio.run(everyone())
    assert len(punches(database)) == 40 * 20
    (count,) = rows(database, "SELECT stored, rejected FROM intake_count WHERE collector = 'adms'")
    assert count["rejected"] == 0
    seqs = rows(database, "SELECT seq FROM push_clock")
    assert count["stored"] == sum(row["seq"] for row in seqs)


def test_the_service_listens_and_ends_in_order(dsn: str, adopt: Adopt, tmp_path: Path) -> None:
    adopt(SN)
    port = next_free("127.0.0.1", 28181)
    environment = {
        **os.environ,
        "FORECALL_DATABASE_DSN": dsn,
        "FORECALL_ADMS_PORT": str(port),
        "FORECALL_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "forecall", "collect", "adms"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            wait_for("it listens", lambda: _listens(port))
            pushing = PushingClock(EmulatedClock(SN, SystemClock()), "127.0.0.1", port)
            pushing.memory.punch("7")
            asyncio.run(pushing.turn())
            assert pushing.sent["ATTLOG"] == 1
            process.terminate()
            assert process.wait(120) == 0
        finally:
            process.kill()


def test_one_simulated_clock_of_five_pushes(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    where = urlsplit(receiver)
    assert where.hostname is not None
    assert where.port is not None
    place = (where.hostname, where.port)
    devices = plan_fleet(5, 0, clock.now().date()).devices
    for device in devices:
        adopt(device.key, "Asia/Tehran", simulated=True)
    members = [Member(device, "Asia/Tehran", {"x.PowerOnCount": 3.0}) for device in devices]

    async def live() -> World:
        script = Script({}, {})
        world = World(members, clock, Address("127.0.0.1", 1), "t", script, receiver=place)
        stop = asyncio.Event()
        living = asyncio.create_task(world.run(stop))
        (pushing,) = world.pushing
        while pushing.sent.get("ATTLOG", 0) < pushing.memory.record_count:
            await asyncio.sleep(0.01)
        stop.set()
        await living
        return world

    world = asyncio.run(asyncio.wait_for(live(), 180))
    assert [each.memory.serial for each in world.pushing] == [devices[4].key]
    assert [each.device.key for each in world.polled] == [device.key for device in devices[:4]]
    assert {row["serial"] for row in rows(database, "SELECT serial FROM push_clock")} == {
        devices[4].key
    }
    assert len(punches(database)) == world.pushing[0].memory.record_count > 0
    # Its past was not sent as if it happened now.
    assert rows(database, "SELECT FROM push_operation") == []
