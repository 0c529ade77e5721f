"""Worker processes that can be killed: a clock that hangs holds up no other clock."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection, wait

import structlog

from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Failure, Job, Sighting

_log = structlog.get_logger()

Done = tuple[PollTarget, float, Sighting | Failure]
"""The clock, the wall's time at which its poll began, and what became of it."""


class WorkerPool:
    """`size` warm processes, one poll each at a time.

    A poll that takes longer than `deadline_s` is reported as timed out, its worker killed and
    replaced. A worker that dies is reported and replaced too.
    """

    def __init__(self, size: int, *, timeout_s: float, deadline_s: float) -> None:
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._workers = [_Worker() for _ in range(size)]

    @property
    def idle(self) -> int:
        """How many polls can be begun now."""
        return sum(worker.job is None for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def begin(self, target: PollTarget) -> None:
        """Gives a poll to an idle worker; there must be one."""
        place = next(place for place, worker in enumerate(self._workers) if worker.job is None)
        job = Job(target, self._timeout_s, self._deadline_s)
        try:
            self._workers[place].begin(job)
        except OSError:  # it died while it had nothing to do
            self._replace(place)
            self._workers[place].begin(job)

    def finished(self, wait_s: float) -> list[Done]:
        """The polls that ended or were ended; waits up to `wait_s` for the first one."""
        busy = [worker.pipe for worker in self._workers if worker.job]
        if not busy:
            time.sleep(wait_s)
            return []
        ready = wait(busy, timeout=wait_s)
        done = []
        for place, worker in enumerate(self._workers):
            result = self._result(worker, worker.pipe in ready)
            if worker.job and result:
                done.append((worker.job.target, worker.begun_wall, result))
                worker.job = None
            if worker.ended:
                self._replace(place)
        return done

    def close(self) -> None:
        """Ends the workers, whatever they are at."""
        for worker in self._workers:
            worker.end()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _result(self, worker: _Worker, ready: bool) -> Sighting | Failure | None:
        if worker.job is None:
            return None
        if ready:
            return worker.receive()
        if time.monotonic() - worker.begun < self._deadline_s:
            return None
        worker.end()
        return Failure("timeout", f"not done after {self._deadline_s:g} s; its worker was killed")

    def _replace(self, place: int) -> None:
        _log.warning("worker replaced", pid=self._workers[place].pid)
        self._workers[place].end()
        self._workers[place] = _Worker()


class _Worker:
    """One process, the pipe to it, and its job."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "collectors.zkteco.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # pyzk prints
                start_new_session=True,  # the terminal's Ctrl-C is the collector's to handle
            )
        self.pipe: Connection[Job, Sighting | Failure] = Connection(ours.detach())
        self.job: Job | None = None
        self.begun = self.begun_wall = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self.pipe.closed

    def begin(self, job: Job) -> None:
        self.pipe.send(job)
        self.job = job
        self.begun, self.begun_wall = time.monotonic(), time.time()

    def receive(self) -> Sighting | Failure:
        """The result that is there; a failure when the process has died."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.end()
            return Failure("protocol", f"its worker died (exit {self._process.returncode})")

    def end(self) -> None:
        """Kills the process, so that nothing it waits for can hold it."""
        self._process.kill()
        self._process.wait()
        self.pipe.close()
