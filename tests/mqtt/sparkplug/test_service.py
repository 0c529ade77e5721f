"""The service `collect mqtt` speaks every dialect, and refuses a mapping file that is wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from domain.errors import ConfigurationError
from domain.report import DeviceReport
from forecall.config import Settings
from forecall.dialects import mqtt_dialects
from forecall.services import collect_mqtt
from forecall.wiring import Installation
from pipeline.ingest import Ingest
from storage.database import Database


def _installation(database: Database, clock: ManualClock, **settings: object) -> Installation:
    return Installation(Settings(**settings), database, clock)  # type: ignore[arg-type]


def test_nodes_that_were_heard_before_are_asked_at_a_start(
    database: Database, clock: ManualClock
) -> None:
    keys = ("till-1", "g~n", "g~n~till")
    Ingest(database, clock, "mqtt").store(
        [DeviceReport(key, clock.now(), clock.now()) for key in keys]
    )
    dialects = mqtt_dialects(_installation(database, clock))
    asked = [command.topic for dialect in dialects for command in dialect.commands()]
    assert asked == ["spBv1.0/g/NCMD/n"]


def test_a_wrong_mapping_file_ends_the_service_with_the_reason(
    database: Database, clock: ManualClock, settings: BrokerSettings, tmp_path: Path
) -> None:
    file = tmp_path / "map.toml"
    file.write_text("[[mapping]]\ntopik = 'x'\n", "utf-8")
    installation = _installation(
        database, clock, mqtt_host=settings.host, mqtt_port=settings.port, mqtt_mapping=file
    )
    with pytest.raises(ConfigurationError, match="unknown field `topik`"):
        collect_mqtt(installation, threading.Event())
