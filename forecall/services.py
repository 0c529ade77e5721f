"""The long-running services, each a process of its own: wiring, then run until told to stop.

A service imports what it runs when it runs it: five processes start at once, and none shall load
what only another one needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from domain.clock import ScaledClock
from domain.errors import ConfigurationError
from forecall.config import Settings
from forecall.wiring import Installation
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch

if TYPE_CHECKING:
    from collectors.mqtt.settings import BrokerSettings
    from collectors.mqtt.shards import Shard


def collect_mqtt(installation: Installation, stop: Event) -> None:
    """Hears terminals through the MQTT broker: the shards that it gets a lease on."""
    from collectors.mqtt.collector import MqttCollector
    from collectors.mqtt.memory import collect_garbage_rarely
    from collectors.mqtt.shards import Collect, ShardRunner
    from forecall.dialects import mqtt_dialects
    from pipeline.shards import LeasedShards

    database, clock, settings = installation.database, installation.clock, installation.settings
    shards = mqtt_shards(settings)
    watch = CollectorWatch(database, clock)

    def collecting(shard: Shard) -> Collect:
        dialects = mqtt_dialects(installation)
        own = shard_settings(settings, shard)
        intake = Ingest(database, clock, shard.collector)
        return MqttCollector(own, dialects, intake, watch, clock).run

    collect_garbage_rarely()
    leases = LeasedShards(database, {shard.name: shard.topics for shard in shards})
    ShardRunner(shards, leases, collecting).run(stop)


def collect_zkteco(installation: Installation, stop: Event) -> None:
    """Polls attendance clocks."""
    from collectors.zkteco.collector import ClockCollector
    from collectors.zkteco.fleet import COLLECTOR
    from pipeline.clock_fleet import ClaimedClocks

    database, clock = installation.database, installation.clock
    fleet = ClaimedClocks(database, clock, Ingest(database, clock, COLLECTOR))
    watch = CollectorWatch(database, clock)
    ClockCollector(fleet, watch, clock, workers=installation.settings.zkteco_workers).run(stop)


def collect_adms(installation: Installation, stop: Event) -> None:
    """Hears attendance clocks that push."""
    from collectors.adms.collector import PushCollector
    from collectors.adms.fleet import COLLECTOR
    from pipeline.push_fleet import CallingClocks

    database, clock, settings = installation.database, installation.clock, installation.settings
    fleet = CallingClocks(database, clock, Ingest(database, clock, COLLECTOR))
    watch = CollectorWatch(database, clock)
    PushCollector(fleet, watch, clock, settings.adms_host, settings.adms_port).run(stop)


def work(installation: Installation, stop: Event) -> None:
    """Does what is due again and again."""
    from forecall.work import work as do_work

    do_work(installation, stop)


def console(installation: Installation, stop: Event) -> None:
    """Serves the web console."""
    from alerts.notify.receiver import AlertReceiver
    from console.app import create_app
    from console.receiving import receive_alerts, receive_calls
    from console.serve import serve
    from desk.cases import Cases
    from forecall.files import file_problems
    from forecall.post import policy_file, post

    settings, clock = installation.settings, installation.clock
    app = create_app(
        installation.database,
        clock,
        simulated=isinstance(clock, ScaledClock),
        metrics_token=settings.metrics_token.get_secret_value(),
        files=partial(file_problems, settings),
    )
    policy = policy_file(settings).current
    receive_alerts(app, AlertReceiver(installation.database, clock, Cases(clock), policy).take)
    receive_calls(app, post(installation).sinks.called)
    serve(app, settings.host, settings.port, stop)


def simulate(installation: Installation, stop: Event) -> None:
    """Runs the demo's fleet."""
    from forecall.live import simulate as run_fleet

    run_fleet(installation, stop)


def broker_settings(settings: Settings) -> BrokerSettings:
    """How the collector reaches the broker. Raises ConfigurationError when none is set."""
    from collectors.mqtt.settings import BrokerSettings

    if not settings.mqtt_addresses:
        raise ConfigurationError(
            "mqtt_host: no broker is set; set FORECALL_MQTT_HOST, or start all parts: forecall up"
        )
    (host, port), *others = settings.mqtt_addresses
    return BrokerSettings(
        host=host,
        port=port,
        others=tuple(others),
        username=settings.mqtt_username,
        password=settings.mqtt_password.get_secret_value(),
        client_id=settings.mqtt_client_id,
        tls_ca=settings.mqtt_ca,
    )


def mqtt_shards(settings: Settings) -> list[Shard]:
    """The shards that are set, or one with everything. Raises ConfigurationError."""
    from collectors.mqtt.shards import Shard

    named = [Shard(name, tuple(topics)) for name, topics in settings.mqtt_shards.items()]
    return named or [Shard()]


def shard_settings(settings: Settings, shard: Shard) -> BrokerSettings:
    """How whoever holds `shard` reaches the broker. Raises ConfigurationError when none is set."""
    broker = broker_settings(settings)
    client_id = shard.client_id(broker.client_id)
    return replace(
        broker,
        name=shard.collector,
        client_id=client_id,
        topics=shard.topics,
        shares=max(1, len(settings.mqtt_shards)),
    )


SERVICES: Mapping[str, Callable[[Installation, Event], None]] = {
    "collect mqtt": collect_mqtt,
    "collect zkteco": collect_zkteco,
    "collect adms": collect_adms,
    "work": work,
    "console": console,
    "simulate": simulate,
}
"""Every service by the command that starts it."""
