"""PUBLISH packets out of a stream of bytes: MQTT 3.1.1, sections 2.2 and 3.3."""

from __future__ import annotations

from msgspec import Struct

MAX_KEPT = 256 * 1024
"""Bytes of one message's body that are kept; of a longer one only its beginning."""

_PUBLISH = 0x30
_QOS = 0x06
_TOPIC_MAX = 2 + 0xFFFF + 2  # the topic's length, the topic, the packet's number
_LENGTH_BYTES = 4


class Publish(Struct, frozen=True, gc=False):
    """One message as the broker sent it.

    Attributes:
        mid: the packet's number as two bytes, to acknowledge it by; empty for QoS 0.
        size: of the whole body in bytes; `body` is cut at `MAX_KEPT`.
    """

    topic: bytes
    body: bytes
    mid: bytes
    size: int


class PacketReader:
    """Takes what was received, in pieces of any size, and gives whole packets.

    paho reads a packet in three or more system calls and hands each message on by itself; a reader
    of whole buffers costs a tenth of that.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0

    def feed(self, data: bytes) -> tuple[list[Publish], bytes]:
        """The messages that are complete with `data`, and the bytes of all other whole packets.

        Raises ValueError on what is not MQTT: nothing after it can be told apart.
        """
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        return self._split(self._rest + data if self._rest else data)

    def _split(self, data: bytes) -> tuple[list[Publish], bytes]:
        published: list[Publish] = []
        others = b""
        start, available = 0, len(data)
        while available - start >= 2:
            first, length, body = data[start], data[start + 1], start + 2
            if length & 0x80 and body < available and not data[body] & 0x80:
                # Two bytes of length, which nearly all messages have; not worth a call.
                length, body = length & 0x7F | data[body] << 7, body + 1
            elif length & 0x80:
                length, body = _long_length(data, start + 1)
                if body == 0:
                    break
            end = body + length
            if end > available:
                if not self._is_oversized(data, start, body, length):
                    break
                self._skip, end = end - available, available
            if first & 0xF0 == _PUBLISH:
                published.append(_publish(data, first & _QOS, body, end, length))
            else:
                others += data[start:end]
            start = end
        self._rest = data[start:]
        return published, others

    def _is_oversized(self, data: bytes, start: int, body: int, length: int) -> bool:
        """Whether this incomplete packet is a message so long that its beginning must do."""
        enough = _TOPIC_MAX + MAX_KEPT
        return data[start] & 0xF0 == _PUBLISH and length > enough and len(data) - body >= enough


def _publish(data: bytes, qos: int, at: int, end: int, length: int) -> Publish:
    """The message whose packet goes on at `at` behind its length, and until `end`."""
    if length < 2:
        raise ValueError(f"a message's packet of {length} bytes")
    topic_end = at + 2 + (data[at] << 8 | data[at + 1])
    body_at = topic_end + 2 if qos else topic_end
    size = length - (body_at - at)
    if size < 0:
        raise ValueError(f"a topic of {topic_end - at - 2} bytes in a packet of {length}")
    body = data[body_at:end] if size <= MAX_KEPT else data[body_at : body_at + MAX_KEPT]
    return Publish(data[at + 2 : topic_end], body, data[topic_end:body_at], size)


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """A remaining length of more than one byte, and where the packet goes on; (0, 0): not all here."""
    length = shift = 0
    for place in range(at, min(at + _LENGTH_BYTES, len(data))):
        length |= (data[place] & 0x7F) << shift
        if not data[place] & 0x80:
            return length, place + 1
        shift += 7
    if len(data) - at >= _LENGTH_BYTES:
        raise ValueError("a packet's length of more than four bytes")
    return 0, 0
