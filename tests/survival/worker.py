"""A collector in a process of its own, to be killed: `worker.py DSN HOST PORT USERNAME`.

The broker's password comes on standard input. Ends when standard input does.
"""

from __future__ import annotations

import sys
import threading

from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.settings import COLLECTOR, BrokerSettings
from domain.clock import SystemClock
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch
from storage.database import Database


def main() -> None:
    dsn, host, port, username = sys.argv[1:]
    password = sys.stdin.readline().strip()
    database, clock = Database(dsn), SystemClock()
    collector = MqttCollector(
        BrokerSettings(host, int(port), username, password),
        [JsonContract()],
        Ingest(database, clock, COLLECTOR),
        CollectorWatch(database, clock),
        clock,
    )
    stop = threading.Event()
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    collector.run(stop)
    database.close()


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
