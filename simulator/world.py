"""The simulated fleet at work: clocks that answer on TCP ports, terminals that speak over MQTT."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from domain.clock import Clock
from domain.device import DeviceKind
from simulator.agenda import Agenda
from simulator.attendance import AttendanceClock
from simulator.fleet import Device
from simulator.line import Address, Line, Link, SharedLine
from simulator.lives import life_of
from simulator.push import OPERATION_SIZE, PushingClock
from simulator.script import MARGIN, Script
from simulator.terminal import HEARTBEAT, Terminal
from simulator.wear import Life

OWN_LINES = 500
"""Up to so many terminals have a connection each; more of them share."""

ONE_PUSHES_OF = 5
"""One of so many attendance clocks pushes; the others are polled."""

_TERMINALS_A_SHARED_LINE = 50
_TEND_EVERY_S = 1.0
_LIVES_AHEAD = timedelta(days=3)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Member:
    """A device of the fleet, with its site's time zone and what it measured last, by metric."""

    device: Device
    time_zone: str
    last: Mapping[str, float] = field(default_factory=dict)


class World:
    """Everything simulated, on one event loop. Make it in a coroutine.

    `receiver`: host and port where clocks that push call; None: all clocks are polled.
    `clocks` are all of them, `polled` those that listen.
    """

    def __init__(
        self,
        members: Sequence[Member],
        clock: Clock,
        address: Address,
        tenant: str,
        script: Script,
        *,
        receiver: tuple[str, int] | None = None,
    ) -> None:
        self._clock = clock
        self._agenda = Agenda(clock)
        self._script = script
        self._lived = clock.now()
        self._lines: list[Line] = []
        terminals = [member for member in members if member.device.kind is not DeviceKind.CLOCK]
        links = self._links([member.device for member in terminals], address)
        self.clocks = [
            AttendanceClock(m.device, m.time_zone, clock, self._life(m.device), m.last)
            for m in members
            if m.device.kind is DeviceKind.CLOCK
        ]
        fifths = self.clocks[ONE_PUSHES_OF - 1 :: ONE_PUSHES_OF] if receiver else []
        # What is planned to fail shows in more of the measures when it is polled.
        calling = [each for each in fifths if each.device.key not in script.rises]
        self.polled = [each for each in self.clocks if each not in calling]
        self.pushing = [_pushing(each, *receiver) for each in calling] if receiver else []
        self.terminals = [
            Terminal(m.device, tenant, m.time_zone, clock, link, self._life(m.device), dict(m.last))
            for m, link in zip(terminals, links, strict=True)
        ]

    async def open(self) -> None:
        """Clocks begin to listen; their servers' ports are known then."""
        for attendance_clock in self.polled:
            await attendance_clock.server.start()

    async def run(self, stop: asyncio.Event) -> None:
        """Lives until `stop` is set, then ends in order: no last wills are said."""
        self._plan()
        tending = asyncio.create_task(self._tend())
        calling = [asyncio.create_task(each.run(stop)) for each in self.pushing]
        await self._agenda.run(stop)
        tending.cancel()
        await asyncio.gather(*calling)
        for terminal in self.terminals:
            terminal.stop()
        for line in self._lines:
            line.close()
        await asyncio.gather(*(each.server.stop() for each in self.polled))

    def _links(self, devices: Sequence[Device], address: Address) -> list[Link]:
        if len(devices) <= OWN_LINES:
            own = [Line(address, f"sim-{device.key}") for device in devices]
            self._lines = own
            return list(own)
        count = -(-len(devices) // _TERMINALS_A_SHARED_LINE)
        self._lines = [Line(address, f"sim-gateway-{number}") for number in range(count)]
        for line in self._lines:
            line.open()
        return [SharedLine(self._lines[n % count]) for n in range(len(devices))]

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(_TEND_EVERY_S)
            for line in self._lines:
                line.tend()

    def _life(self, device: Device) -> Life:
        now = self._clock.now()
        span = (now - MARGIN, now + _LIVES_AHEAD + MARGIN)
        return self._script.added_to(device.key, life_of(device, *span))

    # -- what happens when ---------------------------------------------------------------------

    def _plan(self) -> None:
        now = self._clock.now()
        for terminal in self.terminals:
            self._plan_terminal(terminal, now)
        for attendance_clock in self.clocks:
            attendance_clock.meet_fate()
            first = now + _HOUR * (attendance_clock.traits.minute / 60)
            self._agenda.every(_HOUR, first, attendance_clock.hour)
        self._agenda.every(_LIVES_AHEAD, now, self._plan_lives)

    def _plan_terminal(self, terminal: Terminal, now: datetime) -> None:
        self._agenda.at(now, terminal.meet_fate)
        share = terminal.traits.minute / 60
        self._agenda.every(HEARTBEAT, now + HEARTBEAT * share, terminal.heartbeat)
        whole_hour = now.replace(minute=0, second=0, microsecond=0)
        first = whole_hour + timedelta(minutes=terminal.traits.minute)
        hour = partial(self._hour, terminal)
        self._agenda.every(_HOUR, first if first > now else first + _HOUR, hour)

    def _hour(self, terminal: Terminal) -> None:
        now = self._clock.now()
        for ahead, signal in terminal.hour():
            say = partial(terminal.event, signal.component, signal.code, signal.severity)
            self._agenda.at(now + ahead, say)

    def _plan_lives(self) -> None:
        """Plans failures, repairs and outages up to the next call of this."""
        start, self._lived = self._lived, self._clock.now() + _LIVES_AHEAD
        everyone: list[Terminal | AttendanceClock] = [*self.terminals, *self.clocks]
        for one in everyone:
            one.life = self._life(one.device)
            for moment in one.life.turns():
                if start <= moment < self._lived:
                    self._agenda.at(moment, one.meet_fate)


def _pushing(one: AttendanceClock, host: str, port: int) -> PushingClock:
    """It does not send the operations that it was given as its past: their counts are known."""
    past = len(one.emulator.operation_log) // OPERATION_SIZE
    return PushingClock(one.emulator, host, port, operations_from=past)
