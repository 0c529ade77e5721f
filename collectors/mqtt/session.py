"""Our persistent session on the broker: messages come into a bounded inbox, acknowledgements go out."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.mqtt.settings import BrokerSettings
from domain.clock import Clock

INBOX_LIMIT = 10_000
"""Messages that wait to be stored; a full inbox stops reading, so the broker keeps the rest."""

_KEEPALIVE_S = 30
_RETRY_S = (1, 15)
_FULL_WAIT_S = 0.5

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came. `connection` numbers the connection on which `mid` is valid."""

    topic: str
    body: bytes
    received_at: datetime
    arrived: float
    mid: int
    connection: int


class Session:
    """One client of the broker and its network thread.

    A message's `mid` means nothing on the next connection, where it may name another message: what
    was not acknowledged on its own connection is delivered again, and known by its identity.
    """

    def __init__(self, settings: BrokerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._inbox: queue.Queue[Delivery] = queue.Queue(INBOX_LIMIT)
        self._lock = threading.Lock()
        self._connection = 0
        self._connected = False
        self._subscribed = False
        self._closing = threading.Event()
        self._client = self._make_client()

    @property
    def listening(self) -> bool:
        """Whether the broker has granted our subscription on the present connection."""
        return self._subscribed

    @property
    def alive(self) -> bool:
        """Whether the network thread lives; a dead one never comes back by itself."""
        name = f"paho-mqtt-client-{self._settings.client_id}"
        return any(thread.name == name for thread in threading.enumerate())

    def open(self) -> None:
        """Starts the network thread, which connects now, or as soon as the broker is there."""
        self._client.connect_async(self._settings.host, self._settings.port, _KEEPALIVE_S)
        self._client.loop_start()

    def close(self) -> None:
        """Sends what is waiting to go out, and leaves; the broker keeps the session."""
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, limit: int, wait_s: float) -> list[Delivery]:
        """What came in within `wait_s` seconds of the wall, up to `limit` messages."""
        end = time.monotonic() + wait_s
        taken: list[Delivery] = []
        while len(taken) < limit:
            try:
                taken.append(self._inbox.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                break
        return taken

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Tells the broker that these are stored; skips those of an earlier connection."""
        with self._lock:
            for delivery in deliveries:
                if self._connected and delivery.connection == self._connection:
                    self._client.ack(delivery.mid, 1)

    def _make_client(self) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=False,
            protocol=MQTTv311,
            manual_ack=True,
        )
        if settings.username:
            client.username_pw_set(settings.username, settings.password)
        if settings.tls_ca:
            client.tls_set(ca_certs=str(settings.tls_ca))
        client.reconnect_delay_set(*_RETRY_S)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.error("broker_refuses", reason=str(reason), client_id=self._settings.client_id)
            return
        with self._lock:
            self._connection += 1
            self._connected = True
        _log.info("broker_connected", kept_session=flags.session_present)
        client.subscribe(self._settings.topic_filter, qos=1)

    def _on_disconnect(
        self, _: Client, __: Any, ___: DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        with self._lock:
            self._connected = self._subscribed = False
        if not self._closing.is_set():
            _log.warning("broker_lost", reason=str(reason))

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, granted: list[ReasonCode], ____: Properties | None
    ) -> None:
        refused = [str(reason) for reason in granted if reason.is_failure]
        if refused:
            _log.error("subscription_refused", topics=self._settings.topic_filter, reason=refused)
        self._subscribed = not refused

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            self._put(message)
        except Exception:  # noqa: BLE001 - an exception here ends paho's thread; unacknowledged, the message comes again
            _log.exception("message_not_taken", mid=message.mid)

    def _put(self, message: MQTTMessage) -> None:
        delivery = Delivery(
            topic=message.topic,
            body=bytes(message.payload),
            received_at=self._clock.now(),
            arrived=time.monotonic(),
            mid=message.mid,
            connection=self._connection,
        )
        while not self._closing.is_set():
            try:
                self._inbox.put(delivery, timeout=_FULL_WAIT_S)
                return
            except queue.Full:
                continue  # the store is behind or away: not reading is how we tell the broker
