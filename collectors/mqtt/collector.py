"""Takes terminals' messages from the broker to ingest, and acknowledges them once they are stored."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import structlog

from collectors.mqtt.dialect import Dialect
from collectors.mqtt.flow import FlowMeter
from collectors.mqtt.interpreter import Interpreter
from collectors.mqtt.packets import Publish
from collectors.mqtt.session import Parcel, Session
from collectors.mqtt.settings import BrokerSettings
from domain.clock import Clock
from domain.errors import BadInputError, StoreUnavailableError
from domain.report import DeviceReport, Intake, RejectedMessage, Watch

_BATCH = 20_000
_BATCH_BYTES = 8 << 20
_BATCH_WAIT_S = 0.1
_BEAT_S = 2.0
_BEHIND_S = 4.0  # messages older than this wait to be stored: we are not listening in time
_RETRY_S = (0.2, 5.0)
_CORES = min(4, os.cpu_count() or 1)  # PostgreSQL works for one connection on one core
_WORTH_SHARING = 2_000  # reports in a batch
_SAMPLE = 64  # reports of a batch whose age is looked at

_log = structlog.get_logger()


class MqttCollector:
    """One persistent session on one broker.

    What is in flight is bounded by the inbox; nothing is acknowledged before it is committed. While
    the store is away the batch in hand is kept and tried again, and nothing more is taken in.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        dialects: Sequence[Dialect],
        intake: Intake,
        watch: Watch,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._at_once = max(1, _CORES // settings.shares)
        self._interpreter = Interpreter(dialects, settings.name)
        self._intake = intake
        self._watch = watch
        self._clock = clock
        self._flow = FlowMeter(clock.speed)
        self._next_beat = 0.0

    def run(self, stop: threading.Event) -> None:
        """Collects until `stop` is set; survives the absence of the broker and of the store."""
        topics = self._settings.topics or self._interpreter.topics
        with ThreadPoolExecutor(self._at_once, "store") as self._writers:
            while not stop.is_set():
                session = Session(self._settings, topics, self._interpreter.read, self._clock)
                session.open()
                try:
                    self._collect(session, stop)
                finally:
                    session.close()

    def _collect(self, session: Session, stop: threading.Event) -> None:
        while not stop.is_set():
            parcels = session.take(_BATCH, _BATCH_BYTES, _BATCH_WAIT_S)
            if parcels and self._keep(parcels, stop):
                session.acknowledge(parcels)
            session.publish(self._interpreter.commands())
            behind = bool(parcels) and time.monotonic() - parcels[0].arrived > _BEHIND_S
            if session.listening and not behind:
                self._beat(session)
            if not session.alive:
                _log.error("network_thread_died", client_id=self._settings.client_id)
                return

    def _keep(self, parcels: Sequence[Parcel], stop: threading.Event) -> bool:
        """Stores what came in, waiting for the store while it is away; False: stopped before."""
        pause = _RETRY_S[0]
        while True:
            try:
                self._store(parcels)
                return True
            except StoreUnavailableError as error:
                _log.warning("store_away", parcels=len(parcels), retry_s=pause, error=str(error))
            if stop.wait(pause):
                return False
            pause = min(pause * 2, _RETRY_S[1])

    def _store(self, parcels: Sequence[Parcel]) -> None:
        reports = [report for parcel in parcels for report in parcel.said.reports]
        rejected = [message for parcel in parcels for message in parcel.said.rejected]
        try:
            self._share_out(reports, rejected)
        except BadInputError:
            origins = [origin for parcel in parcels for origin in parcel.said.origins]
            self._intake.store((), rejected)
            self._isolate(reports, origins)
        sample = reports[:: max(1, len(reports) // _SAMPLE)]
        self._flow.committed(parcels[0].arrived, sample, self._clock.now())

    def _share_out(
        self, reports: Sequence[DeviceReport], rejected: Sequence[RejectedMessage]
    ) -> None:
        """Stores a large batch in parts at once, cut by device: their transactions lock different
        devices. A part that is stored when another fails is known when the batch comes again."""
        if len(reports) < _WORTH_SHARING or self._at_once == 1:
            self._intake.store(reports, rejected)
            return
        parts: list[list[DeviceReport]] = [[] for _ in range(self._at_once)]
        for report in reports:
            parts[hash(report.device_key) % self._at_once].append(report)
        stored = [self._writers.submit(self._intake.store, part) for part in parts]
        if rejected:
            stored.append(self._writers.submit(self._intake.store, (), rejected))
        wait(stored)
        for part in stored:
            part.result()

    def _isolate(self, reports: Sequence[DeviceReport], origins: Sequence[Publish]) -> None:
        """Finds by halves the report that the store can't take, and rejects its message alone."""
        try:
            self._intake.store(reports)
        except BadInputError as error:
            if len(reports) == 1:
                at = reports[0].received_at
                rejected = self._interpreter.rejection(origins[0], at, str(error))
                self._intake.store((), [rejected])
                return
            middle = len(reports) // 2
            self._isolate(reports[:middle], origins[:middle])
            self._isolate(reports[middle:], origins[middle:])

    def _beat(self, session: Session) -> None:
        if time.monotonic() < self._next_beat:
            return
        try:
            self._watch.beat(self._settings.name, self._flow.read(session.waiting, session.oldest))
        except StoreUnavailableError as error:
            _log.warning("beat_not_stored", error=str(error))
        self._next_beat = time.monotonic() + _BEAT_S
