"""A program that runs beside us and ends with us, however we end."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

_PR_SET_PDEATHSIG = 1
_KEPT_BYTES = 10_000_000
_TAIL_LINES = 3

_log = structlog.get_logger()


class Daemon:
    """One process in a session of its own: the terminal's Ctrl-C is ours to hand on, in order.

    Its output is added to `log`, which starts anew when it has grown large. `ends_by` is the signal
    that it takes as an order to end; it gets it too when we are killed.
    """

    def __init__(
        self, name: str, log: Path, *, ends_by: signal.Signals, obeys_within_s: float
    ) -> None:
        self.name = name
        self.log = log
        self._ends_by = ends_by
        self._obeys_within_s = obeys_within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Lets it begin to end; `stop` waits for it."""
        if self._process is not None and self.running:
            self._process.send_signal(self._ends_by)
        self._asked_at = time.monotonic()

    def stop(self) -> None:
        """Ends it in order; kills it when it does not obey in time."""
        if self._process is None:
            return
        if self._asked_at is None:
            Daemon.ask_to_stop(self)
        assert self._asked_at is not None
        try:
            self._process.wait(max(0.0, self._asked_at + self._obeys_within_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("killed what would not end", name=self.name)
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kills it without warning, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _launch(
        self,
        command: Sequence[str],
        *,
        user: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Starts `command`, as `user` where we are root and one is named."""
        self._asked_at = None
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                cwd=cwd,
                env=env,
                start_new_session=True,
                preexec_fn=self._end_with_parent,
            )

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return " | ".join(lines[-_TAIL_LINES:]) or "its log is empty"

    def _end_with_parent(self) -> None:
        # Runs in the child just before its program starts.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, self._ends_by)
