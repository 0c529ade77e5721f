"""A process that reports the same faults as others do: `python -m benchmarks.fault_reports DSN SEED`.

It reports a fault of every adopted device, in an order of its own, and ends. Several at once - some of
them killed - show that the database alone decides which report opens the case.
"""

from __future__ import annotations

import random
import sys

from alerts.engine import hear_outside
from alerts.sign import Origin, Sign
from desk.cases import Cases
from domain.clock import SystemClock
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import N_, Text
from storage.database import Database

AT_ONCE = 200
"""Reports a transaction."""


def report(database: Database, seed: int) -> None:
    """Reports a fault of every adopted device."""
    clock = SystemClock()
    with database.transaction() as conn:
        rows = conn.execute("SELECT id FROM device WHERE adopted_at IS NOT NULL").fetchall()
    devices = [row["id"] for row in rows]
    random.Random(seed).shuffle(devices)
    for start in range(0, len(devices), AT_ONCE):
        now = clock.now()
        signs = [
            Sign(
                fault=Fault(device, "receiptPrinter", FaultClass.BREAKDOWN),
                origin=Origin.EXTERNAL,
                rule="reported",
                severity=Severity.CRITICAL,
                message=Text(N_("It reports the error {code}"), {"code": "failure"}),
                at=now,
                failed=True,
            )
            for device in devices[start : start + AT_ONCE]
        ]
        with database.transaction() as conn:
            hear_outside(conn, now, Cases(clock), signs)


def main(dsn: str, seed: str) -> None:
    """Reports, and ends."""
    database = Database(dsn, max_size=2)
    report(database, int(seed))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
