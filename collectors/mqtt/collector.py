"""Takes terminals' messages from the broker to ingest, and acknowledges them once they are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from collectors.mqtt.decode import decode
from collectors.mqtt.session import Delivery, Session
from collectors.mqtt.settings import COLLECTOR, BrokerSettings
from domain.clock import Clock
from domain.errors import BadInputError, StoreUnavailableError, UndecodableMessageError
from domain.report import DeviceReport, Intake, RejectedMessage, Watch

_BATCH = 2_000
_BATCH_WAIT_S = 0.1
_BEAT_S = 2.0
_BEHIND_S = 4.0  # messages older than this wait to be stored: we are not listening in time
_RETRY_S = (0.2, 5.0)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Item:
    delivery: Delivery
    report: DeviceReport | None
    rejected: RejectedMessage | None


class MqttCollector:
    """One persistent session on one broker.

    What is in flight is bounded by the inbox; nothing is acknowledged before it is committed. While
    the store is away the batch in hand is kept and tried again, and nothing more is taken in.
    """

    def __init__(
        self, settings: BrokerSettings, intake: Intake, watch: Watch, clock: Clock
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._watch = watch
        self._clock = clock
        self._next_beat = 0.0

    def run(self, stop: threading.Event) -> None:
        """Collects until `stop` is set; survives the absence of the broker and of the store."""
        while not stop.is_set():
            session = Session(self._settings, self._clock)
            session.open()
            try:
                self._collect(session, stop)
            finally:
                session.close()

    def _collect(self, session: Session, stop: threading.Event) -> None:
        while not stop.is_set():
            batch = session.take(_BATCH, _BATCH_WAIT_S)
            behind = bool(batch) and time.monotonic() - batch[0].arrived > _BEHIND_S
            if batch and self._keep([self._read(delivery) for delivery in batch], stop):
                session.acknowledge(batch)
            if session.listening and not behind:
                self._beat()
            if not session.alive:
                _log.error("network_thread_died", client_id=self._settings.client_id)
                return

    def _read(self, delivery: Delivery) -> _Item:
        try:
            report = decode(delivery.topic, delivery.body, delivery.received_at)
        except UndecodableMessageError as error:
            return _Item(delivery, None, _rejection(delivery, str(error)))
        return _Item(delivery, report, None)

    def _keep(self, items: Sequence[_Item], stop: threading.Event) -> bool:
        """Stores `items`, waiting for the store while it is away; False: stopped before."""
        pause = _RETRY_S[0]
        while True:
            try:
                self._intake.store(
                    [item.report for item in items if item.report],
                    [item.rejected for item in items if item.rejected],
                )
                return True
            except StoreUnavailableError as error:
                _log.warning("store_away", waiting=len(items), retry_s=pause, error=str(error))
            except BadInputError as error:
                return self._isolate(items, error, stop)
            if stop.wait(pause):
                return False
            pause = min(pause * 2, _RETRY_S[1])

    def _isolate(self, items: Sequence[_Item], error: BadInputError, stop: threading.Event) -> bool:
        """Finds by halves the message that the store can't take, and rejects it alone."""
        if len(items) == 1:
            delivery = items[0].delivery
            if items[0].rejected:
                raise error
            return self._keep([_Item(delivery, None, _rejection(delivery, str(error)))], stop)
        middle = len(items) // 2
        return self._keep(items[:middle], stop) and self._keep(items[middle:], stop)

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        try:
            self._watch.beat(COLLECTOR)
        except StoreUnavailableError as error:
            _log.warning("beat_not_stored", error=str(error))
        self._next_beat = time.monotonic() + _BEAT_S


def _rejection(delivery: Delivery, reason: str) -> RejectedMessage:
    return RejectedMessage(COLLECTOR, delivery.received_at, delivery.topic, delivery.body, reason)
