"""Forecall's collector as `forecall collect mqtt` runs it, telling how far it is:
`python -m benchmarks.ingest.collector DSN PORT MESSAGES UNMEASURED CLIENT_ID TOPICS SHARES`."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence

import structlog

from benchmarks.ingest.report import SAMPLE, Progress
from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.memory import collect_garbage_rarely
from collectors.mqtt.settings import BrokerSettings
from domain.clock import SystemClock
from domain.report import DeviceReport, Flow, IntakeResult, RejectedMessage
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch
from storage.database import Database


class _Told:
    """Ingest and watch, and what the benchmark wants to know of them."""

    def __init__(self, ingest: Ingest, watch: CollectorWatch, progress: Progress) -> None:
        self._ingest = ingest
        self._watch = watch
        self._progress = progress
        self._listening = False

    def store(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage] = ()
    ) -> IntakeResult:
        result = self._ingest.store(reports, rejected)
        made = [report.at.timestamp() for report in reports[::SAMPLE]]
        self._progress.committed(result.stored, made)
        return result

    def beat(self, collector: str, flow: Flow | None = None) -> None:
        self._watch.beat(collector, flow)
        if not self._listening:
            self._listening = True
            print("ready", flush=True)


def main() -> None:
    dsn, port, messages, unmeasured, client_id, topics, shares = sys.argv[1:]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock, database = SystemClock(), Database(dsn)
    settings = BrokerSettings(
        "127.0.0.1", int(port), client_id=client_id, topics=(topics,), shares=int(shares)
    )
    progress = Progress(int(messages), int(unmeasured))
    told = _Told(Ingest(database, clock, "mqtt"), CollectorWatch(database, clock), progress)
    collect_garbage_rarely()
    stop = threading.Event()
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    MqttCollector(settings, [JsonContract()], told, told, clock).run(stop)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
