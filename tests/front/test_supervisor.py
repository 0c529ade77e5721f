"""The supervisor with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecall.supervisor import Child, Supervisor
from tests.waiting import wait_for

_SLEEPER = "import time; print('started', flush=True); time.sleep(600)"
_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('started', flush=True); time.sleep(600)"
)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.end()


def _child(tmp_path: Path, program: str, name: str = "sleeper") -> Child:
    command = [sys.executable, "-c", program]
    return Child(name, command, dict(os.environ), tmp_path / f"{name}.log")


def _started(tmp_path: Path, times: int = 1, name: str = "sleeper") -> bool:
    return (tmp_path / f"{name}.log").read_text().count("started") == times


def _gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_dies_is_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    child = _child(tmp_path, _SLEEPER)
    supervisor.add(child)
    wait_for("it runs", lambda: _started(tmp_path))
    stop = threading.Event()
    watching = threading.Thread(target=supervisor.run, args=(stop,))
    watching.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for("it runs again", lambda: _started(tmp_path, 2))
    assert child.running
    assert child.pid != first
    stop.set()
    watching.join()


def test_everything_ends_even_what_will_not(tmp_path: Path, supervisor: Supervisor) -> None:
    children = [_child(tmp_path, _SLEEPER), _child(tmp_path, _STUBBORN, "stubborn")]
    for child in children:
        supervisor.add(child)
        wait_for("it runs", lambda name=child.name: _started(tmp_path, name=name))  # type: ignore[misc]
    pids = [child.pid for child in children]
    supervisor.end()
    assert all(_gone(pid) for pid in pids)


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    parent = (
        "import os, sys, time; from pathlib import Path; from forecall.supervisor import Child; "
        f"child = Child('c', [sys.executable, '-c', {_SLEEPER!r}], dict(os.environ), "
        f"Path({str(tmp_path / 'sleeper.log')!r})); child.start(); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        wait_for("the child runs", lambda: _started(tmp_path))
        process.kill()
    wait_for("the child is gone", lambda: _ended(pid))


def _ended(pid: int) -> bool:
    """Gone, or dead and not yet collected by whoever adopted it."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
