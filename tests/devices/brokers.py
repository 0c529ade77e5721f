"""Real brokers and clients that try what they may do."""

from __future__ import annotations

import csv
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from forecall.broker import server_program
from forecall.ports import next_free
from tests.waiting import wait_for

HOST = "127.0.0.1"
LIMIT_S = 120.0


@dataclass
class Peer:
    """One client: what it was told, and what it heard."""

    port: int
    name: str
    password: str
    will: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None
    host: str = HOST
    heard: list[str] = field(default_factory=list)
    welcomes: list[bool] = field(default_factory=list)
    granted: list[bool] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTv311, reconnect_on_failure=False
        )
        self.client.username_pw_set(self.name, self.password)
        self.client.on_connect = lambda _, __, ___, reason, ____: self.welcomes.append(
            not reason.is_failure
        )
        self.client.on_disconnect = lambda *_: self.lost.append(True)
        self.client.on_subscribe = lambda _, __, ___, reasons, ____: self.granted.append(
            not reasons[0].is_failure
        )
        self.client.on_message = lambda _, __, message: self.heard.append(
            f"{message.topic} {message.payload.decode()}"
        )
        if self.will:
            self.client.will_set(*self.will, qos=1)
        if self.tls:
            self.client.tls_set_context(self.tls)

    @property
    def welcome(self) -> bool:
        """Connects; whether the broker let us in."""
        self.client.connect(self.host, self.port)
        self.client.loop_start()
        wait_for(f"{self.name} has an answer", lambda: self.welcomes)
        return self.welcomes[-1]

    def say(self, topic: str, text: str, retain: bool = False) -> None:
        """Publishes and waits until the broker has taken it, or has let it fall."""
        self.client.publish(topic, text, 1, retain).wait_for_publish(LIMIT_S)

    def asks_for(self, topic: str) -> bool:
        """Subscribes; whether the broker grants it."""
        asked = len(self.granted)
        self.client.subscribe(topic, 1)
        wait_for(f"{topic} is answered", lambda: len(self.granted) > asked)
        return self.granted[-1]

    def vanish(self) -> None:
        """Breaks the connection without a word."""
        connection = self.client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def passwords(folder: Path) -> dict[str, str]:
    """Every password that was handed out into `folder`, the newest of each device."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("logins-*.csv")):
        assert path.stat().st_mode & 0o077 == 0
        with path.open(newline="") as file:
            found |= {row["username"]: row["password"] for row in csv.DictReader(file)}
    return found


@dataclass
class Server:
    """A broker that runs on the files of a folder."""

    port: int
    process: subprocess.Popen[bytes]

    def read_again(self) -> None:
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def running(command: list[str], port: int) -> Iterator[Server]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("the broker listens", lambda: _listens(port))
            yield Server(port, process)
        finally:
            process.terminate()


@contextmanager
def mosquitto(folder: Path, more: str = "", port: int = 0) -> Iterator[Server]:
    """Mosquitto with the password file and access list of `folder`."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed")
    port = port or next_free(HOST, 28_100)
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"user root\nper_listener_settings false\nallow_anonymous false\n"
        f"password_file {folder}/mqtt_passwords\nacl_file {folder}/mqtt_acl\n"
        f"listener {port}\n{more}"
    )
    with running([program, "-c", str(configuration)], port) as server:
        yield server


@contextmanager
def nats(folder: Path) -> Iterator[Server]:
    """nats-server with the users of `folder`."""
    port = next_free(HOST, 28_200)
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'server_name: s\nlisten: "{HOST}:-1"\njetstream {{ store_dir: "{folder}/js" }}\n'
        f'mqtt {{ listen: "{HOST}:{port}" }}\nauthorization {{ include "mqtt_users.conf" }}\n'
    )
    with running([str(server_program()), "--config", str(configuration)], port) as server:
        yield server


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True
