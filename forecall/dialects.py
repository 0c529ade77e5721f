"""What the terminals' collector understands: its own contract, Sparkplug B, and a mapping file's JSON."""

from __future__ import annotations

from collectors.mqtt.contract import JsonContract
from collectors.mqtt.dialect import Dialect
from collectors.mqtt.mapping import load_mapping
from collectors.mqtt.sparkplug import SparkplugB
from forecall.wiring import Installation
from storage.queries import load


def mqtt_dialects(installation: Installation) -> list[Dialect]:
    """New dialects, for one collector.

    Raises ConfigurationError when the mapping file is wrong, StoreUnavailableError.
    """
    settings, clock = installation.settings, installation.clock
    with installation.database.transaction() as conn:
        known = [row["key"] for row in conn.execute(load("front")["sparkplug_keys"]).fetchall()]
    dialects: list[Dialect] = [
        JsonContract(settings.mqtt_tenant),
        SparkplugB(clock, settings.mqtt_sparkplug_interval_s, known),
    ]
    if settings.mqtt_mapping is not None:
        dialects.append(load_mapping(settings.mqtt_mapping))
    return dialects
