"""A found device is placed where its topic says."""

from __future__ import annotations

import json

from collectors.mqtt.contract import decode
from domain.clock import ManualClock
from pipeline.ingest import Ingest
from storage.database import Database
from tests.devices.conftest import Forecall


def test_a_found_device_is_placed_where_its_topic_says(
    forecall: Forecall, database: Database, clock: ManualClock
) -> None:
    forecall("devices", "add", "CLK-1", "--kind", "clock", "--site", "s2", "--customer", "acme")
    for seq, site in enumerate(("s1", "s2"), 1):
        body = {"schema": 1, "boot_id": "b", "seq": seq, "ts": "2026-03-02T12:00:00Z"}
        message = json.dumps(body | {"state": "online"}).encode()
        report = decode(f"v1/acme/{site}/N-1/state", message, clock.now())
        Ingest(database, clock, "mqtt").store([report])
    found = json.loads(forecall("devices", "list", "--found", "--json"))
    assert [(each["key"], each["found_via"]) for each in found] == [("N-1", "v1/acme/s2/N-1")]
    forecall("devices", "adopt", "N-1")
    placed = json.loads(forecall("devices", "list", "--site", "s2", "--json"))
    assert [each["key"] for each in placed] == ["CLK-1", "N-1"]
