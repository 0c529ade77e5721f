"""`forecall up`: a whole system on one machine, with nothing else to install."""

from __future__ import annotations

import hashlib
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from console.accounts import create_account
from domain.clock import ManualClock, ScaledClock
from domain.errors import ConfigurationError
from forecall.broker import Broker, Listener
from forecall.config import Settings
from forecall.demo import build_demo, demo_speed, is_built
from forecall.lock import held
from forecall.ports import next_free
from forecall.progress import shown
from forecall.supervisor import OBEY_S, Child, Supervisor, child_environment
from forecall.wiring import LOG_FOLDER
from models.registry.artifacts import champions
from models.settings import TrainSettings
from models.training.train import train
from pipeline.watch import pause_simulation
from storage.clock import install_simulated_clock
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from storage.queries import load

DEMO_ACCOUNT, DEMO_PASSWORD = "demo", "forecall-demo"
_GENERATED_ACCOUNT = "admin"
_PASSWORD_BYTES = 12
_MARGIN_S = 2.0  # wall seconds that may have passed after `reached_at` was last written
# Somebody waits for the first models: half the decisions make them as good within a few hundredths.
_FIRST_TRAINING = TrainSettings(step=timedelta(hours=6))
_NOT_YET = timedelta(days=7)
_PATIENCE_S = {"work": 20.0}
"""The worker ends the turn that it is at: on a busy machine, just started, that takes a while."""

_SERVICES = ("console", "work", "collect mqtt", "collect zkteco", "collect adms")


@dataclass(frozen=True, slots=True)
class _Login:
    name: str
    password: str


class _Postgres(EmbeddedServer):
    """The embedded server as a part of the system."""

    def ask_to_stop(self) -> None:
        """The others need it until they have ended."""


class _NatsBroker(Broker):
    """The embedded broker as a part of the system."""

    def ask_to_stop(self) -> None:
        """The others need it until they have ended."""


def up(settings: Settings, *, demo: bool, config: Path | None, out: Console) -> None:
    """Starts everything and looks after it until SIGINT or SIGTERM; then ends it in order.

    Raises ConfigurationError when the data folder is in use, or a setting does not fit.
    """
    with held(settings.data_dir), _ended_by_signals():
        supervisor = Supervisor()
        try:
            _start(supervisor, settings, demo, config, out)
            supervisor.run(threading.Event())
        except KeyboardInterrupt:
            out.print("\nStopping ...")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # the end is under way already
            supervisor.end()
    out.print("Stopped.")


def _start(
    supervisor: Supervisor, settings: Settings, demo: bool, config: Path | None, out: Console
) -> None:
    if not settings.embedded_database or settings.mqtt_host:
        raise ConfigurationError(
            "database_dsn, mqtt_host: `forecall up` brings its own database and broker; "
            "with others, start the services one by one"
        )
    out.print(f"Data folder: {settings.data_dir}")
    postgres = _Postgres(settings.data_dir)
    supervisor.add(postgres)
    database = Database(postgres.dsn, application="forecall up")
    try:
        migrate(database)
        login = _prepare(database, settings, demo, out)
    finally:
        database.close()
    broker = _NatsBroker(settings.data_dir, listener=listener_of(settings, demo=demo))
    supervisor.add(broker)
    port = next_free(settings.host, settings.port)
    adms_port = _push_port(settings, port)
    environment = _environment(settings, postgres, broker, port, config)
    environment["FORECALL_ADMS_PORT"] = str(adms_port)
    for service in (*_SERVICES, *(["simulate"] if demo else [])):
        supervisor.add(_child(service, environment, settings.data_dir))
    _announce(settings, port, login, out)
    if adms_port != settings.adms_port:
        out.print(f"Port {settings.adms_port} is taken; clocks that push find {adms_port} instead.")


def listener_of(settings: Settings, *, demo: bool) -> Listener:
    """Where the broker listens. Raises ConfigurationError when the settings don't fit together."""
    if settings.mqtt_listens is None:
        return Listener()
    files = (settings.mqtt_certificate, settings.mqtt_key, settings.mqtt_ca)
    if any(files) and (demo or not all(files)):
        raise ConfigurationError(
            "mqtt_certificate, mqtt_key, mqtt_ca: all three together, and not with --demo"
        )
    return Listener(*settings.mqtt_listens, settings.mqtt_certificate, settings.mqtt_key)


def client_id_of(settings: Settings, broker: Broker) -> str:
    """The collector's name at the broker. Where others can reach it, nobody may guess that name: who
    connects under it gets the collector's session, and the messages that wait in it."""
    if settings.mqtt_listens is None or "mqtt_client_id" in settings.model_fields_set:
        return settings.mqtt_client_id
    digest = hashlib.sha256(f"client id {broker.password}".encode()).hexdigest()
    return f"{settings.mqtt_client_id}-{digest[:24]}"


def _prepare(database: Database, settings: Settings, demo: bool, out: Console) -> _Login | None:
    """What has to be in the store before the services start."""
    if not demo:
        if is_built(database):
            raise ConfigurationError(
                "data_dir: this folder holds a demo; start it with --demo, or set "
                "FORECALL_DATA_DIR to another folder"
            )
        return _first_account(database, _GENERATED_ACCOUNT, secrets.token_urlsafe(_PASSWORD_BYTES))
    if not is_built(database):
        out.print(
            "First start: making a simulated fleet and its past. "
            "Everything in it is invented; no real device is touched."
        )
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        with shown(out) as progress:
            build_demo(database, settings, end, progress)
    _train_first(database, settings, out)
    _go_on(database, settings)
    _first_account(database, DEMO_ACCOUNT, DEMO_PASSWORD)
    return _Login(DEMO_ACCOUNT, DEMO_PASSWORD)


def _train_first(database: Database, settings: Settings, out: Console) -> None:
    with database.transaction() as conn:
        if champions(conn):
            return
    with shown(out) as progress:
        train(
            database,
            ManualClock(_reached(database)),
            settings=replace(_FIRST_TRAINING, costs=settings.costs),
            progress=progress,
        )


def _reached(database: Database) -> datetime:
    """Up to when the simulation was lived through: a start goes on from there."""
    with database.transaction() as conn:
        row = conn.execute(load("demo")["reached"]).fetchone()
    assert row is not None
    reached: datetime = row["reached_at"]
    unlived = reached == row["epoch"]  # the first start goes on where the past ends, to the second
    return reached if unlived else reached + timedelta(seconds=_MARGIN_S * row["speed"])


def _go_on(database: Database, settings: Settings) -> None:
    """Lets the simulated time go on from where it stopped."""
    speed = demo_speed(settings)
    moment = _reached(database)
    with database.transaction() as conn:
        pause_simulation(conn, moment)
        # Until the clocks listen again, on new ports, nobody shall look for them at the old ones.
        conn.execute(load("demo")["unplace_clocks"], {"until": moment + _NOT_YET})
        install_simulated_clock(conn, ScaledClock(moment, datetime.now(UTC), speed))


def _first_account(database: Database, name: str, password: str) -> _Login | None:
    """Adds an account where there is none; returns it, else None."""
    with database.transaction() as conn:
        row = conn.execute(load("front")["accounts"]).fetchone()
        if row and row["accounts"]:
            return None
        create_account(conn, name, password, "administrator")
    return _Login(name, password)


def _environment(
    settings: Settings, postgres: _Postgres, broker: _NatsBroker, port: int, config: Path | None
) -> dict[str, str]:
    return child_environment(
        {
            "FORECALL_DATA_DIR": str(settings.data_dir),
            "FORECALL_DATABASE_DSN": postgres.dsn,
            "FORECALL_HOST": settings.host,
            "FORECALL_PORT": str(port),
            "FORECALL_MQTT_HOST": broker.listener.address,
            "FORECALL_MQTT_PORT": str(broker.port),
            "FORECALL_MQTT_USERNAME": broker.username,
            "FORECALL_MQTT_PASSWORD": broker.password,
            "FORECALL_MQTT_CLIENT_ID": client_id_of(settings, broker),
        }
        | ({"FORECALL_CONFIG": str(config.resolve())} if config else {})
    )


def _push_port(settings: Settings, console_port: int) -> int:
    """Where clocks that push call: never the console's port, which is not taken yet."""
    port = next_free(settings.adms_host, settings.adms_port)
    return next_free(settings.adms_host, port + 1) if port == console_port else port


def _child(service: str, environment: dict[str, str], data_dir: Path) -> Child:
    name = service.replace(" ", "-")
    command = [sys.executable, "-m", "forecall", *service.split()]
    log = data_dir / LOG_FOLDER / f"{name}.log"
    return Child(name, command, environment, log, _PATIENCE_S.get(service, OBEY_S))


def _announce(settings: Settings, port: int, login: _Login | None, out: Console) -> None:
    if port != settings.port:
        out.print(f"Port {settings.port} is taken; the console uses the next free one, {port}.")
    out.print(f"\n[bold]Console:[/] http://{settings.host}:{port}/")
    if login:
        out.print(f"[bold]Login:[/]   {login.name}  /  {login.password}")
    out.print(f"Logs:    {settings.data_dir / LOG_FOLDER}")
    out.print("Ctrl-C stops everything.\n")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end us as Ctrl-C does: by KeyboardInterrupt, wherever we are."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    yield
