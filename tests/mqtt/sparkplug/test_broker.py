"""A real edge node on a real broker, through a small loop in the collector's place."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collectors.mqtt.sparkplug import SparkplugB
from domain.clock import SystemClock
from domain.errors import UndecodableMessageError
from domain.report import DeviceReport
from forecall.broker import HOST, Broker
from simulator.line import Address
from simulator.sparkplug import EdgeNode
from tests.chaos.mosquitto import PROGRAM, Mosquitto
from tests.mqtt.sparkplug.helpers import TILL
from tests.waiting import wait_for


class Host:
    """Hands what comes from the broker to the dialect, and publishes what it asks for."""

    def __init__(self, address: Address) -> None:
        self.dialect = SparkplugB(SystemClock())
        self.reports: list[DeviceReport] = []
        self.refused: list[str] = []
        self.granted = False
        self._inbox: queue.Queue[MQTTMessage] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="host", protocol=MQTTv311)
        if address.username:
            self._client.username_pw_set(address.username, address.password)
        self._client.on_message = lambda _client, _data, message: self._inbox.put(message)
        self._client.on_subscribe = self._granted
        self._client.connect(address.host, address.port)
        self._client.subscribe([(each, 1) for each in self.dialect.topic_filters])
        self._client.loop_start()

    def has(self, key: str, metric: str, value: float) -> bool:
        self.take()
        return any(
            report.device_key == key and {**report.counters, **report.gauges}.get(metric) == value
            for report in self.reports
        )

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _granted(self, _client: Client, _data: object, _mid: int, codes: object, _: object) -> None:
        self.granted = True

    def take(self) -> None:
        while not self._inbox.empty():
            message = self._inbox.get()
            try:
                self.reports += self.dialect.decode(
                    message.topic, bytes(message.payload), SystemClock().now()
                )
            except UndecodableMessageError as error:
                self.refused.append(str(error))
        for command in self.dialect.commands():
            self._client.publish(command.topic, command.body, qos=0)


@pytest.fixture(params=["nats", "mosquitto"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    if request.param == "mosquitto":
        if PROGRAM is None:
            pytest.skip("mosquitto is not installed here")
        broker = Mosquitto(tmp_path / "mosquitto")
        broker.start()
        yield Address(HOST, broker.port)
        broker.stop()
    else:
        with Broker(tmp_path) as embedded:
            yield Address(HOST, embedded.port, embedded.username, embedded.password)


@pytest.fixture
def host(address: Address) -> Iterator[Host]:
    host = Host(address)
    wait_for("the subscription is granted", lambda: host.granted)
    yield host
    host.stop()


@pytest.fixture
def node(address: Address) -> Iterator[EdgeNode]:
    node = EdgeNode(address, SystemClock(), "plant-1", "line-1", {"till": TILL, "kiosk": TILL})
    yield node
    node.stop()


TILL_KEY, KIOSK_KEY = "plant-1~line-1~till", "plant-1~line-1~kiosk"


def test_births_data_gap_rebirth_and_death(host: Host, node: EdgeNode) -> None:
    node.start()
    wait_for("the births came", lambda: host.has(KIOSK_KEY, "PaperCutCount", 100))
    node.say("till", {"PaperCutCount": 101})
    wait_for("data came", lambda: host.has(TILL_KEY, "PaperCutCount", 101))

    node.lose()
    node.say("till", {"PaperCutCount": 102})
    wait_for(
        "the gap was seen and a rebirth answered", lambda: node.rebirths or host.has("", "", 0)
    )
    node.say("till", {"PaperCutCount": 103})
    wait_for("data came again", lambda: host.has(TILL_KEY, "PaperCutCount", 103))
    assert ["messages were lost" in reason for reason in host.refused] == [True]

    node.vanish()
    wait_for("the will came", lambda: _dead(host))


def test_a_host_that_starts_late_asks_for_the_births(address: Address, node: EdgeNode) -> None:
    node.start()
    wait_for("the node is there", node.is_connected)
    host = Host(address)
    wait_for("the subscription is granted", lambda: host.granted)
    node.say("till", {"PaperCutCount": 101})
    wait_for("it was asked and answered", lambda: host.has(KIOSK_KEY, "PaperCutCount", 100))
    node.say("till", {"PaperCutCount": 102})
    wait_for("data came", lambda: host.has(TILL_KEY, "PaperCutCount", 102))
    host.stop()


def _dead(host: Host) -> bool:
    host.take()
    wills = {report.device_key for report in host.reports if report.contact.is_will}
    return wills == {"plant-1~line-1", TILL_KEY, KIOSK_KEY}
