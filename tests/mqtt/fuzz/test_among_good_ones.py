"""Hostile messages among good ones on a real broker: all good ones stored, all hostile ones kept aside."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from collectors.mqtt.contract import JsonContract
from collectors.mqtt.dialect import Dialect
from collectors.mqtt.mapping import MappedJson
from collectors.mqtt.mapping_file import check
from collectors.mqtt.settings import BrokerSettings
from collectors.mqtt.sparkplug import SparkplugB
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from simulator.sparkplug import INT64, UINT64, Metric, encode
from storage.database import Database
from tests.mqtt.fuzz.hostile import RAW, deep
from tests.mqtt.helpers import LIMIT_S, await_that, collecting, rows

MAPPING = b'[[mapping]]\ntopic = "shops/{device}"\ntime = "ts"\n[[mapping.field]]\npath = "a"\ngauge = "x.A"'
GOOD = 60
SCRIPT = "<script>alert('x')</script>"
SQL = "'; DROP TABLE device; --"


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
    client.username_pw_set(broker.username, broker.password)
    client.connect(HOST, broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def _body(seq: int, at: datetime, **fields: Any) -> bytes:
    common = {"schema": 1, "boot_id": "b", "seq": seq, "ts": at.isoformat()}
    return json.dumps(common | fields).encode()


def _good(at: datetime) -> Iterator[tuple[str, bytes]]:
    """Of each dialect in turn, each message with values of its own."""
    ms = int(at.timestamp() * 1000)
    births = [Metric("bdSeq", INT64, 0), Metric("PaperCutCount", UINT64, 0, alias=1)]
    yield "spBv1.0/g/NBIRTH/n", encode(births, ms, 0)
    for number in range(1, GOOD):
        text = (SCRIPT, SQL)[number % 2]
        yield (
            "v1/a/s/till/event",
            _body(
                number,
                at,
                component="billAcceptor",
                severity="info",
                dialect="id003",
                raw_code=text,
            ),
        )
        yield "shops/kiosk", json.dumps({"ts": at.isoformat(), "a": number}).encode()
        cuts = Metric("PaperCutCount", UINT64, number, alias=1)
        yield "spBv1.0/g/NDATA/n", encode([cuts], ms, number % 256, by_alias=True)


def _hostile(at: datetime) -> Iterator[tuple[str, bytes]]:
    """None of them can be read; each is another message than all others."""
    topics = ("v1/a/s/till/counters", "shops/kiosk", "spBv1.0/g/DBIRTH/m/d", "v1/a/s/till/mood")
    for number, (topic, raw) in enumerate(itertools.product(topics, RAW[:-1])):
        if raw:
            yield topic, raw + str(number).encode()
    yield "v1/a/s/till/counters", b"{" + b" " * 200_000 + b"}"
    yield "v1/a/s/till/counters", deep(5_000)
    yield "v1/a/s/till/counters", _body(900, at, counters={SCRIPT: 1})
    yield "v1/a/s/till/counters", _body(900, at, counters={"x.A": 10**400})
    yield "v1/a/s/till/state", _body(901, at, state=SQL)
    yield "shops/kiosk", json.dumps({"ts": at.isoformat(), "a": SQL}).encode()
    yield "shops/" + "x" * 200, json.dumps({"ts": at.isoformat(), "a": 1}).encode()


def test_good_ones_are_stored_and_hostile_ones_kept_aside(
    database: Database, settings: BrokerSettings, clock: ManualClock, publisher: Client
) -> None:
    good, hostile = list(_good(clock.now())), list(_hostile(clock.now()))
    dialects: list[Dialect] = [JsonContract(), SparkplugB(clock), MappedJson(check(MAPPING, "map"))]
    with collecting(settings, database, clock, dialects):
        for message in itertools.chain.from_iterable(itertools.zip_longest(good, hostile)):
            if message is not None:
                topic, body = message
                publisher.publish(topic, body, qos=1).wait_for_publish(LIMIT_S)
        await_that(lambda: sum(_counted(database)) >= len(good) + len(hostile))
    assert _counted(database) == (len(good), len(hostile))
    refused = rows(database, "SELECT source, body, reason FROM rejected_message")
    assert {(row["source"], bytes(row["body"])) for row in refused} == set(hostile)
    assert all(len(row["reason"]) > 10 for row in refused)
    assert [row["key"] for row in rows(database, "SELECT key FROM device ORDER BY key")] == [
        "g~n",
        "kiosk",
        "till",
    ]
    raws = rows(database, "SELECT raw_code, count(*) AS n FROM device_event GROUP BY 1 ORDER BY 1")
    assert {row["raw_code"]: row["n"] for row in raws} == {SQL: 30, SCRIPT: 29}


def _counted(database: Database) -> tuple[int, int]:
    found = rows(
        database,
        """SELECT coalesce(sum(stored), 0)::int AS stored,
                  (SELECT count(*) FROM rejected_message)::int AS rejected FROM intake_count""",
    )
    return found[0]["stored"], found[0]["rejected"]
