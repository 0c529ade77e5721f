"""The long-running services, each a process of its own: wiring, then run until told to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event

from collectors.mqtt.collector import MqttCollector
from collectors.mqtt.settings import COLLECTOR as MQTT
from collectors.mqtt.settings import BrokerSettings
from collectors.zkteco.collector import ClockCollector
from collectors.zkteco.fleet import COLLECTOR as ZKTECO
from console.app import create_app
from console.serve import serve
from domain.clock import ScaledClock
from domain.errors import ConfigurationError
from forecall.config import Settings
from forecall.live import simulate
from forecall.wiring import Installation
from forecall.work import work
from pipeline.clock_fleet import ClaimedClocks
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch


def collect_mqtt(installation: Installation, stop: Event) -> None:
    """Hears terminals through the MQTT broker."""
    database, clock = installation.database, installation.clock
    intake = Ingest(database, clock, MQTT)
    watch = CollectorWatch(database, clock)
    MqttCollector(broker_settings(installation.settings), intake, watch, clock).run(stop)


def collect_zkteco(installation: Installation, stop: Event) -> None:
    """Polls attendance clocks."""
    database, clock = installation.database, installation.clock
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, ZKTECO))
    watch = CollectorWatch(database, clock)
    ClockCollector(fleet, watch, clock, workers=installation.settings.zkteco_workers).run(stop)


def console(installation: Installation, stop: Event) -> None:
    """Serves the web console."""
    settings, clock = installation.settings, installation.clock
    app = create_app(installation.database, clock, simulated=isinstance(clock, ScaledClock))
    serve(app, settings.host, settings.port, stop)


def broker_settings(settings: Settings) -> BrokerSettings:
    """How the collector reaches the broker. Raises ConfigurationError when none is set."""
    if not settings.mqtt_host:
        raise ConfigurationError(
            "mqtt_host: no broker is set; set FORECALL_MQTT_HOST, or start all parts: forecall up"
        )
    return BrokerSettings(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        username=settings.mqtt_username,
        password=settings.mqtt_password.get_secret_value(),
        client_id=settings.mqtt_client_id,
        tenant=settings.mqtt_tenant,
        tls_ca=settings.mqtt_ca,
    )


SERVICES: Mapping[str, Callable[[Installation, Event], None]] = {
    "collect mqtt": collect_mqtt,
    "collect zkteco": collect_zkteco,
    "work": work,
    "console": console,
    "simulate": simulate,
}
"""Every service by the command that starts it."""
