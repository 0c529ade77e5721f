"""A process that evaluates until it is ended: `python -m tests.alerts.worker DSN MOMENT DIES_AFTER`.

It kills itself in the midst of its transaction after so many signs; 0: never.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from alerts.desk_port import Heard
from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.clock import ManualClock
from storage.database import Conn, Database


@dataclass(frozen=True)
class MortalDesk(Cases):
    """The real desk, in a process that dies."""

    dies_after: int
    signs: count[int] = field(default_factory=lambda: count(1))

    def heard(self, conn: Conn, heard: Sequence[Heard]) -> set[int]:
        joined = super().heard(conn, heard)
        if self.dies_after in [next(self.signs) for _ in heard]:
            os.kill(os.getpid(), signal.SIGKILL)
        return joined


def main(dsn: str, moment: str, dies_after: str) -> None:
    clock = ManualClock(datetime.fromisoformat(moment))
    database = Database(dsn)
    desk = MortalDesk(clock, int(dies_after))
    while True:
        evaluate(database, clock, desk, RuleBooks(), hold=timedelta())


if __name__ == "__main__":
    main(*sys.argv[1:])
