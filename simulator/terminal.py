"""A simulated POS terminal or kiosk: what it says over MQTT, in the contract of docs/mqtt.md."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.clock import Clock
from domain.device import ReportedState
from domain.report import Severity
from simulator.fleet import Device
from simulator.line import Link, Message
from simulator.signals import (
    SIGNALS,
    EventSignal,
    counter_steps,
    event_counts,
    failure_code,
    gauge_values,
    stock_values,
    traits,
    use,
)
from simulator.wear import Floats, Life, wear

SCHEMA = 1
HEARTBEAT = timedelta(minutes=15)
PROMISE_S = 1200
"""What a heartbeat promises: a little more than its period, for the network's sake."""

_WORKS_AGAIN = "restored"


@dataclass
class Terminal:
    """One terminal's memory. Its counters outlive it: give them as they were last heard."""

    device: Device
    tenant: str
    time_zone: str
    clock: Clock
    link: Link
    life: Life
    counters: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.traits = traits(self.device.key, self.device.kind)
        self._signals = SIGNALS[self.device.kind]
        self._rng = np.random.default_rng()
        self._boot_id = _new_boot()
        self._seq = 0
        self._connected = False
        self._broken = self.life.told(self.clock.now())

    def meet_fate(self) -> None:
        """Breaks, is repaired, loses its network or gets it back, as its life has it just now."""
        now = self.clock.now()
        before, self._broken = self._broken, self.life.told(now)
        if self.life.cut_off(now):
            self._cut()
        elif not self._connected:
            self._start()
        if before == self._broken:
            return
        if before:
            self.event(before.component, _WORKS_AGAIN, Severity.INFO)
        if self._broken:
            code = failure_code(self.device.kind, self._broken)
            self.event(self._broken.component, code, code.severity)
        self._say_state()

    def stop(self) -> None:
        self.link.close()

    def _start(self) -> None:
        """A session begins: a new boot, a last will, and its state."""
        self._boot_id = _new_boot()
        self._seq = 0
        self._connected = True
        self.link.open(self._will())
        self._say_state()

    def _cut(self) -> None:
        self._connected = False
        self.link.cut()

    def _say_state(self) -> None:
        """Online, or broken with the component that is to blame."""
        body: dict[str, Any] = {
            "state": ReportedState.HARDWARE_ERROR if self._broken else ReportedState.ONLINE,
            "model": self.device.model,
            "firmware": self.device.firmware,
            "serial": self.device.serial,
        }
        if self._broken:
            reason = failure_code(self.device.kind, self._broken)
            body |= {"component": self._broken.component, "reason": reason}
        self._say("state", body, retain=True)

    def heartbeat(self) -> None:
        if self._connected:  # a stale heartbeat helps nobody
            self._say("heartbeat", {"interval_s": PROMISE_S})

    def hour(self) -> list[tuple[timedelta, EventSignal]]:
        """Counts one hour, says its counters and gauges, and returns the events to come.

        With each event stands how far in the coming hour it is. Without power it does nothing.
        """
        if self.life.dark_at(self.clock.now()):
            return []
        now = np.array([self.clock.now().timestamp()])
        idle = self._broken is not None
        activity = use(now, self.time_zone, self.traits.usage) * (0.0 if idle else 1.0)
        for signal in self._signals.counters:
            worn = self._wear(signal.component, now, signal.metric)
            step = counter_steps(signal, activity, worn, self._rng)
            self.counters[signal.metric] = self.counters.get(signal.metric, 0.0) + float(step[0])
        gauges = self._gauges(activity, now)
        self._say("counters", {"counters": self.counters, "gauges": gauges})
        return [] if idle else self._events(now)

    def event(self, component: str, code: str, severity: Severity) -> None:
        self._say("event", {"component": component, "code": code, "severity": severity})

    def _wear(self, component: str, moments: Floats, sign: str) -> Floats:
        return wear(self.life.rises, component, moments, sign)

    def _gauges(self, activity: Floats, now: Floats) -> dict[str, float]:
        gauges = {
            signal.metric: float(
                gauge_values(
                    signal,
                    self.traits.offsets[signal.metric],
                    activity,
                    self._wear(signal.component, now, signal.metric),
                    self._rng,
                )[0]
            )
            for signal in self._signals.gauges
        }
        for stock in self._signals.stocks:
            counter = np.array([self.counters[stock.counter]])
            shown = stock_values(stock, self.traits.forgetful, counter, self.life.rises, now)
            gauges[stock.metric] = float(shown[0])
        return gauges

    def _events(self, now: Floats) -> list[tuple[timedelta, EventSignal]]:
        return [
            (timedelta(minutes=float(self._rng.uniform(0, 60))), signal)
            for signal in self._signals.events
            for _ in range(self._count(signal, now))
        ]

    def _count(self, signal: EventSignal, now: Floats) -> int:
        worn = self._wear(signal.component, now, signal.code)
        return int(event_counts(signal, worn, self._rng)[0])

    def _will(self) -> Message:
        body = {"state": ReportedState.OFFLINE, "will": True}
        return self._message("state", body, 0, self.clock.now(), retain=True)

    def _say(self, kind: str, body: Mapping[str, Any], *, retain: bool = False) -> None:
        self._seq += 1
        self.link.send(self._message(kind, body, self._seq, self.clock.now(), retain=retain))

    def _message(
        self, kind: str, body: Mapping[str, Any], seq: int, at: datetime, *, retain: bool
    ) -> Message:
        whole = {
            "schema": SCHEMA,
            "boot_id": self._boot_id,
            "seq": seq,
            "ts": at.isoformat(timespec="milliseconds"),
            **body,
        }
        topic = f"v1/{self.tenant}/{self.device.site}/{self.device.key}/{kind}"
        return Message(topic, json.dumps(whole).encode(), retain)


def _new_boot() -> str:
    return uuid.uuid4().hex[:16]
