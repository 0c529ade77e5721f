"""Lines to the MQTT broker, many on one event loop: one a terminal, or one shared by several."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

log = structlog.get_logger()

_KEEPALIVE_S = 30
_CONNECT_S = 3.0
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 8.0
_QUEUE_LIMIT = 500  # messages a terminal keeps while it has no line
_QOS = 1


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and how a terminal names itself there."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    body: bytes
    retain: bool = False


class Link(Protocol):
    """A terminal's way to the broker."""

    def open(self, will: Message) -> None:
        """Connects, and connects again when the line breaks; `will` is said if it ends unseemly."""
        ...

    def send(self, message: Message) -> None:
        """Sends, or keeps for the time after the next connect."""
        ...

    def cut(self) -> None:
        """The network goes away: nothing more is said, and nothing is heard, until `open`."""
        ...

    def close(self) -> None:
        """Ends in order: no will."""
        ...


class Line:
    """One MQTT connection on the running event loop. Is a `Link` of its own."""

    def __init__(self, address: Address, client_id: str) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._wanted = False
        self._retry_s = _FIRST_RETRY_S
        self._retry: asyncio.TimerHandle | None = None
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        client.max_queued_messages_set(_QUEUE_LIMIT)
        client.connect_timeout = _CONNECT_S
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.ca:
            client.tls_set(ca_certs=str(self._address.ca))
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_socket_open = self._socket_opened
        client.on_socket_close = self._socket_closed
        client.on_socket_register_write = self._wants_to_write
        client.on_socket_unregister_write = self._has_written
        return client

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def open(self, will: Message | None = None) -> None:
        if will is not None:
            self._client.will_set(will.topic, will.body, qos=_QOS, retain=will.retain)
        self._wanted = True
        self._connect()

    def send(self, message: Message) -> None:
        self._client.publish(message.topic, message.body, qos=_QOS, retain=message.retain)

    def cut(self) -> None:
        self._give_up_trying()
        plug = self._client.socket()
        if isinstance(plug, socket.socket):
            plug.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._give_up_trying()
        self._client.disconnect()

    def tend(self) -> None:
        """Keeps the connection alive; called about once a second."""
        self._client.loop_misc()

    def _give_up_trying(self) -> None:
        self._wanted = False
        if self._retry:
            self._retry.cancel()
            self._retry = None

    def _connect(self) -> None:
        self._retry = None
        if not self._wanted:
            return
        try:
            self._client.connect(self._address.host, self._address.port, _KEEPALIVE_S)
        except OSError:
            self._try_later()

    def _try_later(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(self._retry_s, self._connect)
            self._retry_s = min(self._retry_s * 2, _LAST_RETRY_S)

    def _connected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.warning("the broker refuses the terminal", reason=str(reason))
        else:
            self._retry_s = _FIRST_RETRY_S

    def _disconnected(self, *_: Any) -> None:
        if self._wanted:
            self._try_later()

    def _socket_opened(self, _client: mqtt.Client, _data: Any, plug: Any) -> None:
        self._loop.add_reader(plug, self._client.loop_read)

    def _socket_closed(self, _client: mqtt.Client, _data: Any, plug: Any) -> None:
        self._loop.remove_reader(plug)

    def _wants_to_write(self, _client: mqtt.Client, _data: Any, plug: Any) -> None:
        self._loop.add_writer(plug, self._client.loop_write)

    def _has_written(self, _client: mqtt.Client, _data: Any, plug: Any) -> None:
        self._loop.remove_writer(plug)


class SharedLine:
    """A terminal's link over a line that it shares, as behind a gateway.

    The broker knows one will a connection, so the gateway says the terminal's when it is lost.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._will: Message | None = None
        self._kept: list[Message] = []

    def open(self, will: Message) -> None:
        self._will = will
        kept, self._kept = self._kept, []
        for message in kept:
            self._line.send(message)

    def send(self, message: Message) -> None:
        if self._will is not None:
            self._line.send(message)
        elif len(self._kept) < _QUEUE_LIMIT:
            self._kept.append(message)

    def cut(self) -> None:
        if self._will is not None:
            self._line.send(self._will)
        self._will = None

    def close(self) -> None:
        self._will = None
