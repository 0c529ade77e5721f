"""A process that evaluates until it is ended: `python -m tests.alerts.worker DSN MOMENT DIES_AFTER`.

It kills itself in the midst of its transaction after so many signs; 0: never.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from alerts.desk_port import News
from alerts.engine import evaluate
from alerts.rules import RuleBooks
from alerts.sign import Sign
from desk.cases import Cases
from domain.clock import ManualClock
from domain.fault import Fault
from storage.database import Conn, Database


@dataclass(frozen=True, slots=True)
class MortalDesk:
    """The real desk, in a process that dies."""

    cases: Cases
    dies_after: int
    heard: count[int] = field(default_factory=lambda: count(1))

    def sign(self, conn: Conn, alert_id: int, sign: Sign, news: News) -> None:
        self.cases.sign(conn, alert_id, sign, news)
        if next(self.heard) == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def returned(self, conn: Conn, fault: Fault, at: datetime, *, restored: bool) -> None:
        self.cases.returned(conn, fault, at, restored=restored)


def main(dsn: str, moment: str, dies_after: str) -> None:
    clock = ManualClock(datetime.fromisoformat(moment))
    database = Database(dsn)
    desk = MortalDesk(Cases(clock), int(dies_after))
    while True:
        evaluate(database, clock, desk, RuleBooks())


if __name__ == "__main__":
    main(*sys.argv[1:])
