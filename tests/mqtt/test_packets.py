"""Reading whole buffers against a reader that looks at one packet at a time."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mqtt.packets import MAX_KEPT, PacketReader, Publish

Packet = tuple[int, bytes, bytes, bytes]
"""First byte, topic, number, body."""


def publish(topic: bytes, body: bytes, mid: int = 0, retain: bool = False) -> bytes:
    number = struct.pack(">H", mid) if mid else b""
    content = struct.pack(">H", len(topic)) + topic + number + body
    return framed(0x30 | (2 if mid else 0) | retain, content)


def framed(first: int, content: bytes) -> bytes:
    length, encoded = len(content), b""
    while True:
        length, byte = divmod(length, 128)
        encoded += bytes([byte | (0x80 if length else 0)])
        if not length:
            return bytes([first]) + encoded + content


messages = st.builds(
    publish,
    st.binary(min_size=1, max_size=20),
    st.sampled_from([0, 1, 100, 127, 128, 129, 16_380, 16_384]).map(lambda size: b"\x30" * size),
    st.integers(0, 0xFFFF),
    st.booleans(),
)
other_packets = st.sampled_from(
    [framed(0x20, b"\0\0"), framed(0x90, b"\0\1\1"), framed(0xD0, b""), framed(0x40, b"\0\7")]
)


def one_at_a_time(stream: bytes) -> tuple[list[Publish], bytes]:
    """The obvious way: byte by byte, as paho reads."""
    published, others, place = [], b"", 0
    while place < len(stream):
        start, first = place, stream[place]
        place, length, factor = place + 1, 0, 1
        while True:
            length += (stream[place] & 127) * factor
            factor *= 128
            place += 1
            if stream[place - 1] < 128:
                break
        content = stream[place : place + length]
        place += length
        if first >> 4 != 3:
            others += stream[start:place]
            continue
        (size,) = struct.unpack_from(">H", content)
        topic, rest = content[2 : 2 + size], content[2 + size :]
        mid, body = (rest[:2], rest[2:]) if first & 6 else (b"", rest)
        published.append(Publish(topic, body, mid, len(body)))
    return published, others


@given(st.lists(messages | other_packets, max_size=12), st.lists(st.integers(1, 700), max_size=60))
def test_pieces_of_any_size_give_the_same_packets(packets: list[bytes], sizes: list[int]) -> None:
    stream, reader = b"".join(packets), PacketReader()
    published: list[Publish] = []
    others = b""
    place = 0
    for size in [*sizes, len(stream)]:
        found, more = reader.feed(stream[place : place + size])
        published += found
        others += more
        place += size
    assert (published, others) == one_at_a_time(stream)


@pytest.mark.parametrize("piece", [1000, 70_000, 1 << 24])
def test_of_an_oversized_message_only_the_beginning_is_kept(piece: int) -> None:
    body = bytes(range(256)) * 40_000
    stream = publish(b"v1/a", body, 7) + publish(b"v1/b", b"next", 8)
    reader, published = PacketReader(), []
    for place in range(0, len(stream), piece):
        published += reader.feed(stream[place : place + piece])[0]
        assert len(reader._rest) < 2 * MAX_KEPT + piece
    huge, following = published
    assert (huge.topic, huge.mid, huge.size) == (b"v1/a", b"\0\7", len(body))
    assert huge.body == body[:MAX_KEPT]
    assert following == Publish(b"v1/b", b"next", b"\0\10", 4)


@pytest.mark.parametrize(
    "stream",
    [
        framed(0x32, b"\0"),
        b"\x30\xff\xff\xff\xff\x01",
        framed(0x32, b"\0\x05a"),
        framed(0x32, b"\0\1a\0"),
    ],
)
def test_what_is_not_mqtt_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="packet"):
        PacketReader().feed(stream + bytes(50))
