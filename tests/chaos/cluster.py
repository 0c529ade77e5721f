"""Three NATS servers that keep each message three times."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.request import urlopen

from forecall.broker import HOST, server_program
from forecall.ports import next_free
from storage.daemon import Daemon
from tests.chaos.house import House
from tests.waiting import wait_for

NODES = 3

_FIRST_PORT = 20_000  # below the ports that the system hands out
_CONFIGURATION = """\
server_name: node-{number}
listen: "127.0.0.1:-1"
http: "127.0.0.1:{monitor}"
max_payload: 1MB
max_pending: 512MB
write_deadline: "60s"
jetstream {{ store_dir: "{folder}", sync_interval: "1s" }}
mqtt {{
  listen: "127.0.0.1:{mqtt}"
  stream_replicas: 3
  ack_wait: "10s"
  max_ack_pending: 5000
}}
cluster {{ name: forecall, listen: "127.0.0.1:{route}", routes: [{routes}] }}
authorization {{ user: forecall, password: secret }}
"""


class Node(Daemon):
    """One of the servers."""

    def __init__(self, folder: Path, number: int, ports: list[tuple[int, int, int]]) -> None:
        self.folder = folder
        super().__init__(
            f"node-{number}", folder.with_suffix(".log"), ends_by=signal.SIGTERM, obeys_within_s=10
        )
        self.monitor, self.port, self.route = ports[number]
        routes = ", ".join(f'"nats://127.0.0.1:{route}"' for _, _, route in ports)
        self._text = _CONFIGURATION.format(
            number=number,
            monitor=self.monitor,
            mqtt=self.port,
            route=self.route,
            routes=routes,
            folder=folder,
        )

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "nats.conf"
        path.write_text(self._text)
        self._launch([str(server_program()), "--config", str(path)])

    def is_healthy(self) -> bool:
        """Whether it says that it has all it should have."""
        try:
            with urlopen(f"http://{HOST}:{self.monitor}/healthz", timeout=2) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


class Cluster:
    """A broker for `House`: its first address; `addresses` has all of them."""

    username = "forecall"
    password = "secret"

    def __init__(self, folder: Path) -> None:
        first = _FIRST_PORT + os.getpid() * 10 % 12_000
        ports = []
        for _ in range(NODES):
            triple = (
                next_free(HOST, first),
                next_free(HOST, first + 100),
                next_free(HOST, first + 200),
            )
            ports.append(triple)
            first += 1
        self._next = 0
        self.nodes = [Node(folder / f"node-{number}", number, ports) for number in range(NODES)]

    @property
    def port(self) -> int:
        return self.nodes[0].port

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [(HOST, node.port) for node in self.nodes]

    @property
    def settings(self) -> dict[str, str]:
        """How a collector finds them."""
        return {"FORECALL_MQTT_HOST": ",".join(f"{host}:{port}" for host, port in self.addresses)}

    def replicas(self) -> int:
        """On how many nodes the messages lie."""
        return sum(any(node.folder.rglob("$MQTT_msgs")) for node in self.nodes)

    def node_killed(self, house: House, absence: timedelta) -> None:
        """A scenario: first the node is killed that the collector talks to, then the next one."""
        self.nodes[self._next].kill()

    def mend(self) -> None:
        """Starts the killed node, and returns when it has what the others have."""
        node = self.nodes[self._next]
        node.start()
        wait_for("the node has caught up", node.is_healthy)
        self._next = (self._next + 1) % NODES

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        wait_for("all nodes are well", lambda: all(node.is_healthy() for node in self.nodes))

    def stop(self) -> None:
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()
