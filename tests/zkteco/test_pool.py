"""Workers may hang, die or be killed: their clock is reported, the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Failure, Sighting
from collectors.zkteco.pool import Done, WorkerPool
from domain.clock import ManualClock
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.server import ClockServer
from simulator.zkteco.wire import Command
from tests.zkteco.conftest import Serve, until


def target_of(number: int, server: ClockServer) -> PollTarget:
    return PollTarget(number, f"door-{number}", server.host, server.port)


def hanging(clock: ManualClock) -> EmulatedClock:
    """A clock whose log never ends and never times out."""
    device = EmulatedClock("SN9", clock)
    for _ in range(100):
        device.punch("1")
    device.fault = Fault.DRIPPING
    return device


def begin(pool: WorkerPool, target: PollTarget) -> None:
    """Begins a poll once a worker has started."""
    until(lambda: bool(pool.idle) or bool(pool.finished(0.05)))
    pool.begin(target)


def wait_for(pool: WorkerPool, count: int) -> dict[int, Sighting | Failure]:
    """The results of `count` polls, by device."""
    done: list[Done] = []

    def collected() -> bool:
        done.extend(pool.finished(0.05))
        return len(done) >= count

    until(collected)
    return {target.device_id: result for target, _, result in done}


def test_a_hanging_clock_is_given_up_and_its_worker_replaced(
    serve: Serve, clock: ManualClock
) -> None:
    with WorkerPool(1, timeout_s=3, deadline_s=2) as pool:
        (hung,) = pool.pids
        begin(pool, target_of(1, serve(hanging(clock))))
        result = wait_for(pool, 1)[1]
        assert isinstance(result, Failure)
        assert result.reason == "timeout"
        assert pool.pids != [hung]
        assert not _runs(hung)
        begin(pool, target_of(2, serve(EmulatedClock("SN2", clock))))
        assert isinstance(wait_for(pool, 1)[2], Sighting)


def test_others_are_polled_while_one_hangs(serve: Serve, clock: ManualClock) -> None:
    with WorkerPool(2, timeout_s=3, deadline_s=30) as pool:
        begin(pool, target_of(0, serve(hanging(clock))))
        server = serve(EmulatedClock("SN1", clock))
        for number in range(1, 6):
            begin(pool, target_of(number, server))
            assert isinstance(wait_for(pool, 1)[number], Sighting)
        assert pool.idle == 1


def test_a_worker_killed_at_work_costs_one_poll(serve: Serve, clock: ManualClock) -> None:
    device = hanging(clock)
    with WorkerPool(1, timeout_s=3, deadline_s=30) as pool:
        begin(pool, target_of(1, serve(device)))
        until(lambda: device.commands[Command.BULK_READ] > 0)
        os.kill(pool.pids[0], signal.SIGKILL)
        result = wait_for(pool, 1)[1]
        assert isinstance(result, Failure)
        assert "its worker died" in result.message
        begin(pool, target_of(2, serve(EmulatedClock("SN2", clock))))
        assert isinstance(wait_for(pool, 1)[2], Sighting)


def test_a_worker_killed_at_rest_costs_nothing(serve: Serve, clock: ManualClock) -> None:
    server = serve(EmulatedClock("SN1", clock))
    with WorkerPool(1, timeout_s=3, deadline_s=30) as pool:
        begin(pool, target_of(1, server))
        wait_for(pool, 1)
        killed = pool.pids[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: not pool.finished(0.05) and pool.pids != [killed])
        begin(pool, target_of(2, server))
        assert isinstance(wait_for(pool, 1)[2], Sighting)


def test_workers_end_with_a_killed_pool() -> None:
    program = (
        "import sys, time\n"
        "from collectors.zkteco.pool import WorkerPool\n"
        "pool = WorkerPool(2, timeout_s=3, deadline_s=30)\n"
        "print(*pool.pids, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as pool:
        assert pool.stdout is not None
        pids = [int(pid) for pid in pool.stdout.readline().split()]
        pool.kill()
    assert len(pids) == 2
    until(lambda: not any(map(_runs, pids)))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
