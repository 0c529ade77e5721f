"""What the outbox carries: `python -m benchmarks.outbox`. Plain figures of this machine.

Announcements are written by several connections in transactions of ten, as those who change cases
do; then they are planned for a policy, and sent to a receiver that takes no time.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from psycopg.types.json import Jsonb
from rich.console import Console

from alerts.notify.message import Messages
from alerts.notify.notifier import Notifier
from alerts.notify.policy_file import read_policy
from alerts.outbox import Announcement, Topic, announce_many
from alerts.outbox.delivery import Carrier, Letter
from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from benchmarks.store import fresh_store
from console.i18n.speech import reader
from domain.clock import SystemClock
from domain.text import Text
from storage.database import Database

ALERTS = 10_000
WRITERS, AT_ONCE = 4, 10
OUT = Console()
CLOCK = SystemClock()
POLICY = read_policy(
    """
[channels]
mail = {url = {env = "NOWHERE"}}
[people.li]
name = "Li Wei"
language = "zh"
addresses = {mail = "li"}
[[routes]]
name = "all"
steps = [{tell = ["li"], by = ["mail"]}]
"""
)


class Nowhere:
    """Takes letters at once."""

    def send(self, letter: Letter) -> None:
        pass


def main() -> None:
    with fresh_store() as database:
        ids = _alerts(database)
        _report("announced", ALERTS, _announce(database, ids))
        notifier = Notifier(lambda: POLICY, Messages(reader, "https://forecall.example"), CLOCK)
        _report("planned", ALERTS, _timed(lambda: relay(database, CLOCK, CLOCK, [notifier])))
        _report("written as messages", ALERTS, _timed(lambda: notifier.climb(database, CLOCK)))
        _report("sent", ALERTS, _timed(lambda: _send(database)))
        _report("announced with no policy", ALERTS, _announce(database, ids))
        _report("dropped with no policy", ALERTS, _timed(lambda: relay(database, CLOCK, CLOCK, [])))


def _alerts(database: Database) -> list[int]:
    with database.transaction() as conn:
        conn.execute(
            """INSERT INTO device (key, kind, adopted_at)
               SELECT 'd' || n, 'pos', now() FROM generate_series(1, %(count)s) n""",
            {"count": ALERTS},
        )
        rows = conn.execute(
            """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                  message, opened_at, last_sign_at)
               SELECT id, 'device', 'breakdown', 'unacknowledged', 'error', 'event', 'x',
                      %(message)s, now(), now()
               FROM device RETURNING id""",
            {"message": Jsonb(Text("A failure was recorded").to_json())},
        ).fetchall()
    return [row["id"] for row in rows]


def _announce(database: Database, ids: list[int]) -> float:
    """Seconds that it takes to announce an alert for each of `ids`."""

    def write(part: list[int]) -> None:
        for begin in range(0, len(part), AT_ONCE):
            now = datetime.now(UTC)
            told = [
                Announcement(Topic.ALERT_RAISED, f"alert/{number}", now, {"step": "raise"})
                for number in part[begin : begin + AT_ONCE]
            ]
            with database.transaction() as conn:
                announce_many(conn, told)

    began = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, [ids[place::WRITERS] for place in range(WRITERS)]))
    return time.perf_counter() - began


def _send(database: Database) -> None:
    nowhere = Nowhere()

    def carrier(_: str) -> Carrier:
        return nowhere

    Sender(database, CLOCK, carrier).send_due("mail", within_s=600)


def _timed(do: object) -> float:
    assert callable(do)
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _report(what: str, count: int, seconds: float) -> None:
    OUT.print(f"{what}: {count / seconds:,.0f} a second ({count:,} in {seconds:.1f} s)")


if __name__ == "__main__":
    main()
