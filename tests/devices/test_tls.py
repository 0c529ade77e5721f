"""Collector and devices reach the broker over TLS, and neither speaks to one that it can't trust."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collectors.mqtt.interpreter import Said
from collectors.mqtt.packets import Publish
from collectors.mqtt.session import Session
from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from domain.errors import ConfigurationError
from forecall.broker import Broker, Listener
from forecall.config import Settings
from forecall.doctor import examine
from forecall.up import client_id_of, listener_of
from pipeline.devices.rights import COLLECTOR_USER
from storage.database import Database
from tests.devices.brokers import HOST, Peer, Server, mosquitto, passwords
from tests.devices.conftest import Forecall
from tests.mqtt.helpers import collecting, rows
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `deploy/setup` makes: an authority, and the broker's certificate for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return _set_up(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another installation's authority."""
    return _set_up(tmp_path_factory.mktemp("other")) / "mqtt_ca.crt"


def _set_up(folder: Path) -> Path:
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    subprocess.run(["deploy/setup"], cwd=folder, check=True, capture_output=True)
    return folder / "deploy/secrets"


@pytest.fixture
def server(secrets: Path, forecall: Forecall) -> Iterator[Server]:
    forecall("devices", "add", "till-1", "--kind", "pos")
    forecall("devices", "credentials", "till-1", "--broker", "mosquitto", "-o", str(secrets))
    tls = "".join(
        f"{word} {secrets}/{file}\n"
        for word, file in (
            *(("cafile", "mqtt_ca.crt"), ("certfile", "mqtt.crt"), ("keyfile", "mqtt.key")),
        )
    )
    with mosquitto(secrets, tls) as server:
        yield server


def _collector(server: Server, secrets: Path, authority: Path, host: str) -> BrokerSettings:
    password = (secrets / "mqtt_password").read_text()
    return BrokerSettings(host, server.port, COLLECTOR_USER, password, tls_ca=authority)


def test_a_device_is_heard_over_tls(
    server: Server, secrets: Path, database: Database, clock: ManualClock
) -> None:
    authority = secrets / "mqtt_ca.crt"
    context = ssl.create_default_context(cafile=str(authority))
    device = Peer(
        server.port, "till-1", passwords(secrets)["till-1"], tls=context, host="localhost"
    )
    settings = _collector(server, secrets, authority, "localhost")
    with collecting(settings, database, clock):
        assert device.welcome
        device.say(
            "v1/t/s/till-1/heartbeat",
            '{"schema": 1, "boot_id": "b", "seq": 1, "ts": "2026-03-02T12:00:00Z", "interval_s": 60}',
        )
        wait_for("it is stored", lambda: rows(database, "SELECT FROM device_status"))
    device.leave()


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize(
    ("trusted", "host", "reason"),
    [(False, "localhost", "self-signed certificate"), (True, "127.0.0.2", "IP address mismatch")],
    ids=["another authority", "another name"],
)
def test_a_broker_that_is_not_trusted_is_not_spoken_to(
    trusted: bool,
    host: str,
    reason: str,
    server: Server,
    secrets: Path,
    stranger: Path,
    clock: ManualClock,
) -> None:
    authority = secrets / "mqtt_ca.crt" if trusted else stranger
    context = ssl.create_default_context(cafile=str(authority))
    device = Peer(server.port, "till-1", "x", tls=context, host=host)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        device.client.connect(host, server.port)
    settings = _collector(server, secrets, authority, host)
    with capture_logs() as logs:
        session = Session(settings, ["v1/#"], _hear_nothing, clock)
        session.open()
        wait_for("it is said", lambda: logs)
        session.close()
    assert logs[0]["event"] == "broker_not_reached"
    assert reason in logs[0]["reason"]
    found = {finding.what: finding for finding in examine(_settings(settings))}["broker"]
    assert not found.well
    assert reason in found.found


def test_the_embedded_broker_speaks_tls_where_it_is_told_to(
    secrets: Path, tmp_path: Path, forecall: Forecall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECALL_DATA_DIR", str(tmp_path))
    forecall("devices", "add", "till-1", "--kind", "pos")
    options = ("--broker", "embedded", "-o", str(tmp_path / "out"))
    forecall("devices", "credentials", "till-1", *options)
    listener = Listener("0.0.0.0", 0, secrets / "mqtt.crt", secrets / "mqtt.key")
    context = ssl.create_default_context(cafile=str(secrets / "mqtt_ca.crt"))
    with Broker(tmp_path, listener=listener) as broker:
        for host in (listener.address, "localhost"):
            password = passwords(tmp_path / "out")["till-1"]
            device = Peer(broker.port, "till-1", password, tls=context, host=host)
            assert device.welcome
            device.leave()


def _hear_nothing(published: Sequence[Publish], _: datetime) -> Said:
    raise AssertionError(published)


def _settings(broker: BrokerSettings) -> Settings:
    return Settings(mqtt_host=broker.host, mqtt_port=broker.port, mqtt_ca=broker.tls_ca)


def test_the_doctor_sees_tls(server: Server, secrets: Path) -> None:
    settings = _collector(server, secrets, secrets / "mqtt_ca.crt", "localhost")
    findings = {finding.what: finding for finding in examine(_settings(settings))}
    assert findings["broker"].found == f"localhost:{server.port} takes connections, TLSv1.3"


def test_a_file_that_is_no_authority_is_said(tmp_path: Path, clock: ManualClock) -> None:
    for text in (None, "no certificate"):
        path = tmp_path / "ca.crt"
        if text:
            path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"mqtt_ca: .*ca\.crt"):
            Session(BrokerSettings(HOST, 1, tls_ca=path), ["v1/#"], _hear_nothing, clock)


def test_where_the_embedded_broker_listens_is_a_setting(tmp_path: Path) -> None:
    certificate, key, authority = (tmp_path / name for name in ("c", "k", "a"))
    assert listener_of(Settings(), demo=True) == Listener()
    plain = Settings(mqtt_listen="0.0.0.0")
    assert listener_of(plain, demo=True) == Listener("0.0.0.0", 1883)
    settings = Settings(
        mqtt_listen="192.0.2.7:8883", mqtt_certificate=certificate, mqtt_key=key, mqtt_ca=authority
    )
    listener = listener_of(settings, demo=False)
    assert listener == Listener("192.0.2.7", 8883, certificate, key)
    assert listener.address == "192.0.2.7"
    half = Settings(mqtt_listen="0.0.0.0:8883", mqtt_certificate=certificate)
    for wrong, demo in ((half, False), (settings, True)):
        with pytest.raises(ConfigurationError, match="all three together"):
            listener_of(wrong, demo=demo)
    with pytest.raises(ValueError, match="one host:port is wanted"):
        Settings(mqtt_listen="a:1,b:2")


def test_nobody_guesses_the_collectors_session(tmp_path: Path) -> None:
    """Who connects under its client id takes it over, on any broker."""
    one, another = Broker(tmp_path / "1"), Broker(tmp_path / "2")
    reachable = Settings(mqtt_listen="0.0.0.0:8883")
    names = {client_id_of(reachable, broker) for broker in (one, another)}
    assert len(names) == 2
    assert client_id_of(reachable, Broker(one.folder)) in names
    assert one.password not in str(names)
    BrokerSettings(HOST, 1, client_id=names.pop())
    assert client_id_of(Settings(), one) == "forecall-collector"
    chosen = Settings(mqtt_listen="0.0.0.0:8883", mqtt_client_id="mine")
    assert client_id_of(chosen, one) == "mine"
