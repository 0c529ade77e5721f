"""The load: terminals that publish ten values a message, each message with its own number and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

COUNTERS = (
    *("ReceiptLinePrintedCount", "PaperCutCount", "FailedPaperCutCount", "GoodReadCount"),
    *("FailedReadCount", "x.BillAcceptedCount", "x.BillRejectedCount"),
)
GAUGES = ("x.PrintHeadTemperature", "x.SupplyVoltage", "x.PaperRemaining")
VALUES = len(COUNTERS) + len(GAUGES)
BOOT = "5f0c7a"
_MOMENT = "2026-01-01T00:00:00.000000+00:00"


@dataclass(frozen=True, slots=True)
class Load:
    """`messages` of `devices`, in turn; a device belongs to one of `shares` equal shares of topics.

    Before them each device sends one that is not measured: a system that runs knows its devices.
    `rate`: messages a second; 0: as fast as the broker takes them.
    """

    devices: int
    messages: int
    rate: float = 0
    shares: int = 1

    def topic(self, device: int) -> str:
        return f"v1/bench/s{device % self.shares}/d{device}/counters"

    def share_filter(self, share: int) -> str:
        """The topics of one share, which one collector subscribes to."""
        return f"v1/bench/s{share}/+/+"

    def packet(self, number: int) -> tuple[bytes, bytes]:
        """Message `number` as a PUBLISH packet of QoS 1, cut where its time belongs."""
        device, seq = number % self.devices, number // self.devices + 1
        body = json.dumps(
            {
                "schema": 1,
                "boot_id": BOOT,
                "seq": seq,
                "ts": _MOMENT,
                "counters": {name: 1000 * place + seq for place, name in enumerate(COUNTERS)},
                "gauges": {name: 20 + place + seq % 7 / 8 for place, name in enumerate(GAUGES)},
            }
        ).encode()
        topic = self.topic(device).encode()
        mid = number % 0xFFFF + 1
        content = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + body
        before, after = content.split(_MOMENT.encode())
        return b"\x32" + _length(len(content)) + before, after


def moment(microseconds: int) -> bytes:
    """A time, in microseconds since 1970, as messages have it."""
    at = datetime.fromtimestamp(microseconds / 1e6, UTC)
    return at.isoformat(timespec="microseconds").encode()


def _length(length: int) -> bytes:
    encoded = b""
    while True:
        length, byte = divmod(length, 128)
        encoded += bytes([byte | (0x80 if length else 0)])
        if not length:
            return encoded
