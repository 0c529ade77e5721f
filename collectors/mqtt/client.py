"""paho's client, reading all that has come at once and acknowledging many messages in one write."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from collectors.mqtt.packets import PacketReader, Publish

_READ = 1 << 18  # bytes asked of the socket at once
_READ_EVERY_S = 0.01
_log = structlog.get_logger()
_PUBACK = b"\x40\x02"  # MQTT 3.1.1, 3.4: the number of the packet follows


class BatchClient(Client):
    """Connects, keeps alive and reconnects as paho does; what is published to it comes in batches.

    paho's own way costs some 30 us a message: it reads a packet byte by byte, and wakes its thread
    for each acknowledgement. Here `loop_read` reads the socket once and takes the messages out;
    all other packets are left to paho, which finds them where it asks the socket for bytes.
    """

    def __init__(
        self, client_id: str, has_room: Callable[[], bool], take: Callable[[list[Publish]], None]
    ) -> None:
        """`has_room` is asked before anything is read, and may wait for a moment; False: not now,
        so that the broker keeps the rest while the connection stays alive."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTv311,
            manual_ack=True,
        )
        self._has_room = has_room
        self._take = take
        self._reader = PacketReader()
        self._others = b""
        self._ended = False
        self._next_read = 0.0
        self.on_pre_connect = self._begin

    def acknowledge(self, mids: Sequence[bytes]) -> None:
        """Tells the broker that these messages of the present connection are stored."""
        packets = b"".join([_PUBACK + mid for mid in mids if mid])
        if packets:
            self._packet_queue(_PUBACK[0], packets, 0, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """See paho. The messages are handed on after the other packets: those may be of a connection
        just granted."""
        published = self._receive()
        while self._others or self._ended:
            code = super().loop_read(max_packets)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or self._ended:
                return code
        if published:
            self._take(published)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _begin(self, *_: Any) -> None:
        self._reader = PacketReader()
        self._others = b""
        self._ended = False

    def _receive(self) -> list[Publish]:
        if not self._has_room():
            return []
        self._let_some_come()
        try:
            data = super()._sock_recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            data = b""  # paho meets the same end when it asks
        if data:
            try:
                published, self._others = self._reader.feed(data)
            except ValueError as error:
                _log.error("broker_speaks_no_mqtt", error=str(error))
            else:
                return published
        self._ended = True
        return []

    def _let_some_come(self) -> None:
        """A broker writes each message by itself: woken for a few at a time, we would spend a
        quarter more. A message that comes alone waits for nothing."""
        early = self._next_read - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._next_read = time.monotonic() + _READ_EVERY_S

    def _sock_recv(self, bufsize: int) -> bytes:
        """Where paho asks for bytes: the packets that are not messages."""
        if self._ended:
            return b""
        if not self._others:
            raise BlockingIOError
        piece, self._others = self._others[:bufsize], self._others[bufsize:]
        return piece
