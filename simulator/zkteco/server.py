"""The TCP server in front of an emulated clock. One event loop hosts thousands of them."""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from functools import cache
from itertools import cycle

from simulator.zkteco.answers import Session, answer
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.wire import (
    HEADER,
    LONGEST_PACKET,
    MAGIC,
    TOP,
    Command,
    DamagedPacketError,
    EventCode,
    Packet,
)

_DRIP_EVERY_S = 0.05
_SOCKETS = 65_536
_TRIES_TO_LISTEN, _NEXT_TRY_S = 100, 0.05
"""A process that is just being started holds what was listened on before until it is under way."""
_TURNS_TO_BE_LET_IN = 10
"""Of the event loop: more than twice what asyncio takes from a client's being accepted to `_accept`."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ClockServer:
    """Serves one clock's protocol on one TCP port; port 0 takes any free one.

    Use `start` and `stop`, or `async with`. The port is bound to it all the while, also when the clock
    refuses connections, so that it comes back at the same address.
    """

    def __init__(self, clock: EmulatedClock, host: str = "127.0.0.1", port: int = 0) -> None:
        self.clock = clock
        self.host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._turning: asyncio.Task[None] | None = None  # the port is being opened or shut
        self._connections: set[_Connection] = set()
        self._numbers = cycle(range(1, 0x10000))
        clock.on_fault(self._fault_set)
        clock.on_event(self._event)

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    async def start(self) -> None:
        """Binds the port (then known as `port`) and answers, unless the clock refuses."""
        _allow_many_sockets()
        self._loop = asyncio.get_running_loop()
        self._held = self._bind()
        self.port = self._held.getsockname()[1]
        if self.clock.fault is not Fault.REFUSING:
            await self._open()

    async def stop(self) -> None:
        """Closes the port and every connection."""
        self._loop = None
        if self._turning:
            await self._turning
        await self._shut()
        if self._held:
            self._held.close()
            self._held = None
        await asyncio.gather(*(connection.task for connection in self._connections))

    async def __aenter__(self) -> ClockServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((self.host, self.port))
        except OSError:
            bound.close()
            raise
        return bound

    async def _open(self) -> None:
        for left in reversed(range(_TRIES_TO_LISTEN)):
            try:
                await self._listen()
            except OSError:
                if not left:
                    raise
                await asyncio.sleep(_NEXT_TRY_S)
            else:
                return

    async def _listen(self) -> None:
        bound = self._bind()
        try:
            self._server = await asyncio.start_server(self._accept, sock=bound)
        except OSError:
            bound.close()
            raise

    async def _shut(self) -> None:
        if self._server:
            # asyncio forgets, open, whom it accepted just before a server is closed: so nobody is
            # accepted any more, and those who were come in, before it is.
            for plug in self._server.sockets:
                asyncio.get_running_loop().remove_reader(plug.fileno())
            for _ in range(_TURNS_TO_BE_LET_IN):
                await asyncio.sleep(0)
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.reset()

    def _fault_set(self) -> None:
        if self._loop:  # The simulation may drive its clocks from a thread of its own.
            self._loop.call_soon_threadsafe(self._apply_fault)

    def _apply_fault(self) -> None:
        if self._loop is None or (self._turning and not self._turning.done()):
            return  # it has ended, or looks again when that is done
        refusing = self.clock.fault is Fault.REFUSING
        if refusing and self._server:
            self._turn(self._shut())
        elif not refusing and not self._server:
            self._turn(self._open())

    def _turn(self, port: Coroutine[None, None, None]) -> None:
        self._turning = asyncio.create_task(port)
        # The fault may be another before it is done.
        self._turning.add_done_callback(lambda _: self._apply_fault())

    def _event(self, code: EventCode, data: bytes) -> None:
        if self._loop and self._connections:
            self._loop.call_soon_threadsafe(self._push, code, data)

    def _push(self, code: EventCode, data: bytes) -> None:
        for connection in self._connections:
            connection.push(code, data)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self.clock, reader, writer, next(self._numbers))
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            await connection.close()
            self._connections.discard(connection)


class _Connection:
    """One client's connection."""

    def __init__(
        self,
        clock: EmulatedClock,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._number = number
        self._session = Session()

    async def serve(self) -> None:
        try:
            while not self._session.ended:
                packet = await self._receive()
                if packet is not None:
                    await self._handle(packet)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client went away, or was sent away

    async def close(self) -> None:
        """Ends the connection when all is sent; a client that reads no more is sent away by `reset`."""
        self._writer.close()
        with suppress(ConnectionError):  # it is closed that way, too
            await self._writer.wait_closed()

    def reset(self) -> None:
        """Ends the connection with a RST, as a clock does that loses power or restarts."""
        plug = self._writer.get_extra_info("socket")
        if plug is not None and plug.fileno() >= 0:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()

    def push(self, code: EventCode, data: bytes) -> None:
        """Sends an event, when the client registered for it."""
        if self._session.event_mask & code and self._clock.fault is not Fault.SILENT:
            self._writer.write(Packet(Command.REG_EVENT, code, 0, data).encode())

    async def _receive(self) -> Packet | None:
        """The next packet; None for a damaged one, which a clock leaves unanswered."""
        magic, length = TOP.unpack(await self._reader.readexactly(TOP.size))
        if magic != MAGIC or not HEADER.size <= length <= LONGEST_PACKET:
            raise ConnectionAbortedError("not this protocol")
        try:
            return Packet.decode(await self._reader.readexactly(length))
        except DamagedPacketError:
            return None

    async def _handle(self, packet: Packet) -> None:
        if self._clock.latency_s:
            await asyncio.sleep(self._clock.latency_s)
        fault = self._clock.fault
        if fault is Fault.SILENT:
            return
        if fault is Fault.RESETTING and packet.command != Command.CONNECT:
            self.reset()
            raise ConnectionResetError
        answers = answer(self._clock, self._session, packet, self._number)
        if fault in _BULK_FAULTS and any(each.command == Command.DATA for each in answers):
            await self._break_bulk(fault, answers)
        frames = [each.encode() for each in answers]
        for frame in frames if self._clock.frame_gap_s else [b"".join(frames)]:
            await self._send(frame)
            await asyncio.sleep(self._clock.frame_gap_s)

    async def _break_bulk(self, fault: Fault, answers: list[Packet]) -> None:
        """Sends a bulk answer up to its middle, then fails. Raises ConnectionError at the end."""
        whole = b"".join(each.encode() for each in answers)
        middle = len(whole) // 2
        await self._send(whole[:middle])
        if fault is Fault.STALLED_CHUNK:
            await self._reader.read()  # until the client gives up
        elif fault is Fault.DRIPPING:
            for position in range(middle, len(whole)):
                await self._send(whole[position : position + 1])
                await asyncio.sleep(_DRIP_EVERY_S)
        raise ConnectionAbortedError

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


_BULK_FAULTS = frozenset({Fault.HALF_DOWNLOAD, Fault.STALLED_CHUNK, Fault.DRIPPING})


@cache
def _allow_many_sockets() -> None:
    """Lifts this process's limit of open files, 1,024 on many systems, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(_SOCKETS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
