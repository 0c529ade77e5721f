"""What production starts from: the setup script, the compose file, the broker's configuration."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecall.ports import next_free
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what production needs, set up."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    shutil.copy(ROOT / "docker-compose.yml", folder)
    _run(folder, "deploy/setup", "broker.example.org", "192.0.2.7")
    return folder


def _run(folder: Path, *command: str) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_setup_makes_secrets_once_and_keeps_them_private(site: Path) -> None:
    secrets = site / "deploy/secrets"
    before = {file.name: file.read_bytes() for file in secrets.iterdir()}
    _run(site, "deploy/setup")
    assert {file.name: file.read_bytes() for file in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o077 == 0
    assert before["database_password"].decode() in before["database_dsn"].decode()
    assert before["mqtt_password"] not in before["mqtt_passwords"]


def test_a_new_certificate_is_of_the_same_authority(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    secrets = folder / "deploy/secrets"
    authority, before = (secrets / "mqtt_ca.crt").read_bytes(), (secrets / "mqtt.crt").read_bytes()
    (secrets / "mqtt.crt").unlink()
    _run(folder, "deploy/setup", "new.example.org")
    assert (secrets / "mqtt_ca.crt").read_bytes() == authority
    assert (secrets / "mqtt.crt").read_bytes() != before
    _run(
        secrets,
        *("openssl", "verify", "-CAfile", "mqtt_ca.crt"),
        *("-verify_hostname", "new.example.org", "mqtt.crt"),
    )
    (secrets / "mqtt.crt").unlink()
    (secrets / "mqtt_ca.key").unlink()
    again = subprocess.run(["deploy/setup"], cwd=folder, capture_output=True, check=False)
    assert again.returncode == 1
    assert b"put it back" in again.stderr


def test_compose_accepts_the_file(site: Path) -> None:
    compose = _compose()
    _run(site, *compose, "config", "--quiet")
    (site / ".env").rename(site / "env.away")
    without = subprocess.run(
        [*compose, "config", "--quiet"], cwd=site, capture_output=True, check=False
    )
    (site / "env.away").rename(site / ".env")
    assert without.returncode != 0
    assert b"run deploy/setup" in without.stderr


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("neither docker's compose plugin nor docker-compose is installed")


@pytest.fixture
def terminal(site: Path, dsn: str) -> tuple[str, str]:
    """Name and password of a terminal that was given a login, beside what the setup made."""
    secrets = site / "deploy/secrets"
    environment = {**os.environ, "FORECALL_DATABASE_DSN": dsn}
    for command in (
        ["add", "K7", "--kind", "kiosk"],
        ["credentials", "K7", "--broker", "mosquitto", "--output", str(secrets)],
    ):
        forecall = [sys.executable, "-m", "forecall", "devices", *command]
        subprocess.run(forecall, cwd=ROOT, env=environment, check=True, capture_output=True)
    (handed_out,) = secrets.glob("logins-*.csv")
    _, name, password = handed_out.read_text().splitlines()[1].split(",")
    handed_out.unlink()
    return name, password


@pytest.fixture
def mosquitto(site: Path, terminal: tuple[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of a Mosquitto that runs with production's configuration."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None or shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto and its clients are not installed")
    port = next_free("127.0.0.1", 28883)
    secrets = site / "deploy/secrets"
    text = (site / "deploy/mosquitto/mosquitto.conf").read_text()
    for inside, outside in (
        ("/run/secrets/mqtt_passwords", secrets / "mqtt_passwords"),
        ("/run/secrets/mqtt_ca", secrets / "mqtt_ca.crt"),
        ("/run/secrets/mqtt_certificate", secrets / "mqtt.crt"),
        ("/run/secrets/mqtt_key", secrets / "mqtt.key"),
        ("/run/secrets/mqtt_acl", secrets / "mqtt_acl"),
        ("/mosquitto/data/", f"{tmp_path}/"),
        ("listener 8883", f"listener {port} 127.0.0.1"),
    ):
        assert inside in text
        text = text.replace(inside, str(outside))
    (tmp_path / "mosquitto.conf").write_text(f"user root\n{text}")
    with subprocess.Popen(
        [program, "-c", str(tmp_path / "mosquitto.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for("the broker listens", lambda: _listens(port))
        yield port
        process.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_the_broker_lets_a_terminal_speak_for_itself_only(
    site: Path, mosquitto: int, terminal: tuple[str, str]
) -> None:
    collector = ("forecall-collector", (site / "deploy/secrets/mqtt_password").read_text())
    own, foreign = "v1/t/s/K7/state", "v1/t/s/K8/state"
    hear = [*_client("mosquitto_sub", site, mosquitto, collector), "-q", "1", "-t", "v1/#", "-v"]
    hear += ["-i", "hearing", "-c"]  # a session that keeps what comes while nobody listens
    _run(site, *hear, "-E")
    for topic in (own, foreign, own):
        assert _say(site, mosquitto, terminal, topic) == 0
    heard = _run(site, *hear, "-C", "2", "-W", "20").splitlines()
    assert heard == [f"{own} hello", f"{own} hello"]
    assert _say(site, mosquitto, ("K7", "wrong"), own) != 0
    assert _say(site, mosquitto, ("nobody", "x"), own) != 0


def _say(site: Path, port: int, login: tuple[str, str], topic: str) -> int:
    command = [*_client("mosquitto_pub", site, port, login), "-q", "1", "-t", topic, "-m", "hello"]
    return subprocess.run(command, capture_output=True, check=False).returncode


def _client(program: str, site: Path, port: int, login: tuple[str, str]) -> list[str]:
    ca = site / "deploy/secrets/mqtt_ca.crt"
    where = ["-h", "localhost", "-p", str(port), "--cafile", str(ca)]
    return [program, *where, "-u", login[0], "-P", login[1]]
