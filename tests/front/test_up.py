"""`forecall up --demo` as a new user starts it, with a small fleet: twice, on one data folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from forecall.config import Settings
from forecall.ports import next_free
from forecall.wiring import dsn
from tests.waiting import wait_for

_ADDRESS = re.compile(r"Console: (http://\S+)")
_START_LIMIT_S = 300
_LIMIT_S = 120
"""Of all other waits. A worker may take 20 s to end the turn that it is at, and a busy machine more."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECALL_")}
    small = {
        "FORECALL_DATA_DIR": str(folder),
        "FORECALL_DEMO_CLOCKS": "4",
        "FORECALL_DEMO_TERMINALS": "10",
        "FORECALL_DEMO_HISTORY_DAYS": "10",
        "COLUMNS": "200",
    }
    return kept | small | more


@contextmanager
def _up(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The running system and its console's address; ended at the end, and that within its limit."""
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "forecall", "up", "--demo"],
            env=_environment(folder, FORECALL_PORT=str(port)),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(
            "the console's address is printed",
            lambda: process.poll() is not None or "Ctrl-C" in output.read_text(),
            _START_LIMIT_S,
        )
        found = _ADDRESS.search(output.read_text())
        assert found, output.read_text()
        yield process, found[1]
    finally:
        with process:  # so that it is collected even where it has to be killed
            process.send_signal(signal.SIGINT)
            ended_by_itself = _ended(process)
            process.kill()
    assert ended_by_itself, output.read_text()
    assert process.returncode == 0
    assert "Stopped." in output.read_text()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LIMIT_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _status(folder: Path) -> dict[str, Any]:
    address = dsn(Settings(data_dir=folder))
    result = subprocess.run(
        [sys.executable, "-m", "forecall", "status", "--json"],
        env=_environment(folder, FORECALL_DATABASE_DSN=address),
        capture_output=True,
        check=False,
    )
    return json.loads(result.stdout) if result.returncode == 0 else {"devices": {"up": 0}}


def _stored(folder: Path) -> int:
    return int(_status(folder).get("messages", {"stored": 0})["stored"])


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def test_a_system_starts_lives_ends_and_goes_on(folder: Path) -> None:
    # Below the ports that the system hands out: a connection to one of those, while nobody listens
    # there, can meet itself.
    port = next_free("127.0.0.1", 18080)
    with socket.create_server(("127.0.0.1", port)), _up(folder, port) as (_, address):
        assert f":{port}/" not in address
        assert f"Port {port} is taken" in (folder / "output").read_text()
        wait_for("the console answers", lambda: _ready(address), _LIMIT_S)
        wait_for("every device is heard", lambda: _status(folder)["devices"]["up"] >= 12, _LIMIT_S)
        again = subprocess.run(
            [sys.executable, "-m", "forecall", "up", "--demo"],
            env=_environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 2
        assert "in use by another" in again.stderr
        first = _status(folder)
    assert first["simulated"]
    assert not _processes_of(folder)

    with _up(folder, port) as (process, address):
        assert "First start" not in (folder / "output").read_text()
        wait_for("the console answers", lambda: _ready(address), _LIMIT_S)
        second = _status(folder)
        assert second["now"] > first["now"]
        assert second["messages"]["stored"] >= first["messages"]["stored"]
        for name in ("nats-server", "postgres", "work"):
            _kill_a_child(process.pid, name)
            wait_for(f"{name} runs again", lambda name=name: _child(process.pid, name), _LIMIT_S)  # type: ignore[misc]
        stored = second["messages"]["stored"]
        wait_for("messages come in again", lambda: _stored(folder) > stored, _LIMIT_S)
    assert not _processes_of(folder)


def _children(pid: int) -> dict[str, int]:
    """Process ids of the parts: a server by its program, a service by its last word."""
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if len(words) > 1:  # else it is dead and not yet collected
            program, last = Path(words[0].decode()).name, words[-2].decode()
            found[last if program.startswith("python") else program] = int(child)
    return found


def _child(pid: int, name: str) -> int | None:
    return _children(pid).get(name)


def _kill_a_child(pid: int, name: str) -> None:
    child = _child(pid, name)
    assert child is not None
    os.kill(child, signal.SIGKILL)
    wait_for("it is dead", lambda: _child(pid, name) != child)


def _processes_of(folder: Path) -> list[str]:
    """Processes that still have the data folder in their environment."""
    mark = f"FORECALL_DATA_DIR={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # gone meanwhile
    return found
