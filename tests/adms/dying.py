"""A receiver that dies right after a commit and before the answer: run as a process of its own.

Arguments: the store's address, the port, and the file that says that it may die (once).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event

from collectors.adms.collector import PushCollector
from collectors.adms.fleet import Call, Punches, Reply
from domain.clock import SystemClock
from pipeline.ingest import Ingest
from pipeline.push_fleet import CallingClocks
from pipeline.watch import CollectorWatch
from storage.database import Database


class DyingFleet(CallingClocks):
    """Dies when punches were committed."""

    def __init__(self, database: Database, order: Path) -> None:
        super().__init__(database, SystemClock(), Ingest(database, SystemClock(), "adms"))
        self._order = order

    def hear(self, call: Call) -> Reply:
        reply = super().hear(call)
        if isinstance(call.said, Punches) and self._order.exists():
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return reply


if __name__ == "__main__":
    database = Database(sys.argv[1])
    fleet = DyingFleet(database, Path(sys.argv[3]))
    watch = CollectorWatch(database, SystemClock())
    PushCollector(fleet, watch, SystemClock(), "127.0.0.1", int(sys.argv[2])).run(Event())
