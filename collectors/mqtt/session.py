"""Our persistent session on the broker: messages come into a bounded inbox, acknowledgements go out."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.mqtt.client import BatchClient
from collectors.mqtt.dialect import Command
from collectors.mqtt.interpreter import Said
from collectors.mqtt.packets import Publish
from collectors.mqtt.settings import BrokerSettings
from domain.clock import Clock
from domain.errors import ConfigurationError

INBOX_LIMIT = 20_000
"""Messages that wait to be stored; a full inbox stops reading, so the broker keeps the rest."""

INBOX_BYTES = 32 << 20
"""The same in bytes of their bodies."""

_KEEPALIVE_S = 30
_RETRY_S = (1, 15)
_ROOM_WAIT_S = 0.2

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What came in with one reading of the socket, decoded.

    Attributes:
        published: the messages as they came, to be acknowledged.
        size: of their bodies, in bytes.
        arrived: when, on `time.monotonic()`.
        connection: numbers the connection on which the messages' `mid` is valid.
    """

    published: Sequence[Publish]
    size: int
    said: Said
    arrived: float
    connection: int


Read = Callable[[Sequence[Publish], datetime], Said]


class Session:
    """One client of the broker and its network thread, which also decodes.

    A message's `mid` means nothing on the next connection, where it may name another message: what
    was not acknowledged on its own connection is delivered again, and known by its identity.
    """

    def __init__(
        self, settings: BrokerSettings, topics: Sequence[str], read: Read, clock: Clock
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._read = read
        self._clock = clock
        self._inbox: deque[Parcel] = deque()
        self._waiting = self._size = 0  # messages in the inbox, and bytes of their bodies
        self._changed = threading.Condition()
        self._lock = threading.Lock()
        self._connection = 0
        self._connected = False
        self._subscribed = False
        self._failed_by = ""
        self._closing = threading.Event()
        self._addresses = cycle([(settings.host, settings.port), *settings.others])
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

    @property
    def waiting(self) -> int:
        """Messages in the inbox."""
        return self._waiting

    @property
    def oldest(self) -> float | None:
        """When the first message in the inbox arrived, on `time.monotonic()`; None: it is empty."""
        with self._changed:
            return self._inbox[0].arrived if self._inbox else None

    def open(self) -> None:
        """Starts the network thread, which connects now, or as soon as the broker is there."""
        self._aim()
        self._client.loop_start()

    def close(self) -> None:
        """Sends what is waiting to go out, and leaves; the broker keeps the session."""
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, messages: int, size: int, wait_s: float) -> list[Parcel]:
        """What came in within `wait_s` seconds of the wall: as soon as it is so many messages or
        bytes, and of more than that only what the last parcel brings along."""
        end = time.monotonic() + wait_s
        with self._changed:
            while (
                self._waiting < messages
                and self._size < size
                and (left := end - time.monotonic()) > 0
            ):
                self._changed.wait(left)
            taken: list[Parcel] = []
            count = weight = 0
            while self._inbox and count < messages and weight < size:
                taken.append(self._inbox.popleft())
                count += len(taken[-1].published)
                weight += taken[-1].size
            self._waiting -= count
            self._size -= weight
            self._changed.notify_all()
        return taken

    def acknowledge(self, parcels: Iterable[Parcel]) -> None:
        """Tells the broker that these are stored; skips those of an earlier connection."""
        with self._lock:
            if self._connected:
                self._client.acknowledge(
                    [
                        published.mid
                        for parcel in parcels
                        if parcel.connection == self._connection
                        for published in parcel.published
                    ]
                )

    def publish(self, commands: Iterable[Command]) -> None:
        """Sends `commands`; one that can't go out now is not kept."""
        for command in commands:
            self._client.publish(command.topic, command.body, qos=0)

    def _aim(self, *_: Any) -> None:
        """Turns to the next broker of the cluster: where paho connects, or connects again, to."""
        self._client.connect_async(*next(self._addresses), _KEEPALIVE_S)

    def _make_client(self) -> BatchClient:
        settings = self._settings
        client = BatchClient(settings.client_id, self._has_room, self._put)
        if settings.username:
            client.username_pw_set(settings.username, settings.password)
        if settings.tls_ca:
            _trust(client, settings.tls_ca)
        client.reconnect_delay_set(*_RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        return client

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.error("broker_refuses", reason=str(reason), client_id=self._settings.client_id)
            return
        self._failed_by = ""
        with self._lock:
            self._connection += 1
            self._connected = True
        _log.info("broker_connected", kept_session=flags.session_present)
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_connect_fail(self, *_: Any) -> None:
        """Says why, once: no such host, refused, a certificate that is not trusted or not its own."""
        # paho calls this while it handles the error, and does not hand it on.
        why = str(sys.exc_info()[1])
        if why != self._failed_by:
            _log.warning("broker_not_reached", reason=why, client_id=self._settings.client_id)
            self._failed_by = why
        self._aim()

    def _on_disconnect(
        self, _: Client, __: Any, ___: DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        with self._lock:
            self._connected = self._subscribed = False
        if not self._closing.is_set():
            _log.warning("broker_lost", reason=str(reason))
            self._aim()

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, granted: list[ReasonCode], ____: Properties | None
    ) -> None:
        refused = [
            (topic, str(reason))
            for topic, reason in zip(self._topics, granted, strict=True)
            if reason.is_failure
        ]
        if refused:
            _log.error("subscription_refused", refused=refused)
        self._subscribed = not refused

    def _has_room(self) -> bool:
        """Waits a moment for it: the store may be behind or away."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._waiting < INBOX_LIMIT and self._size < INBOX_BYTES, _ROOM_WAIT_S
            )

    def _put(self, published: list[Publish]) -> None:
        try:
            said = self._read(published, self._clock.now())
        except Exception:  # noqa: BLE001 - an exception here ends paho's thread; unacknowledged, they come again
            _log.exception("messages_not_taken", messages=len(published))
            return
        size = sum([message.size for message in published])
        parcel = Parcel(published, size, said, time.monotonic(), self._connection)
        with self._changed:
            self._inbox.append(parcel)
            self._waiting += len(published)
            self._size += size
            self._changed.notify_all()


def _trust(client: Client, authority: Path) -> None:
    try:
        client.tls_set(ca_certs=str(authority))
    except OSError as error:
        raise ConfigurationError(
            f"mqtt_ca: {authority}: {error}; allowed: certificates in PEM"
        ) from error
