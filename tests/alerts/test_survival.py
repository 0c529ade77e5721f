"""One case a fault, whatever dies and whoever else is at work: real processes, real kills."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from alerts.desk_port import Heard
from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.calls import Call, Channel, take
from desk.case import fold
from desk.cases import Cases
from domain.clock import ManualClock
from domain.errors import StoreUnavailableError
from storage.database import Conn, Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.alerts.conftest import World, build_world

DEVICES = 60
AT_ONCE = timedelta()
LIMIT_S = 180


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}"
        time.sleep(0.01)


@contextmanager
def worker(world: World, *, dies_after: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [world.database.dsn, world.clock.now().isoformat(), str(dies_after)]
    process = subprocess.Popen([sys.executable, "-m", "tests.alerts.worker", *arguments])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def fleet(world: World) -> list[int]:
    return add_devices(world)


def add_devices(world: World) -> list[int]:
    """So many devices, and three times as many that stay well: what hits the others is no cause that
    all share."""
    world.rows(
        f"""INSERT INTO device (key, kind, adopted_at)
            SELECT 'w' || n, 'pos', '2026-01-01Z' FROM generate_series(1, {3 * DEVICES}) n
            RETURNING id"""
    )
    rows = world.rows(
        f"""INSERT INTO device (key, kind, adopted_at)
            SELECT 'd' || n, 'pos', '2026-01-01Z' FROM generate_series(1, {DEVICES}) n
            RETURNING id"""
    )
    return [row["id"] for row in rows]


def send(world: World, fleet: list[int]) -> int:
    """Signs of every device: its printer fails twice over, and its paper runs out."""
    with world.database.transaction() as conn:
        for device in fleet:
            conn.execute(
                """INSERT INTO pending_sign (kind, device_id, at, component, code, severity)
                   VALUES ('event', %(device)s, %(at)s, 'receiptPrinter', 'x.Broken', 'critical'),
                          ('event', %(device)s, %(at)s, 'receiptPrinter', 'paperOut', 'error'),
                          ('event', %(device)s, %(at)s, 'receiptPrinter', 'x.Broken', 'critical')
                """,
                {"device": device, "at": world.clock.now()},
            )
    return 3 * len(fleet)


def nothing_pending(world: World) -> bool:
    return not world.rows("SELECT FROM pending_sign")


def assert_one_case_a_fault(world: World, fleet: list[int], sent: int) -> None:
    alerts, tickets = world.alerts(only_open=False), world.tickets(only_open=False)
    assert len(alerts) == len(tickets) == 2 * len(fleet)
    assert sum(alert["signs"] for alert in alerts) == sent  # none missed, none judged twice
    assert len(world.rows("SELECT FROM failure")) == len(fleet)
    for ticket in tickets[:5]:
        assert fold(world.events(ticket.id)) == ticket


def test_two_evaluators_at_once_open_one_case_a_fault(world: World, fleet: list[int]) -> None:
    with worker(world), worker(world):
        sent = sum(send(world, fleet) for _ in range(5))
        until(lambda: nothing_pending(world), "every sign is judged")
    assert_one_case_a_fault(world, fleet, sent)


@pytest.mark.parametrize("dies_after", [1, 2 * DEVICES])
def test_an_evaluator_that_is_killed_in_its_transaction_has_done_nothing(
    world: World, fleet: list[int], dies_after: int
) -> None:
    sent = send(world, fleet)
    with worker(world, dies_after=dies_after) as process:
        assert process.wait(LIMIT_S) == -9
    assert world.alerts() == []
    assert len(world.rows("SELECT FROM pending_sign")) == sent
    with worker(world):
        until(lambda: nothing_pending(world), "the next one judges every sign")
    assert_one_case_a_fault(world, fleet, sent)


def test_evaluators_killed_at_any_moment_lose_and_double_nothing(
    world: World, fleet: list[int]
) -> None:
    chance = random.Random(7)
    sent = 0
    for _ in range(4):
        with worker(world) as process:
            sent += send(world, fleet)
            left = chance.randint(0, 3 * len(fleet))
            until(
                lambda left=left: len(world.rows("SELECT FROM pending_sign")) <= left,  # type: ignore[misc]
                "it is at work",
            )
            process.kill()
    with worker(world):
        until(lambda: nothing_pending(world), "every sign is judged")
    assert_one_case_a_fault(world, fleet, sent)


@dataclass(frozen=True)
class PowerCut(Cases):
    """The real desk, whose database server is killed after so many signs."""

    server: EmbeddedServer
    after: int
    signs: count[int] = field(default_factory=lambda: count(1))

    def heard(self, conn: Conn, heard: Sequence[Heard]) -> set[int]:
        joined = super().heard(conn, heard)
        if self.after in [next(self.signs) for _ in heard]:
            self.server.kill()
        return joined


def test_a_database_that_is_killed_while_signs_are_judged_loses_and_doubles_nothing(
    tmp_path: Path, clock: ManualClock
) -> None:
    server = EmbeddedServer(tmp_path, {"shared_buffers": "32MB"})
    server.start()
    database = Database(server.dsn)
    try:
        migrate(database)
        world = build_world(database, clock)
        devices = add_devices(world)
        sent = send(world, devices)
        for after in (1, DEVICES):
            with pytest.raises(StoreUnavailableError):
                evaluate(database, clock, PowerCut(clock, server, after), RuleBooks(), hold=AT_ONCE)
            server.start()
        assert len(world.rows("SELECT FROM pending_sign")) == sent
        evaluate(database, clock, Cases(clock), RuleBooks(), hold=AT_ONCE)
        assert_one_case_a_fault(world, devices, sent)
    finally:
        database.close()
        server.stop()


def test_a_call_and_a_sign_in_the_same_moment_are_one_case(world: World, fleet: list[int]) -> None:
    words, part = "it prints nothing", "receiptPrinter"
    calls = [Call(Channel.PHONE, words, device_id=each, component=part) for each in fleet]
    telephone = Database(world.database.dsn, max_size=2)

    def call() -> None:
        for one in calls:
            take(telephone, world.clock, one, actor="desk")

    caller = Thread(target=call)
    caller.start()
    for device in fleet:
        world.event(device, "receiptPrinter", "x.Broken", "critical")
        evaluate(world.database, world.clock, Cases(world.clock), RuleBooks(), hold=AT_ONCE)
    caller.join(LIMIT_S)
    telephone.close()
    assert not caller.is_alive()
    assert len(world.tickets(only_open=False)) == len(fleet)
    assert all(ticket.alert_id for ticket in world.tickets())
