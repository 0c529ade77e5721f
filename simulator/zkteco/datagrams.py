"""The UDP server in front of an emulated clock: the same commands, in packets without a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle

from simulator.zkteco.answers import Session, answer
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.wire import Command, DamagedPacketError, Packet

_PART = 1024  # bytes of a bulk answer in one packet

Address = tuple[str, int]


class DatagramServer(asyncio.DatagramProtocol):
    """Serves one clock's protocol on one UDP port; port 0 takes any free one.

    `net` is what the network does to the packets of an answer: it may lose, repeat or delay them.
    Of the faults it knows `SILENT`, `HALF_DOWNLOAD` and `STALLED_CHUNK`; the last two are the same.
    """

    def __init__(self, clock: EmulatedClock, host: str = "127.0.0.1", port: int = 0) -> None:
        self.clock = clock
        self.host = host
        self.port = port
        self.net: Callable[[Sequence[bytes]], Sequence[bytes]] = lambda packets: packets
        self._transport: asyncio.DatagramTransport | None = None
        self._sessions: dict[Address, Session] = {}
        self._numbers = cycle(range(1, 0x10000))

    async def start(self) -> None:
        """Binds the port (then known as `port`) and answers."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Closes the port."""
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        try:
            packet = Packet.decode(data)
        except DamagedPacketError:
            return
        if self.clock.fault is Fault.SILENT or self._transport is None:
            return
        session = self._sessions.setdefault(addr, Session())
        answers = answer(self.clock, session, packet, next(self._numbers))
        if session.ended:
            del self._sessions[addr]
        packets = [part.bare() for each in answers for part in _parts(each)]
        if self.clock.fault in (Fault.HALF_DOWNLOAD, Fault.STALLED_CHUNK) and len(packets) > 1:
            packets = packets[: len(packets) // 2]
        for each in self.net(packets):
            self._transport.sendto(each, addr)


def _parts(packet: Packet) -> list[Packet]:
    if packet.command != Command.DATA:
        return [packet]
    return [
        Packet(packet.command, packet.session, packet.reply, packet.data[start : start + _PART])
        for start in range(0, len(packet.data), _PART)
    ]
