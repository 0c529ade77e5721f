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
    counter_steps,
    event_counts,
    gauge_values,
    stock_values,
    traits,
    use,
)
from simulator.wear import Life, Rise, wear

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
        self._boot_id = ""
        self._seq = 0
        self._cut_off = False

    def start(self) -> None:
        """A session begins: a new boot, a last will, and its state."""
        self._boot_id = uuid.uuid4().hex[:16]
        self._seq = 0
        self._cut_off = False
        self.link.open(self._will())
        self.say_state()

    def stop(self) -> None:
        self.link.close()

    def cut(self) -> None:
        """Its network goes away."""
        self._cut_off = True
        self.link.cut()

    def say_state(self) -> None:
        """Online, or broken with the component that is to blame."""
        broken = self.life.broken(self.clock.now())
        body: dict[str, Any] = {
            "state": ReportedState.HARDWARE_ERROR if broken else ReportedState.ONLINE,
            "model": self.device.model,
            "firmware": self.device.firmware,
            "serial": self.device.serial,
        }
        if broken:
            code = self._signals.failure_codes[broken.component]
            body |= {"component": broken.component, "reason": code}
        self._say("state", body, retain=True)

    def heartbeat(self) -> None:
        if not self._cut_off:  # a stale heartbeat helps nobody
            self._say("heartbeat", {"interval_s": PROMISE_S})

    def hour(self) -> list[tuple[timedelta, str, str]]:
        """Counts one hour, says its counters and gauges, and returns the events to come.

        Each event is (how far in the coming hour, component, code).
        """
        now = np.array([self.clock.now().timestamp()])
        idle = self.life.broken(self.clock.now()) is not None
        activity = use(now, self.time_zone, self.traits.usage) * (0.0 if idle else 1.0)
        for signal in self._signals.counters:
            step = counter_steps(signal, activity, self._wear(signal.component, now), self._rng)
            self.counters[signal.metric] = self.counters.get(signal.metric, 0.0) + float(step[0])
        gauges = self._gauges(activity, now)
        self._say("counters", {"counters": self.counters, "gauges": gauges})
        return [] if idle else self._events(now)

    def event(self, component: str, code: str, severity: Severity) -> None:
        self._say("event", {"component": component, "code": code, "severity": severity})

    def fail(self, rise: Rise) -> None:
        """A component breaks down: a critical event, and out of service."""
        self.event(rise.component, self._signals.failure_codes[rise.component], Severity.CRITICAL)
        self.say_state()

    def mend(self, rise: Rise) -> None:
        """The component was repaired."""
        self.event(rise.component, _WORKS_AGAIN, Severity.INFO)
        self.say_state()

    def _wear(self, component: str, moments: Any) -> Any:
        return wear(self.life.rises, component, moments)

    def _gauges(self, activity: Any, now: Any) -> dict[str, float]:
        gauges = {
            signal.metric: float(
                gauge_values(
                    signal,
                    self.traits.offsets[signal.metric],
                    activity,
                    self._wear(signal.component, now),
                    self._rng,
                )[0]
            )
            for signal in self._signals.gauges
        }
        for stock in self._signals.stocks:
            counter = np.array([self.counters[stock.counter]])
            gauges[stock.metric] = float(stock_values(stock, self.traits.forgetful, counter)[0])
        return gauges

    def _events(self, now: Any) -> list[tuple[timedelta, str, str]]:
        return [
            (timedelta(minutes=float(self._rng.uniform(0, 60))), signal.component, signal.code)
            for signal in self._signals.events
            for _ in range(
                int(event_counts(signal, self._wear(signal.component, now), self._rng)[0])
            )
        ]

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
