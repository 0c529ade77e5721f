"""The MQTT collector between a real broker and a real store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from domain.errors import ConfigurationError
from forecall.broker import Broker
from forecall.config import Settings
from forecall.services import mqtt_shards, shard_settings
from storage.database import Database
from tests.mqtt.helpers import Terminal, await_that, collecting, rows


def stored(database: Database) -> int:
    found = rows(database, "SELECT coalesce(sum(stored), 0)::int AS n FROM intake_count")
    return int(found[0]["n"])


def test_a_terminals_words_arrive_in_the_store(
    settings: BrokerSettings, database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    with collecting(settings, database, clock):
        terminal.say("state", state="online", model="K-200", firmware="2.1", serial="S1")
        terminal.say("heartbeat", interval_s=60, gauges={"x.SupplyVoltage": 11.9})
        terminal.say("counters", counters={"PaperCutCount": 42})
        terminal.say("event", component="receiptPrinter", code="paperOut", severity="error")
        await_that(lambda: stored(database) == 4)
    values = rows(database, "SELECT name, kind, value FROM reading JOIN metric ON id = metric_id")
    assert {tuple(row.values()) for row in values} == {
        ("x.SupplyVoltage", "gauge", 11.9),
        ("PaperCutCount", "counter", 42.0),
    }
    assert rows(database, "SELECT code FROM device_event") == [{"code": "paperOut"}]
    status = rows(database, "SELECT * FROM device_status")[0]
    assert (status["state"], status["reported"], status["interval_s"]) == ("up", "online", 60)
    assert rows(database, "SELECT model FROM device") == [{"model": "K-200"}]
    assert rows(database, "SELECT collector FROM collector_watch") == [{"collector": "mqtt"}]


def test_what_was_published_while_nobody_collected_is_not_lost(
    settings: BrokerSettings, database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    with collecting(settings, database, clock):
        terminal.say("heartbeat", interval_s=60)
        await_that(lambda: stored(database) == 1)
    for _ in range(50):
        terminal.say("heartbeat", interval_s=60)
    with collecting(settings, database, clock):
        await_that(lambda: stored(database) == 51)


def test_an_undecodable_message_is_kept_with_the_reason_and_holds_up_nothing(
    settings: BrokerSettings, database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    with collecting(settings, database, clock):
        terminal.raw("heartbeat", b'{"schema": 1, "boot_id": "b", "seq": -4}')
        terminal.raw("mood", b"{}")
        terminal.say("heartbeat", interval_s=60)
        await_that(lambda: stored(database) == 1)
        await_that(lambda: len(rows(database, "SELECT FROM rejected_message")) == 2)
    kept = rows(database, "SELECT source, body, reason FROM rejected_message ORDER BY id")
    assert kept[0]["body"] == b'{"schema": 1, "boot_id": "b", "seq": -4}'
    assert kept[0]["reason"] == "seq: -4; Expected `int` >= 0"
    assert kept[1]["source"] == "v1/acme/site-1/till-1/mood"
    assert "allowed: state, heartbeat, counters, event" in kept[1]["reason"]


def test_a_last_will_only_brings_the_deadline_nearer(
    settings: BrokerSettings, database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    with collecting(settings, database, clock):
        terminal.say("heartbeat", interval_s=600)
        await_that(lambda: stored(database) == 1)
        terminal.vanish()
        await_that(lambda: stored(database) == 2)
    status = rows(database, "SELECT * FROM device_status")[0]
    assert status["state"] == "up"
    assert status["due_at"] == clock.now() + timedelta(seconds=900)


def test_a_collector_finds_a_broker_that_was_away(
    broker: Broker, settings: BrokerSettings, database: Database, clock: ManualClock
) -> None:
    with collecting(settings, database, clock):
        broker.kill()
        broker.start()
        terminal = Terminal(broker, "till-2", clock.now())
        terminal.say("heartbeat", interval_s=60)
        await_that(lambda: stored(database) == 1)
        terminal.leave()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("port", 0), ("client_id", "a.b"), ("client_id", "")),
        *(("topics", (wrong,)) for wrong in ("", "a+/b", "a/#/b", "#a", "a\0")),
    ],
)
def test_settings_out_of_range_are_refused_by_name(field: str, value: object) -> None:
    given: dict[str, object] = {"host": "localhost", "port": 1883, field: value}
    with pytest.raises(ConfigurationError, match=field):
        BrokerSettings(**given)  # type: ignore[arg-type]


def test_sessions_that_share_the_messages_know_of_each_other() -> None:
    named = {"north": ["v1/north/#"], "south": ["v1/south/#"]}
    for shards, shares in ((named, 2), ({}, 1)):
        settings = Settings(mqtt_host="127.0.0.1", mqtt_shards=shards)
        for shard in mqtt_shards(settings):
            assert shard_settings(settings, shard).shares == shares
