"""An edge node, the broker, the collector and the store: what a Sparkplug device's life leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.mqtt.settings import BrokerSettings
from collectors.mqtt.sparkplug import SparkplugB
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from simulator.line import Address
from simulator.sparkplug import EdgeNode
from storage.database import Database
from tests.mqtt.helpers import await_that, collecting, rows
from tests.mqtt.sparkplug.helpers import TILL


@pytest.fixture
def node(broker: Broker, clock: ManualClock) -> Iterator[EdgeNode]:
    address = Address(HOST, broker.port, broker.username, broker.password)
    node = EdgeNode(address, clock, "plant", "line", {"till": TILL})
    yield node
    node.stop()


def _cuts(database: Database) -> list[float]:
    found = rows(
        database,
        """SELECT value FROM reading JOIN metric ON metric.id = metric_id
           JOIN device ON device.id = device_id
           WHERE device.key = 'plant~line~till' AND metric.name = 'PaperCutCount'
           ORDER BY value""",
    )
    return [row["value"] for row in found]


def test_the_life_of_a_device(
    database: Database,
    settings: BrokerSettings,
    clock: ManualClock,
    node: EdgeNode,
) -> None:
    with collecting(settings, database, clock, [SparkplugB(clock)]):
        node.start()
        await_that(lambda: _cuts(database) == [100])
        node.say("till", {"PaperCutCount": 101})
        node.say("till", {"Events/billAcceptor": "id003:45"})
        clock.advance(timedelta(seconds=1))
        node.lose()
        node.say("till", {"PaperCutCount": 102})
        await_that(lambda: node.rebirths == 1)
        await_that(lambda: _cuts(database) == [100, 100, 101])
        node.say("till", {"PaperCutCount": 103})
        await_that(lambda: _cuts(database) == [100, 100, 101, 103])
        before = rows(database, "SELECT due_at FROM device_status ORDER BY device_id")
        node.vanish()
        await_that(
            lambda: rows(database, "SELECT due_at FROM device_status ORDER BY device_id") != before
        )
    refused = rows(database, "SELECT source, reason FROM rejected_message")
    assert [row["source"] for row in refused] == ["spBv1.0/plant/DDATA/line/till"]
    assert "messages were lost" in refused[0]["reason"]
    events = rows(database, "SELECT component, code, dialect, raw_code FROM device_event")
    assert [tuple(row.values()) for row in events] == [
        ("billAcceptor", "jamAcceptor", "id003", "45")
    ]
    states = rows(database, "SELECT key, state FROM device_status JOIN device ON id = device_id")
    assert {row["key"]: row["state"] for row in states} == {
        "plant~line": "up",
        "plant~line~till": "up",
    }
