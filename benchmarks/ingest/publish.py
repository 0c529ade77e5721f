"""The terminals, over one connection: `python -m benchmarks.ingest.publish PORT DEVICES MESSAGES SHARES`.

Says `ready`, and at a line publishes one message of each device; says `ready` again, waits for a line
with a rate in messages a second (0: as fast as the broker takes them), and ends with a line of JSON.
The packets are made before: what is measured is not how fast they are.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from benchmarks.ingest.load import Load, moment

_CONNECT = b"\x10\x15\x00\x04MQTT\x04\x02\x00\x3c\x00\x09publisher"
_BURST = 200
_IN_FLIGHT = 20_000
_PUBACK = 4  # bytes


def main() -> None:
    port, devices, messages, shares = map(int, sys.argv[1:])
    load = Load(devices, messages, shares=shares)
    packets = [load.packet(number) for number in range(devices + messages)]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_CONNECT)
        if connection.recv(4) != b"\x20\x02\x00\x00":
            raise SystemExit("the broker refuses")
        print("ready", flush=True)
        sys.stdin.readline()
        _publish(connection, packets[:devices], 0)
        print("ready", flush=True)
        rate = float(sys.stdin.readline())
        began = time.time()
        _publish(connection, packets[devices:], rate)
        print(json.dumps({"began": began, "ended": time.time()}), flush=True)


def _publish(connection: socket.socket, packets: list[tuple[bytes, bytes]], rate: float) -> None:
    """Sends all and returns once the broker has acknowledged all."""
    began, sent, acknowledged = time.perf_counter(), 0, 0
    burst = max(1, min(_BURST, round(rate / 100))) if rate else _BURST
    while acknowledged < _PUBACK * len(packets):
        due = len(packets) if not rate else (time.perf_counter() - began) * rate
        room = sent < len(packets) and sent - acknowledged // _PUBACK < _IN_FLIGHT
        if room and sent < due:
            now = time.time_ns() // 1000
            piece = packets[sent : sent + burst]
            connection.sendall(
                b"".join([a + moment(now + i) + b for i, (a, b) in enumerate(piece)])
            )
            sent += len(piece)
        wait = 0.0 if room and sent < due else 0.002
        if select.select([connection], [], [], wait)[0]:
            acknowledged += len(connection.recv(1 << 16))


if __name__ == "__main__":
    main()
