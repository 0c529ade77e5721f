"""The short script that a skilled user would write, in two versions:
`python -m benchmarks.ingest.script plain|once DSN PORT MESSAGES UNMEASURED`.

`plain`: paho acknowledges at once; batches go into `reading` by COPY. `once`: a persistent session,
acknowledgement after the commit, and a staging table with ON CONFLICT, so that a redelivered message
is stored once. Neither knows states, events, resets of clocks or messages that can't be read.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingest.report import SAMPLE, Progress

_BATCH = 5_000
_COPY = "COPY {} (at, received_at, device_id, metric_id, value) FROM STDIN (FORMAT BINARY)"
_TYPES = ("timestamptz", "timestamptz", "int4", "int2", "float8")


def main() -> None:
    way, dsn, port, messages, unmeasured = sys.argv[1:]
    once = way == "once"
    inbox: deque[MQTTMessage] = deque()
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id="script",
        clean_session=not once,
        manual_ack=once,
    )
    client.on_connect = lambda client, *_: client.subscribe("v1/bench/#", qos=1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = lambda _client, _data, message: inbox.append(message)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    progress = Progress(int(messages), int(unmeasured))
    with psycopg.connect(dsn) as conn:
        store = Store(conn, once)
        while not progress.done:
            batch = _batch(inbox)
            sent = store.write([(m.topic, msgspec.json.decode(m.payload)) for m in batch])
            if once:
                for message in batch:
                    client.ack(message.mid, message.qos)
            progress.committed(len(batch), sent[::SAMPLE])


def _batch(inbox: deque[MQTTMessage]) -> list[MQTTMessage]:
    while not inbox:
        time.sleep(0.01)
    return [inbox.popleft() for _ in range(min(len(inbox), _BATCH))]


class Store:
    """Writes batches of decoded messages."""

    def __init__(self, conn: psycopg.Connection[Any], once: bool) -> None:
        self._conn = conn
        self._once = once
        self._devices = dict(conn.execute("SELECT key, id FROM device").fetchall())
        self._metrics = dict(conn.execute("SELECT name, id FROM metric").fetchall())
        if once:
            conn.execute("CREATE TEMP TABLE staging (LIKE reading)")
            conn.commit()

    def write(self, batch: list[tuple[str, dict[str, Any]]]) -> list[float]:
        """Commits the batch; returns when its messages were made."""
        now = datetime.now().astimezone()
        sent = []
        with self._conn.cursor() as cursor:
            with cursor.copy(_COPY.format("staging" if self._once else "reading")) as copy:
                copy.set_types(_TYPES)
                for topic, body in batch:
                    device = self._devices[topic.split("/")[3]]
                    at = datetime.fromisoformat(body["ts"])
                    sent.append(at.timestamp())
                    for values in (body["counters"], body["gauges"]):
                        for name, value in values.items():
                            copy.write_row((at, now, device, self._metrics[name], float(value)))
            if self._once:
                cursor.execute("INSERT INTO reading SELECT * FROM staging ON CONFLICT DO NOTHING")
                cursor.execute("TRUNCATE staging")
        self._conn.commit()
        return sent


if __name__ == "__main__":
    main()
