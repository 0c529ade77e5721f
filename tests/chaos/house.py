"""Database, broker, collectors and publishers: each a process that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from domain.errors import StoreUnavailableError
from forecall.broker import HOST
from forecall.supervisor import Child
from storage.database import Database, Row
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.chaos.publisher import TENANTS, Ledger, Order
from tests.waiting import wait_for

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 300.0


class AnyBroker(Protocol):
    """A broker as a process: the embedded one, or Mosquitto."""

    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def port(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Publishing:
    """A publisher's process."""

    def __init__(self, order: Order, ledger: Path) -> None:
        self.order = order
        self._ledger = ledger
        command = [sys.executable, "-m", "tests.chaos.publisher", str(ledger)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=_ROOT)
        assert self._process.stdin
        self._process.stdin.write(f"{msgspec.json.encode(asdict(order)).decode()}\n")
        self._process.stdin.flush()

    def finish(self) -> Ledger:
        """Lets it publish no more; returns when the broker has acknowledged everything."""
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(_LIMIT_S) == 0
        return msgspec.json.decode(self._ledger.read_bytes(), type=Ledger)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class House:
    """One installation: as in production, but for the processes' number.

    `dsn`: a migrated database that need not be killed; empty: a server of its own.
    """

    folder: Path
    broker: AnyBroker
    settings: dict[str, str] = field(default_factory=dict)
    dsn: str = ""
    collectors: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = EmbeddedServer(self.folder / "data")
        if not self.dsn:
            self.server.start()
        self.database = Database(self.dsn or self.server.dsn)
        migrate(self.database)

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        for collector in self.collectors:
            collector.stop()
        self.database.close()
        self.server.stop()

    def add_collector(self) -> Child:
        """Starts one more `forecall collect mqtt`."""
        name = f"collector-{len(self.collectors) + 1}"
        given = {
            "FORECALL_DATABASE_DSN": self.dsn or self.server.dsn,
            "FORECALL_DATA_DIR": str(self.folder / name),
            "FORECALL_MQTT_HOST": HOST,
            "FORECALL_MQTT_PORT": str(self.broker.port),
            "FORECALL_MQTT_USERNAME": self.broker.username,
            "FORECALL_MQTT_PASSWORD": self.broker.password,
        }
        others = {key: value for key, value in os.environ.items() if "FORECALL" not in key}
        command = [sys.executable, "-m", "forecall", "collect", "mqtt"]
        child = Child(name, command, others | given | self.settings, self.folder / f"{name}.log")
        child.start()
        self.collectors.append(child)
        return child

    def share(self, collectors: int) -> None:
        """Cuts the topics into a shard a tenant, and starts so many collectors for them."""
        shards = {tenant: [f"v1/{tenant}/+/+/+"] for tenant in TENANTS}
        self.settings["FORECALL_MQTT_SHARDS"] = json.dumps(shards)
        for _ in range(collectors):
            self.add_collector()
        self.await_collectors(len(shards))
        wait_for("all hold shards", lambda: len(self.rows("owners")) == collectors)

    def await_collectors(self, watches: int = 1) -> None:
        """Returns when so many collectors or shards have subscribed."""
        wait_for("the collectors listen", lambda: len(self.rows("watched")) >= watches)

    def publish(self, run: str, **order: Any) -> Publishing:
        """Starts a publisher; `run` begins the names of its devices."""
        broker = self.broker
        where: Sequence[tuple[str, int]] = order.pop("addresses", [(HOST, broker.port)])
        full = Order(list(where), broker.username, broker.password, run, **order)
        return Publishing(full, self.folder / f"{run}.json")

    def rows(self, name: str, run: str = "") -> list[Row]:
        with self.database.transaction() as conn:
            return conn.execute(_QUERIES[name].encode(), {"run": f"{run}-%"}).fetchall()

    def number(self, name: str, run: str = "") -> int:
        return int(self.rows(name, run)[0]["n"])

    def taken_in(self) -> int:
        """Messages stored or rejected so far, of all runs; -1 while the database is away."""
        try:
            return self.number("taken_in")
        except StoreUnavailableError:
            return -1

    def duplicates(self) -> int:
        """Messages that came again and were not stored again."""
        return self.number("duplicates")

    def start_database(self) -> None:
        """Tries again, as `forecall up` does, while the killed server's last processes live."""
        wait_for("the database runs", self._database_starts)

    def _database_starts(self) -> bool:
        try:
            self.server.start()
        except StoreUnavailableError:
            return False
        return True

    def stop_database_at_once(self) -> None:
        """PostgreSQL's immediate stop: no checkpoint, sessions are cut."""
        assert self.server.pid
        os.kill(self.server.pid, signal.SIGQUIT)
        wait_for("the database has ended", lambda: not self.server.running)


_NUMBERED = "reading JOIN device ON device.id = device_id JOIN metric ON metric.id = metric_id"
_QUERIES = {
    "watched": "SELECT collector FROM collector_watch",
    "owners": "SELECT DISTINCT owner FROM collector_shard WHERE owner IS NOT NULL",
    "taken_in": "SELECT coalesce(sum(stored + rejected), 0)::bigint AS n FROM intake_count",
    "duplicates": "SELECT coalesce(sum(duplicate), 0)::bigint AS n FROM intake_count",
    "heartbeats": f"""SELECT value::bigint AS n FROM {_NUMBERED}
        WHERE device.key LIKE %(run)s AND metric.name = 'x.Number' ORDER BY 1""",
    "readings": f"SELECT count(*) AS n FROM {_NUMBERED} WHERE device.key LIKE %(run)s",
    "events": """SELECT raw_code::bigint AS n FROM device_event
        JOIN device ON device.id = device_id
        WHERE key LIKE %(run)s AND code = 'x.Chaos' ORDER BY 1""",
    "clocks_off": """SELECT key, count(*) AS n FROM device_event
        JOIN device ON device.id = device_id
        WHERE key LIKE %(run)s AND code = 'x.ClockOff' GROUP BY key""",
    "far": f"""SELECT count(*) AS n FROM {_NUMBERED}
        WHERE device.key LIKE %(run)s AND abs(extract(epoch FROM at - received_at)) > 86400""",
    "rejected": "SELECT count(*) AS n FROM rejected_message WHERE source LIKE '%%/' || %(run)s",
}


def memory_mb(pid: int) -> float:
    """What the process holds in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no memory")
