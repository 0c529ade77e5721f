"""Worker processes that can be killed: a clock that hangs holds up no other clock."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
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
        return sum(worker.idle for worker in self._workers)

    @property
    def doubtful(self) -> int:
        """How many polls are under way of clocks that failed last time."""
        return sum(bool(worker.job and worker.job.target.failures) for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def begin(self, target: PollTarget) -> None:
        """Gives a poll to an idle worker; there must be one."""
        worker = next(worker for worker in self._workers if worker.idle)
        worker.begin(Job(target, self._timeout_s, self._deadline_s))

    def finished(self, wait_s: float) -> list[Done]:
        """The polls that ended or were ended; waits up to `wait_s` for the first one."""
        ready = wait([worker.pipe for worker in self._workers], timeout=wait_s)
        done = []
        for place, worker in enumerate(self._workers):
            result = self._result(worker, worker.pipe in ready)
            if worker.job and result:
                done.append((worker.job.target, worker.begun_wall, result))
                worker.job = None
            if worker.ended:
                _log.warning("worker replaced", pid=worker.pid)
                self._workers[place] = _Worker()
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
        if ready:
            return worker.receive()
        if worker.job is None:
            return None
        if time.monotonic() - worker.begun < self._deadline_s:
            return None
        worker.end()
        return Failure("timeout", f"not done after {self._deadline_s:g} s; its worker was killed")


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
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy's threads take memory
                start_new_session=True,  # the terminal's Ctrl-C is the collector's to handle
            )
        self.pipe: Connection[Job, Sighting | Failure | None] = Connection(ours.detach())
        self.job: Job | None = None
        self.ready = False
        self.begun = self.begun_wall = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self.pipe.closed

    @property
    def idle(self) -> bool:
        return self.ready and self.job is None

    def begin(self, job: Job) -> None:
        # If it has just died, the pipe's end will tell.
        with suppress(ConnectionError):
            self.pipe.send(job)
        self.job = job
        self.begun, self.begun_wall = time.monotonic(), time.time()

    def receive(self) -> Sighting | Failure | None:
        """The result that is there, None for the word that it is ready; a failure when it died."""
        try:
            result = self.pipe.recv()
            self.ready = True
            return result
        except (EOFError, OSError):
            self.end()
            return Failure("protocol", f"its worker died (exit {self._process.returncode})")

    def end(self) -> None:
        """Kills the process, so that nothing it waits for can hold it."""
        self._process.kill()
        self._process.wait()
        self.pipe.close()
