"""A process that plans and sends until it is ended: `python -m tests.outbox.worker DSN DIES_AFTER`.

Its letters arrive in a table of the test's, outside of the outbox's own transactions, as at a
receiver. It kills itself between an arrival and noting it, after so many; 0: never.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.outbox.delivery import Carrier, Delivery, Letter
from alerts.outbox.relay import Heard, relay
from alerts.outbox.sending import Sender
from domain.clock import SystemClock
from storage.database import Conn, Database


class EachTwice:
    """Plans one letter in each of two channels for every announcement."""

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        return [
            Delivery(f"{channel}/{one.id}", channel, one.announcement.subject, {})
            for one in heard
            for channel in ("chat", "mail")
        ]


@dataclass
class Receiver:
    """Somewhere else, where letters arrive."""

    database: Database
    dies_after: int
    taken: int = 0

    def send(self, letter: Letter) -> None:
        with self.database.transaction() as conn:
            conn.execute(
                "INSERT INTO arrival (key, channel, subject) VALUES (%s, %s, %s)",
                [letter.key, letter.channel, letter.subject],
            )
        self.taken += 1
        if self.taken == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def main(dsn: str, dies_after: str) -> None:
    database, clock = Database(dsn), SystemClock()
    receiver = Receiver(Database(dsn), int(dies_after))

    def carrier(_: str) -> Carrier:
        return receiver

    sender = Sender(database, clock, carrier, lease=timedelta(seconds=5))
    while True:
        relay(database, clock, clock, [EachTwice()])
        for channel in sender.channels_due():
            sender.send_due(channel, within_s=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
