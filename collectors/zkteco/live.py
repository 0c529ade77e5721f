"""Live events: a clock that tells of a punch is polled at once. A hint only: what is stored was read.

pyzk opens the session; the event frames are read here, since its own live capture fails on events of
some lengths, passes others over, and waits for ever once a clock has restarted. All sessions of a
collector share one thread and no poll worker.
"""

from __future__ import annotations

import selectors
import struct
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import structlog

from collectors.zkteco.fleet import LiveFleet, PollTarget
from collectors.zkteco.session import EventSession, listen
from domain.errors import DeviceUnreachableError, StoreUnavailableError

MOST_SESSIONS = 256
RENEW_EVERY_S = 5.0

_WAIT_S = 0.2
_OPENERS = 4
_BACK_OFF_S = 1.0
_TOP = struct.Struct("<II")
_HEADER = struct.Struct("<4H")
_MAGIC, _LONGEST = 0x7D82_5050, 65_536
_REG_EVENT = 500

_log = structlog.get_logger()


class Frames:
    """Cuts a stream into packets, however its bytes arrive."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[int]:
        """The commands of the packets that are whole now. Raises ValueError for another protocol."""
        self._pending += data
        commands = []
        while len(self._pending) >= _TOP.size:
            magic, length = _TOP.unpack_from(self._pending)
            if magic != _MAGIC or not _HEADER.size <= length <= _LONGEST:
                raise ValueError("not a frame of this protocol")
            end = _TOP.size + length
            if len(self._pending) < end:
                break
            commands.append(_HEADER.unpack_from(self._pending, _TOP.size)[0])
            self._pending = self._pending[end:]
        return commands


class LiveListener:
    """Listens to the clocks that want it, for as long as it is let."""

    def __init__(self, fleet: LiveFleet, timeout_s: float) -> None:
        self._fleet = fleet
        self._timeout_s = timeout_s
        self._selector = selectors.DefaultSelector()
        self._sessions: dict[int, tuple[PollTarget, EventSession, Frames]] = {}
        self._opening: dict[Future[EventSession], PollTarget] = {}
        self._told: set[int] = set()
        self._gone: set[int] = set()
        self._next_renewal = 0.0

    def run(self, stop: Event) -> None:
        """Listens until `stop` is set; an absent store is waited for."""
        with ThreadPoolExecutor(_OPENERS) as openers:
            while not stop.is_set():
                try:
                    self._turn(openers)
                except StoreUnavailableError as error:
                    _log.warning("store unavailable", error=str(error))
                    stop.wait(_BACK_OFF_S)
                except Exception:  # noqa: BLE001 - polls go on meanwhile, and hints must come back
                    _log.exception("listening failed")
                    stop.wait(_BACK_OFF_S)
        self._take_opened()
        for device in list(self._sessions):
            self._close(device)
        self._selector.close()

    def _turn(self, openers: ThreadPoolExecutor) -> None:
        if time.monotonic() >= self._next_renewal:
            self._share(openers)
            self._next_renewal = time.monotonic() + RENEW_EVERY_S
        self._take_opened()
        self._hear(stop_after_s=_WAIT_S)
        if self._told:
            self._fleet.hint(sorted(self._told))
            self._told.clear()
        if self._gone:
            self._fleet.leave_live(sorted(self._gone))
            self._gone.clear()

    def _share(self, openers: ThreadPoolExecutor) -> None:
        """Keeps what is held, lets go of what is not ours any more, and takes on more."""
        held = [target for target, _, _ in self._sessions.values()]
        opening = list(self._opening.values())
        ours = self._fleet.renew_live([*held, *opening])
        for target in held:
            if target.device_id not in ours:
                self._close(target.device_id)
        for target in self._fleet.claim_live(MOST_SESSIONS - len(held) - len(opening)):
            self._opening[openers.submit(listen, target, self._timeout_s)] = target

    def _take_opened(self) -> None:
        for future in [future for future in self._opening if future.done()]:
            target = self._opening.pop(future)
            try:
                session = future.result()
            except DeviceUnreachableError as error:
                _log.info("not listened to", clock=target.address, why=str(error))
                self._gone.add(target.device_id)
                continue
            self._sessions[target.device_id] = (target, session, Frames())
            self._selector.register(session.plug, selectors.EVENT_READ, target.device_id)

    def _hear(self, stop_after_s: float) -> None:
        if not self._sessions:
            time.sleep(stop_after_s)
            return
        for key, _ in self._selector.select(stop_after_s):
            self._receive(key.data)

    def _receive(self, device: int) -> None:
        target, session, frames = self._sessions[device]
        try:
            commands = frames.feed(session.plug.recv(4096))
            self._tell(device, session, commands)
        except (OSError, ValueError) as error:
            _log.info("no longer listened to", clock=target.address, why=str(error))
            self._close(device)
            self._gone.add(device)

    def _tell(self, device: int, session: EventSession, commands: Iterable[int]) -> None:
        for command in commands:
            if command == _REG_EVENT:
                self._told.add(device)
                session.acknowledge()

    def _close(self, device: int) -> None:
        _, session, _ = self._sessions.pop(device)
        self._selector.unregister(session.plug)
        session.plug.close()
