"""Load that knows what was acknowledged to it, and a collector that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from forecall.broker import HOST, Broker

DEVICES = 20
WINDOW = 400  # messages under way before the publisher waits
REJECT_EVERY = 50
LIMIT_S = 40.0


class Publisher(threading.Thread):
    """Publishes heartbeats of many devices at QoS 1, as fast as the broker acknowledges them.

    `run_name` begins the devices' names. Every fiftieth message is broken. `acknowledged` holds the
    bodies that the broker has promised to deliver.
    """

    def __init__(self, broker: Broker, run_name: str) -> None:
        super().__init__(daemon=True)
        self._run_name = run_name
        self.acknowledged: set[bytes] = set()
        self._under_way: dict[int, bytes] = {}
        self._confirmed: SimpleQueue[int] = SimpleQueue()
        self._ended = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, run_name, clean_session=False, protocol=MQTTv311
        )
        self._client.username_pw_set(broker.username, broker.password)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = lambda _, __, mid, ___, ____: self._confirmed.put(mid)
        self._client.connect(HOST, broker.port)
        self._client.loop_start()

    def run(self) -> None:
        number = 0
        while not self._ended.is_set():
            self._note_acknowledged()
            if len(self._under_way) < WINDOW:
                number += 1
                self._publish(number)
            else:
                self._ended.wait(0.01)

    def finish(self) -> None:
        """Publishes no more and waits until everything is acknowledged."""
        self._ended.set()
        self.join()
        end = time.monotonic() + LIMIT_S
        while self._under_way:
            assert time.monotonic() < end, f"{len(self._under_way)} messages are unacknowledged"
            time.sleep(0.02)
            self._note_acknowledged()
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, number: int) -> None:
        broken = number % REJECT_EVERY == 0
        body = _broken(self._run_name, number) if broken else _heartbeat(number)
        topic = f"v1/acme/site/{self._run_name}-{number % DEVICES}/heartbeat"
        self._under_way[self._client.publish(topic, body, 1).mid] = body

    def _note_acknowledged(self) -> None:
        while not self._confirmed.empty():
            self.acknowledged.add(self._under_way.pop(self._confirmed.get()))


def _heartbeat(number: int) -> bytes:
    body = {
        "schema": 1,
        "boot_id": "boot",
        "seq": number,
        "ts": datetime.now(UTC).isoformat(),
        "interval_s": 60,
        "gauges": {"x.Number": number},
    }
    return json.dumps(body).encode()


def _broken(run_name: str, number: int) -> bytes:
    return json.dumps({"broken": number, "run": run_name}).encode()


class Worker:
    """A collector in a process of its own."""

    def __init__(self, dsn: str, broker: Broker) -> None:
        script = Path(__file__).with_name("worker.py")
        self._command = [sys.executable, str(script), dsn, HOST, str(broker.port), broker.username]
        self._password = broker.password
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, text=True)
        assert self._process.stdin
        self._process.stdin.write(self._password + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._close()

    def stop(self) -> int:
        """Ends the collector in order; returns its exit code."""
        return self._close()

    def _close(self) -> int:
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()
        return self._process.wait(LIMIT_S)
