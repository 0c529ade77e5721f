"""Terminals, collectors and patience for tests with a real broker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.contract import JsonContract
from collectors.mqtt.dialect import Dialect
from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch
from storage.database import Database, Row

LIMIT_S = 120.0


def await_that(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Returns once `condition` holds; fails when it does not within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "the awaited condition did not come true in time"
        time.sleep(0.02)


class Terminal:
    """A terminal as a device maker would write it, for one device."""

    def __init__(self, broker: Broker, device: str, moment: datetime, boot: str = "b1") -> None:
        self.topic = f"v1/acme/site-1/{device}"
        self.boot = boot
        self.seq = 0
        self.moment = moment
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
        self.client.username_pw_set(broker.username, broker.password)
        will = self.body(seq=0, state="offline", will=True)
        self.client.will_set(f"{self.topic}/state", json.dumps(will), qos=1, retain=True)
        self.client.connect(HOST, broker.port)
        self.client.loop_start()

    def body(self, **fields: Any) -> dict[str, Any]:
        common = {"schema": 1, "boot_id": self.boot, "seq": self.seq, "ts": self.moment.isoformat()}
        return common | fields

    def say(self, kind: str, **fields: Any) -> None:
        """Publishes and waits for the broker's acknowledgement."""
        self.seq += 1
        self.raw(kind, json.dumps(self.body(**fields)).encode())

    def raw(self, kind: str, body: bytes) -> None:
        published = self.client.publish(f"{self.topic}/{kind}", body, 1, retain=kind == "state")
        published.wait_for_publish(LIMIT_S)
        assert published.is_published()

    def vanish(self) -> None:
        """Breaks the connection without a word, so that the broker speaks the last will."""
        socket = self.client.socket()
        assert socket is not None
        self.client.reconnect_delay_set(600, 600)
        socket.close()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def collecting(
    settings: BrokerSettings,
    database: Database,
    clock: ManualClock,
    dialects: Sequence[Dialect] = (JsonContract(),),
) -> Iterator[None]:
    """A collector at work in a thread of this process; it has subscribed when the block begins."""
    intake, watch = Ingest(database, clock, "mqtt"), CollectorWatch(database, clock)
    collector, stop = (
        MqttCollector(settings, dialects, intake, watch, clock),
        threading.Event(),
    )
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        await_that(lambda: len(rows(database, "SELECT FROM collector_watch")) == 1)
        yield
    finally:
        stop.set()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def rows(database: Database, statement: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(statement.encode()).fetchall()
