"""A worker process: polls one clock at a time and hands the result back. Started by the pool.

It is a program of its own, with few imports, so that a killed one is soon replaced.
"""

from __future__ import annotations

import resource
import signal
import sys
from multiprocessing.connection import Connection

from collectors.zkteco.job import Failure, Job, Sighting
from collectors.zkteco.session import poll
from domain.errors import DeviceUnreachableError

_MEMORY_LIMIT = 1 << 30
_GRACE_S = 5


def serve(jobs: Connection[Sighting | Failure | None, Job]) -> None:
    """Says that it is ready, then works until the other end of the pipe is gone."""
    jobs.send(None)
    while True:
        try:
            job = jobs.recv()
        except EOFError:
            return
        # The pool kills a worker that is late. If the pool itself was killed, this ends it.
        signal.alarm(int(job.deadline_s) + _GRACE_S)
        result = _result(job)
        signal.alarm(0)
        jobs.send(result)


def _result(job: Job) -> Sighting | Failure:
    try:
        return poll(job.target, job.timeout_s)
    except DeviceUnreachableError as error:
        return Failure(error.reason, str(error))


def main() -> None:
    """`python -m collectors.zkteco.worker FD`: FD is one end of a socket pair."""
    # A clock that claims to hold 4 GB must not take the machine's memory.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    try:
        serve(Connection(int(sys.argv[1])))
    except (BrokenPipeError, ConnectionResetError):
        return  # the pool is gone


if __name__ == "__main__":
    main()
