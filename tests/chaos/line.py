"""A device's side of MQTT 3.1.1, as small as it gets: publishes at QoS 1 until it is acknowledged."""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Sequence

_PUBLISH, _AGAIN = 0x32, 0x3A  # QoS 1; the second: sent before
_PUBACK = 0x40
_SILENT_S = 10.0  # a broker that says nothing for so long while we wait is given up
_RETRY_S = 0.2
_TOGETHER = 64  # messages in one write


class Line:
    """One connection after the other, to the first of `addresses` that takes it.

    Keeps what is not acknowledged, and sends it again on the next connection.
    """

    def __init__(
        self, addresses: Sequence[tuple[str, int]], client_id: str, login: tuple[str, str]
    ) -> None:
        self._addresses = itertools.cycle(addresses)
        self._hello = _connect_packet(client_id, login)
        self._numbers = itertools.cycle(range(1, 0x10000))
        self._unsent: list[bytes] = []
        self._received = b""
        self.under_way: dict[int, bytes] = {}
        self._socket = self._connected()

    def publish(self, topic: str, body: bytes) -> None:
        """Takes a message to be sent with the next ones."""
        number = next(each for each in self._numbers if each not in self.under_way)
        content = _text(topic) + struct.pack("!H", number) + body
        self.under_way[number] = content
        self._unsent.append(bytes([_PUBLISH]) + _length(len(content)) + content)
        if len(self._unsent) >= _TOGETHER:
            self.exchange(wait=False)

    def exchange(self, *, wait: bool) -> None:
        """Sends what is to be sent and takes in what has been acknowledged; `wait`: at least one."""
        try:
            packets, self._unsent = b"".join(self._unsent), []
            self._socket.settimeout(_SILENT_S)
            self._socket.sendall(packets)
            self._receive(wait)
        except OSError:
            self._connect_again()

    def close(self) -> None:
        self._socket.close()

    def _receive(self, wait: bool) -> None:
        try:
            data = self._socket.recv(1 << 16, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError
        self._received += data
        whole = len(self._received) // 4 * 4
        for kind, _, number in struct.iter_unpack("!BBH", self._received[:whole]):
            assert kind == _PUBACK
            self.under_way.pop(number, None)
        self._received = self._received[whole:]

    def _connect_again(self) -> None:
        self._socket.close()
        self._socket = self._connected()
        self._unsent = [
            bytes([_AGAIN]) + _length(len(content)) + content for content in self.under_way.values()
        ]

    def _connected(self) -> socket.socket:
        self._received = b""
        while True:
            try:
                line = socket.create_connection(next(self._addresses), _SILENT_S)
                line.sendall(self._hello)
                if line.recv(4, socket.MSG_WAITALL) == b"\x20\x02\x00\x00":
                    return line
                line.close()
            except OSError:
                pass
            time.sleep(_RETRY_S)


def _connect_packet(client_id: str, login: tuple[str, str]) -> bytes:
    flags = 0xC2 if login[0] else 0x02  # a new session, with or without a login
    content = _text("MQTT") + struct.pack("!BBH", 4, flags, 0) + _text(client_id)
    if login[0]:
        content += _text(login[0]) + _text(login[1])
    return b"\x10" + _length(len(content)) + content


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _length(number: int) -> bytes:
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (128 if number else 0))
        if not number:
            return bytes(digits)
