"""Debian's Mosquitto as a process of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

from forecall.broker import HOST
from forecall.ports import next_free
from storage.daemon import Daemon
from tests.waiting import wait_for

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

_FIRST_PORT = 18_830  # below the ports that the system hands out
_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 30
max_queued_messages 0
max_inflight_messages 20000
max_packet_size 70000
log_type error
"""


class Mosquitto(Daemon):
    """One broker that keeps sessions and messages in `folder`, as production's does."""

    username = ""
    password = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            "mosquitto", folder / "mosquitto.log", ends_by=signal.SIGTERM, obeys_within_s=30
        )
        self.port = next_free(HOST, _FIRST_PORT + os.getpid() % 10_000)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        user = "user root\n" if os.geteuid() == 0 else ""
        path = self.folder / "mosquitto.conf"
        path.write_text(user + _CONFIGURATION.format(port=self.port, folder=self.folder))
        assert PROGRAM
        self._launch([PROGRAM, "-c", str(path)])
        wait_for("the broker listens", self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True
