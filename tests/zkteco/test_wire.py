"""The emulator's codec against slow oracles and against pyzk's."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zk import ZK
from zk.base import make_commkey

from collectors.zkteco.columns import EPOCH, local_seconds
from simulator.zkteco.wire import (
    TOP,
    DamagedPacketError,
    Packet,
    checksum,
    decode_time,
    encode_time,
    scramble_comm_key,
)

# Naive: what a clock's wall shows.
local_times = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
packets = st.builds(
    Packet,
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=300),
)


def decoded(code: int) -> datetime | None:
    """The collector's reading of a clock's count of seconds; None for a day that is none."""
    (local_s,), (dated,) = local_seconds(np.array([code], np.uint32))
    return EPOCH + timedelta(seconds=int(local_s)) if dated else None


@given(local_times)
def test_a_time_comes_back_and_pyzk_writes_it_alike(moment: datetime) -> None:
    code = encode_time(moment)
    assert decoded(code) == decode_time(code) == moment
    assert ZK._ZK__encode_time(None, moment) == code


@given(st.integers(0, 0xFFFF_FFFF))
def test_any_count_of_seconds_is_a_time_or_none(code: int) -> None:
    days = code // 86_400
    year, month, day = 2000 + days // 372, days // 31 % 12 + 1, days % 31 + 1
    try:
        expected = datetime(  # noqa: DTZ001
            year, month, day, code // 3600 % 24, code // 60 % 60, code % 60
        )
    except ValueError:
        expected = None
    assert decoded(code) == (None if year > 2099 else expected)


@given(st.binary(max_size=301))
def test_the_checksum_is_the_complement_of_the_folded_sum(data: bytes) -> None:
    total = 0
    for position, byte in enumerate(data):
        total += byte << 8 * (position % 2)
        if total > 0xFFFF:
            total -= 0xFFFF
    assert (checksum(data) + total) % 0xFFFF == 0


@given(packets)
def test_a_packet_comes_back(packet: Packet) -> None:
    assert Packet.decode(packet.encode()[TOP.size :]) == packet


@given(packets, st.data())
def test_a_flipped_bit_is_noticed(packet: Packet, data: st.DataObject) -> None:
    encoded = bytearray(packet.encode()[TOP.size :])
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedPacketError):
        Packet.decode(bytes(encoded))


def test_a_stub_is_damaged() -> None:
    with pytest.raises(DamagedPacketError, match="7 bytes"):
        Packet.decode(b"1234567")


@given(st.integers(0, 999_999), st.integers(0, 0xFFFF))
def test_the_comm_key_is_scrambled_as_pyzk_does(comm_key: int, session: int) -> None:
    assert scramble_comm_key(comm_key, session) == make_commkey(comm_key, session)
