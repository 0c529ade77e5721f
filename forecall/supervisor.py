"""Keeps the parts of one machine's system running, and ends them in order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from domain.errors import ForecallError
from storage.daemon import Daemon

log = structlog.get_logger()

_LOOK_EVERY_S = 0.2
_FIRST_BACKOFF_S = 0.5
_LAST_BACKOFF_S = 30.0
_STEADY_S = 60.0  # a part that ran this long starts again without waiting
OBEY_S = 5.0
"""A child that has not ended by then is killed."""


class Part(Protocol):
    """Something that runs beside us: a server or a child process."""

    @property
    def name(self) -> str: ...

    @property
    def running(self) -> bool: ...

    def start(self) -> None:
        """Starts it, also after it died. Raises a ForecallError when it does not come up."""
        ...

    def ask_to_stop(self) -> None:
        """Lets it begin to end; a server that others need does nothing yet."""
        ...

    def stop(self) -> None:
        """Ends it and returns when it has ended; does nothing when it is not running."""
        ...


class Child(Daemon):
    """A process of ours. Its output goes to `log_file`; it ends when we die, however we die."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log_file: Path,
        obeys_within_s: float = OBEY_S,
    ) -> None:
        super().__init__(name, log_file, ends_by=signal.SIGTERM, obeys_within_s=obeys_within_s)
        self._command = list(command)
        self._env = dict(env)

    def start(self) -> None:
        self._launch(self._command, env=self._env)


@dataclass(slots=True)
class _Care:
    part: Part
    started: float = 0.0
    backoff_s: float = _FIRST_BACKOFF_S
    not_before: float = 0.0


class Supervisor:
    """Starts parts in the order given, starts again what dies, ends them in reverse order."""

    def __init__(self) -> None:
        self._cared: list[_Care] = []

    def add(self, part: Part) -> None:
        """Starts `part` and looks after it from now on. Raises what its start raises."""
        care = _Care(part)
        self._cared.append(care)  # before the start: what half started is ended too
        care.part.start()
        care.started = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Looks after the parts until `stop` is set."""
        while not stop.wait(_LOOK_EVERY_S):
            for care in self._cared:
                if not care.part.running and time.monotonic() >= care.not_before:
                    _start_again(care)

    def end(self) -> None:
        """Ends every part. All are asked at once, and waited for from the last one to the first."""
        for care in reversed(self._cared):
            care.part.ask_to_stop()
        while self._cared:
            self._cared.pop().part.stop()


def _start_again(care: _Care) -> None:
    now = time.monotonic()
    if now - care.started > _STEADY_S:
        care.backoff_s = _FIRST_BACKOFF_S
    care.not_before = now + care.backoff_s
    care.backoff_s = min(care.backoff_s * 2, _LAST_BACKOFF_S)
    log.warning("a part has ended; starting it again", name=care.part.name)
    try:
        care.part.start()
    except ForecallError as error:
        log.error("the part does not start", name=care.part.name, error=str(error))
    care.started = time.monotonic()


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment with `extra` over it, for children that shall find what we started."""
    return {**os.environ, **extra, "PYTHONUNBUFFERED": "1"}
