"""Many at work at once, and some of them killed: the database alone decides which report opens the case.

The full size - 8 workers, 10,000 faults - is `python -m benchmarks.alerts`.
"""

from __future__ import annotations

import random
import subprocess
import sys
from threading import Barrier, Thread

import pytest

from alerts.engine import hear_outside
from alerts.sign import Origin, Sign
from desk.case import fold
from desk.cases import Cases
from desk.ledger import ticket_of
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text
from storage.database import Database
from storage.queries import load
from tests.alerts.conftest import World
from tests.alerts.fleets import add_fleet, come_back, go_down
from tests.waiting import wait_for

FAULTS = 300
WORKERS = 4
LIMIT_S = 180


def reporter(world: World, seed: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "benchmarks.fault_reports", world.database.dsn, str(seed)]
    return subprocess.Popen(arguments)


def test_workers_that_are_told_the_same_and_killed_leave_one_case_a_fault(world: World) -> None:
    """thingsboard/thingsboard#2986, #15583: the constraint decides, not check-then-insert."""
    add_fleet(world, "d", FAULTS)
    running = [reporter(world, seed) for seed in range(WORKERS)]
    try:
        wait_for("the first is at work", world.alerts, LIMIT_S)
        for victim in random.Random(1).sample(running, WORKERS // 2):
            victim.kill()
        assert {process.wait(LIMIT_S) for process in running} <= {0, -9}
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert reporter(world, WORKERS).wait(LIMIT_S) == 0  # what the killed left is reported again
    devices = {
        row["id"] for row in world.rows("SELECT id FROM device WHERE adopted_at IS NOT NULL")
    }
    alerts = world.rows("SELECT * FROM alert")
    tickets = world.rows("SELECT * FROM ticket")
    assert len(alerts) == len(tickets) == len(devices)
    assert {row["device_id"] for row in alerts} == {row["device_id"] for row in tickets} == devices
    assert {row["state"] for row in alerts} == {"unacknowledged"}
    assert len(world.rows("SELECT FROM failure")) == len(devices)
    for row in tickets[:5]:
        assert fold(world.events(row["id"])) == ticket_of(row)


@pytest.mark.parametrize("times", range(3))
def test_two_transactions_of_one_moment_open_one_alert(world: World, times: int) -> None:
    """thingsboard/thingsboard#2986: two messages milliseconds apart open two alarms."""
    sign = Sign(
        fault=Fault(world.kiosk, "receiptPrinter", FaultClass.BREAKDOWN),
        origin=Origin.EXTERNAL,
        rule="reported",
        severity=Severity.CRITICAL,
        message=Text("broken"),
        at=world.clock.now(),
        failed=True,
    )
    together, other = Barrier(2), Database(world.database.dsn, max_size=1)

    def report(database: Database) -> None:
        with database.transaction() as conn:
            together.wait(LIMIT_S)
            hear_outside(conn, world.clock.now(), Cases(world.clock), [sign])

    threads = [Thread(target=report, args=[each]) for each in (world.database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    other.close()
    [alert] = world.alerts(only_open=False)
    assert alert["signs"] == 2
    assert len(world.tickets(only_open=False)) == 1
    with world.database.transaction() as conn:
        over = [(sign.fault, sign.rule)]
        hear_outside(conn, world.clock.now(), Cases(world.clock), [], over)
    assert world.alerts()[0]["active"] is False
    assert world.ticket().state == "repaired"


def test_who_finds_another_at_work_takes_nothing(world: World) -> None:
    """moscajs/mosca#632: two who judge the signs of one device at once could end with the older one."""
    go_down(world, [world.kiosk])
    with world.database.transaction() as conn:
        conn.execute(load("alerts")["wait_turn"])
        assert world.evaluate() == 0
        come_back(world, [world.kiosk])
    assert len(world.rows("SELECT FROM pending_sign")) == 2
    assert world.evaluate() == 2
    assert [alert["active"] for alert in world.alerts()] == [False]
