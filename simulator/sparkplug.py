"""A simulated Sparkplug B edge node: it speaks for devices, and says its births again when asked.

The encoder is written from the specification's schema and shares nothing with the collector's reader.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from domain.clock import Clock
from simulator.line import Address

NAMESPACE = "spBv1.0"
INT32, INT64, UINT64, DOUBLE, BOOLEAN, STRING = 3, 4, 8, 10, 11, 12

Value = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric to say: by name, by alias or by both."""

    name: str
    datatype: int
    value: Value
    alias: int | None = None
    at_ms: int | None = None
    historical: bool = False


def encode(
    metrics: Sequence[Metric], at_ms: int, seq: int | None, *, by_alias: bool = False
) -> bytes:
    """A payload. `by_alias`: as data messages are: without names and datatypes where there is an alias."""
    out = _key(1, 0) + _varint(at_ms)
    for metric in metrics:
        out += _nested(2, _metric(metric, at_ms, short=by_alias and metric.alias is not None))
    return out if seq is None else out + _key(3, 0) + _varint(seq)


def _metric(metric: Metric, at_ms: int, *, short: bool) -> bytes:
    out = b"" if short else _nested(1, metric.name.encode())
    if metric.alias is not None:
        out += _key(2, 0) + _varint(metric.alias)
    out += _key(3, 0) + _varint(at_ms if metric.at_ms is None else metric.at_ms)
    out += b"" if short else _key(4, 0) + _varint(metric.datatype)
    if metric.historical:
        out += _key(5, 0) + b"\x01"
    if metric.value is None:
        return out + _key(7, 0) + b"\x01"
    return out + _value(metric.datatype, metric.value)


def _value(datatype: int, value: Value) -> bytes:
    if isinstance(value, str):
        return _nested(15, value.encode())
    assert value is not None
    if datatype == BOOLEAN:
        return _key(14, 0) + _varint(int(value))
    if datatype == DOUBLE:
        return _key(13, 1) + struct.pack("<d", value)
    if datatype == INT32:
        return _key(10, 0) + _varint(int(value) & 0xFFFF_FFFF)
    return _key(11, 0) + _varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _nested(number: int, data: bytes) -> bytes:
    return _key(number, 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = []
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | 0x80 if value else low)
        if not value:
            return bytes(out)


@dataclass
class EdgeNode:
    """One edge node on a real broker, for as many devices as `devices` names.

    `devices`: name -> the metrics of its birth; what `say` tells later must be among them.
    """

    address: Address
    clock: Clock
    group: str
    name: str
    devices: Mapping[str, Sequence[Metric]]
    bd_seq: int = 0
    rebirths: int = 0
    _seq: int = -1
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"{self.group}-{self.name}", protocol=MQTTv311
        )
        if self.address.username:
            self._client.username_pw_set(self.address.username, self.address.password)
        self._client.on_connect = self._connected
        self._client.on_message = self._told

    def start(self) -> None:
        """Connects with the will of this session, and says its births once it is heard."""
        self._client.will_set(self._topic("NDEATH"), self._death(), qos=1)
        self._client.connect(self.address.host, self.address.port)
        self._client.loop_start()

    def is_connected(self) -> bool:
        return self._client.is_connected()

    def say(self, device: str, values: Mapping[str, Value]) -> None:
        """A DDATA with these metrics, by alias where they have one."""
        born = {metric.name: metric for metric in self.devices[device]}
        self.send(
            "DDATA",
            device,
            [
                Metric(name, born[name].datatype, value, born[name].alias)
                for name, value in values.items()
            ],
        )

    def send(self, kind: str, device: str, metrics: Sequence[Metric]) -> None:
        with self._lock:
            self._seq = (self._seq + 1) % 256
            body = encode(metrics, self._now_ms(), self._seq, by_alias=kind.endswith("DATA"))
            self._client.publish(self._topic(kind, device), body, qos=0)

    def lose(self) -> None:
        """A message goes lost on its way: its number is used up."""
        with self._lock:
            self._seq = (self._seq + 1) % 256

    def vanish(self) -> None:
        """Breaks the connection without a word: the broker speaks the will."""
        plug = self._client.socket()
        self._client.reconnect_delay_set(600, 600)
        if plug is not None:
            plug.close()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def birth(self) -> None:
        with self._lock:
            self._seq = -1
            bd_seq = Metric("bdSeq", INT64, self.bd_seq)
            rebirth = Metric("Node Control/Rebirth", BOOLEAN, False)
            self.send("NBIRTH", "", [bd_seq, rebirth])
            for device, metrics in self.devices.items():
                self.send("DBIRTH", device, metrics)

    def _death(self) -> bytes:
        return encode([Metric("bdSeq", INT64, self.bd_seq)], self._now_ms(), None)

    def _topic(self, kind: str, device: str = "") -> str:
        topic = f"{NAMESPACE}/{self.group}/{kind}/{self.name}"
        return f"{topic}/{device}" if device else topic

    def _now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def _connected(self, client: Client, *_: Any) -> None:
        client.subscribe(self._topic("NCMD"), qos=1)
        self.birth()

    def _told(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if b"Node Control/Rebirth" in message.payload:
            self.rebirths += 1
            self.birth()
