"""The client on a real socket, against a broker that writes each message by itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from collectors.mqtt.client import BatchClient
from collectors.mqtt.packets import Publish
from tests.mqtt.test_packets import framed, publish
from tests.waiting import wait_for

_GRANTED = framed(0x20, b"\0\0")
_MESSAGES = 500


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _write_one_by_one(server: socket.socket) -> None:
    with server.accept()[0] as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.recv(1024)
        line.sendall(_GRANTED)
        for number in range(1, _MESSAGES + 1):
            line.sendall(publish(b"t", b"x", number))
            time.sleep(0)  # lets the other side wake up for it, if it wants to
        line.recv(1024)


def test_messages_written_one_by_one_are_handed_on_in_parcels(server: socket.socket) -> None:
    parcels: list[tuple[float, list[Publish]]] = []
    client = BatchClient(
        "c", lambda: True, lambda messages: parcels.append((time.monotonic(), messages))
    )
    broker = threading.Thread(target=_write_one_by_one, args=(server,))
    broker.start()
    client.connect("127.0.0.1", server.getsockname()[1])
    client.loop_start()
    try:
        wait_for("all messages", lambda: sum(len(each) for _, each in parcels) == _MESSAGES)
    finally:
        client.disconnect()
        client.loop_stop()
        broker.join()
    took = parcels[-1][0] - parcels[0][0]
    assert [message.mid for _, each in parcels for message in each] == [
        number.to_bytes(2, "big") for number in range(1, _MESSAGES + 1)
    ]
    assert len(parcels) <= took / 0.01 + 5  # however fast or slow this machine is
