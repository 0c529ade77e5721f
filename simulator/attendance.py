"""A simulated attendance clock: an emulated one that people use and time wears."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from domain.clock import Clock
from simulator import clockwork
from simulator.fleet import Device
from simulator.signals import use
from simulator.wear import Life
from simulator.zkteco.clock import EmulatedClock, Fault, Make, OperationCode
from simulator.zkteco.server import ClockServer

_FULL_USE = 1.0
_LOGGED = {
    "x.PowerOnCount": OperationCode.POWER_ON,
    "x.VerifyFailedCount": OperationCode.VERIFY_FAILED,
}


class AttendanceClock:
    """One clock: its emulator and server, and what befalls it.

    `last` holds what the clock measured when it was last heard, by metric, so that it goes on from
    there. Used from the thread of its event loop.
    """

    def __init__(
        self, device: Device, time_zone: str, clock: Clock, life: Life, last: Mapping[str, float]
    ) -> None:
        self.device = device
        self.life = life
        self.traits = clockwork.clock_traits(device.key, device.model)
        self._time_zone = time_zone
        self._clock = clock
        self._rng = np.random.default_rng()
        self._lived_until = clock.now()
        self.emulator = self._make_emulator(last)
        self.server = ClockServer(self.emulator)

    def hour(self) -> None:
        """What people and wear did to it since the last call; to be called about hourly."""
        now = self._clock.now()
        cleared = clockwork.log_start(self.traits, now, self._time_zone)
        if cleared > self._lived_until:
            self.emulator.clear_records()
        if self.emulator.fault is not Fault.REFUSING:
            self._load(max(cleared, self._lived_until), now)
            self._wear(now)
        self._lived_until = now

    def meet_fate(self) -> None:
        """Breaks, falls silent or comes back, as its life has it at this moment.

        Without power nothing listens; without a network connections are made, but never answered.
        """
        now = self._clock.now()
        fault = Fault.NONE
        if self.life.dark_at(now):
            fault = Fault.REFUSING
        elif self.life.cut_off(now):
            fault = Fault.SILENT
        if self.emulator.fault is Fault.REFUSING and fault is not Fault.REFUSING:
            self.emulator.operate(OperationCode.POWER_ON)
        if self.emulator.fault is not fault:
            self.emulator.fault = fault

    def _make_emulator(self, last: Mapping[str, float]) -> EmulatedClock:
        device, of = self.device, self.traits
        make = Make(firmware=device.firmware, device_name=device.model, record_capacity=of.capacity)
        emulator = EmulatedClock(
            serial=device.serial,
            clock=self._clock,
            time_zone=ZoneInfo(self._time_zone),
            make=make,
            drift=timedelta(seconds=last.get("x.ClockDrift", 0.0)),
            latency_s=of.latency_s,
        )
        for number in range(of.users):
            emulator.enrol(str(1001 + number))
        for metric, code in _LOGGED.items():
            for _ in range(int(last.get(metric, 0))):
                emulator.operate(code)
        self.emulator = emulator
        cleared = clockwork.log_start(of, self._lived_until, self._time_zone)
        self._load(cleared, self._lived_until)
        return emulator

    def _load(self, start: datetime, end: datetime) -> None:
        self.emulator.load(
            clockwork.log_between(self.device.key, self.traits.users, self._time_zone, start, end)
        )

    def _wear(self, now: datetime) -> None:
        moment = np.array([now.timestamp()])
        worn = clockwork.clock_wear(self.life, moment)
        activity = use(moment, self._time_zone, _FULL_USE)
        mains = clockwork.mains(self.device.site, moment)
        hours = clockwork.clock_hours(activity, worn, mains, self._rng)
        for code, count in (
            (OperationCode.POWER_ON, hours.restarts),
            (OperationCode.VERIFY_FAILED, hours.verify_failed),
        ):
            for _ in range(int(count[0])):
                self.emulator.operate(code)
        drift_s = self.emulator.drift.total_seconds()
        later = clockwork.drifted(drift_s, self.traits, float(hours.jumps_s[0]))
        self.emulator.drift = timedelta(seconds=later)
