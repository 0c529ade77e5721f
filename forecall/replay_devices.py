"""The devices of a history, speaking over MQTT again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessageInfo, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collectors.mqtt.settings import BrokerSettings
from domain.errors import BrokerUnavailableError
from domain.report import MetricKind
from pipeline.history import History, moments, tick

Address = tuple[str, int]
"""(device key, seq): names one message within this replay."""

_TENANT, _SITE = "replay", "history"
_PROMISE_S = 3600
_PUBLISH_LIMIT_S = 60.0

_Message = tuple[int, datetime, str, dict[str, Any]]  # device, when, kind, body


class ReplayedFleet:
    """All devices of `history` over one connection, each with its own boot and numbering.

    The boot's name comes from the folder and the start: a second replay of the same hours is
    recognised as a repetition.
    """

    def __init__(self, history: History, start: datetime, broker: BrokerSettings) -> None:
        self._history = history
        self._broker = broker
        self._boot_id = f"{history.digest[:16]}-{start:%Y%m%dT%H%M}"
        self._seq = [0] * len(history.devices)
        self._silent = [True] * len(history.devices)
        self._parts = [
            "counters" if readings.kind is MetricKind.COUNTER else "gauges"
            for readings in history.readings
        ]
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"replay-{self._boot_id}", protocol=MQTTv311
        )
        self._client.max_inflight_messages_set(1000)
        if broker.username:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls_ca:
            self._client.tls_set(str(broker.tls_ca))

    def open(self) -> None:
        """Connects. Raises BrokerUnavailableError when the broker does not answer."""
        try:
            self._client.connect(self._broker.host, self._broker.port)
        except OSError as error:
            raise BrokerUnavailableError(
                f"the broker on {self._broker.host}:{self._broker.port} does not answer: {error}"
            ) from error
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def speak(
        self, start: datetime, end: datetime, expect: Callable[[Sequence[Address]], None]
    ) -> None:
        """Publishes what was said from `start` until before `end`, in order of time.

        `expect` is told what is coming before it comes. Returns when the broker has it all.
        """
        messages = sorted(self._messages(start, end), key=lambda message: message[1])
        greeted = [greeting for message in messages for greeting in self._greeted(message)]
        numbered = [(self._address(message), message) for message in greeted]
        expect([address for address, _ in numbered])
        published = [self._publish(address, message) for address, message in numbered]
        for info in published:
            info.wait_for_publish(_PUBLISH_LIMIT_S)

    def _messages(self, start: datetime, end: datetime) -> Iterator[_Message]:
        for (device, moment), values in self._readings(start, end).items():
            yield device, moment, "counters", values
        events = self._history.events
        events = events.where((events.at >= tick(start)) & (events.at < tick(end)))
        words = (column.texts() for column in (events.component, events.code, events.severity))
        for at, device, *told in zip(
            moments(events.at), events.device.tolist(), *words, strict=True
        ):
            body = dict(zip(("component", "code", "severity"), told, strict=True))
            yield device, at, "event", body

    def _readings(
        self, start: datetime, end: datetime
    ) -> dict[tuple[int, datetime], dict[str, dict[str, float]]]:
        bodies: dict[tuple[int, datetime], dict[str, dict[str, float]]] = {}
        for readings, part in zip(self._history.readings, self._parts, strict=True):
            here = readings.where((readings.at >= tick(start)) & (readings.at < tick(end)))
            for at, device, value in zip(
                moments(here.at), here.device.tolist(), here.value.tolist(), strict=True
            ):
                if isfinite(value):
                    body = bodies.setdefault((device, at), {})
                    body.setdefault(part, {})[readings.metric] = value
        return bodies

    def _greeted(self, message: _Message) -> Iterator[_Message]:
        """A device that speaks for the first time says before that it is there."""
        device, moment, _kind, _body = message
        if self._silent[device]:
            self._silent[device] = False
            yield device, moment, "state", {"state": "online"}
            yield device, moment, "heartbeat", {"interval_s": _PROMISE_S}
        yield message

    def _address(self, message: _Message) -> Address:
        self._seq[message[0]] += 1
        return self._history.devices[message[0]].key, self._seq[message[0]]

    def _publish(self, address: Address, message: _Message) -> MQTTMessageInfo:
        key, seq = address
        _device, moment, kind, body = message
        common = {"schema": 1, "boot_id": self._boot_id, "seq": seq, "ts": moment}
        topic = f"v1/{_TENANT}/{_SITE}/{key}/{kind}"
        return self._client.publish(topic, msgspec.json.encode(common | body), qos=1)
