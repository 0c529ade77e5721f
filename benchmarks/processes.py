"""Programs that a benchmark runs beside each other, and the CPU seconds that each takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_LIMIT_S = 10


class Program:
    """A Python module of the benchmarks, run as a process that speaks in lines."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_ready(self) -> None:
        line = self._line()
        if line != "ready":
            raise SystemExit(f"{self._module}: said {line!r} instead of ready")

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """The line of JSON that it ends with; waits for it."""
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(_STOP_LIMIT_S)

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, int]]:
    """Debian's broker on a port of its own, keeping all that is queued: (its pid, its port)."""
    port = _free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        "max_inflight_messages 20000\nlog_type error\n"
    )
    process = subprocess.Popen(["mosquitto", "-c", str(configuration)])
    try:
        _await_answer(port)
        yield process.pid, port
    finally:
        process.kill()
        process.wait(_STOP_LIMIT_S)


def cpu_seconds(pid: int, *, with_children: bool = False) -> float:
    """What the process has taken so far, and its children, also those that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = sum(map(int, fields[11:15] if with_children else fields[11:13]))
    seconds = ticks / _TICKS
    if with_children:
        for child in _children(pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                seconds += cpu_seconds(child)
    return seconds


def _children(pid: int) -> Sequence[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _await_answer(port: int) -> None:
    end = time.monotonic() + _STOP_LIMIT_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers at port {port}")
