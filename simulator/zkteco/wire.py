"""ZKTeco's frames, checksum, comm key and times, as a clock reads and writes them.

Source: the public protocol notes adrobinoga/zk-protocol. Written apart from the collector's
decoder, so that each checks the other.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

MAGIC = 0x7D82_5050
TOP = struct.Struct("<II")  # magic, length of the packet
HEADER = struct.Struct("<4H")  # command, checksum, session id, reply id
LONGEST_PACKET = 65_536


class Command(IntEnum):
    """The commands that an emulated clock knows, and its answers."""

    USERS_RRQ = 9
    OPTIONS_RRQ = 11
    ATTLOG_RRQ = 13
    CLEAR_ATTLOG = 15
    OPLOG_RRQ = 34
    GET_FREE_SIZES = 50
    STARTVERIFY = 60
    CANCELCAPTURE = 62
    GET_TIME = 201
    SET_TIME = 202
    REG_EVENT = 500
    CONNECT = 1000
    EXIT = 1001
    ENABLE_DEVICE = 1002
    DISABLE_DEVICE = 1003
    RESTART = 1004
    REFRESH_DATA = 1013
    GET_VERSION = 1100
    AUTH = 1102
    PREPARE_DATA = 1500
    DATA = 1501
    FREE_DATA = 1502
    BULK_READ = 1503
    BULK_CHUNK = 1504
    ACK_OK = 2000
    ACK_ERROR = 2001
    ACK_UNAUTH = 2005


class EventCode(IntEnum):
    """What a registered client can be told of; also the bits of its mask."""

    ATTLOG = 1
    FINGER = 2
    BUTTON = 16
    UNLOCK = 32
    VERIFY = 128
    ALARM = 512


class DamagedPacketError(Exception):
    """What came in is no packet of this protocol, or its checksum is wrong."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One command or answer. For an event `session` holds the event's code and `reply` is 0."""

    command: int
    session: int
    reply: int
    data: bytes = b""

    def encode(self) -> bytes:
        """The packet with its TCP frame around it."""
        packet = self.bare()
        return TOP.pack(MAGIC, len(packet)) + packet

    def bare(self) -> bytes:
        """The packet alone, as UDP carries it."""
        summed = checksum(HEADER.pack(self.command, 0, self.session, self.reply) + self.data)
        return HEADER.pack(self.command, summed, self.session, self.reply) + self.data

    @staticmethod
    def decode(packet: bytes) -> Packet:
        """Reads a packet without its frame. Raises DamagedPacketError."""
        if len(packet) < HEADER.size:
            raise DamagedPacketError(f"{len(packet)} bytes; a header has {HEADER.size}")
        command, summed, session, reply = HEADER.unpack_from(packet)
        data = packet[HEADER.size :]
        expected = checksum(HEADER.pack(command, 0, session, reply) + data)
        # 0 and 0xFFFF are the same number to a folded sum, and senders write either.
        if (summed - expected) % 0xFFFF:
            raise DamagedPacketError(f"checksum {summed:#06x}; {expected:#06x} expected")
        return Packet(command, session, reply, data)


def checksum(packet: bytes) -> int:
    """The one's complement of the folded sum of little-endian 16-bit words; odd ends are padded."""
    words = array("H", packet + b"\0" * (len(packet) % 2))
    total = sum(words)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def scramble_comm_key(comm_key: int, session: int) -> bytes:
    """What a client must send with AUTH for `comm_key` in `session`: 4 bytes.

    The key's bits reversed, plus the session, XOR "ZKSO", halves swapped, and each byte XOR 50
    but for the third, which is 50.
    """
    reverse = int(f"{comm_key & 0xFFFF_FFFF:032b}"[::-1], 2)
    mixed = (reverse + session & 0xFFFF_FFFF).to_bytes(4, "little")
    masked = bytes(byte ^ sign for byte, sign in zip(mixed, b"ZKSO", strict=True))
    first, second, _, fourth = masked[2:] + masked[:2]
    return bytes((first ^ 50, second ^ 50, 50, fourth ^ 50))


def encode_time(local: datetime) -> int:
    """A clock's count of seconds, in which every month has 31 days."""
    days = (local.year % 100) * 12 * 31 + (local.month - 1) * 31 + local.day - 1
    return days * 86_400 + local.hour * 3600 + local.minute * 60 + local.second


def decode_time(code: int) -> datetime:
    """The naive local time of a count of seconds. Raises ValueError for a day that is none."""
    rest, seconds = divmod(code, 86_400)
    rest, day = divmod(rest, 31)
    year, month = divmod(rest, 12)
    hour, seconds = divmod(seconds, 3600)
    # Naive on purpose: it is what the clock's own wall shows.
    return datetime(2000 + year, month + 1, day + 1, hour, *divmod(seconds, 60))  # noqa: DTZ001
