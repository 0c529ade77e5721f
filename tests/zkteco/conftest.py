"""Emulated clocks on real sockets, served by an event loop in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread
from typing import Protocol

import pytest
from zk import ZK

from domain.clock import ManualClock
from simulator.zkteco.clock import EmulatedClock
from simulator.zkteco.server import ClockServer
from storage.database import Database

Serve = Callable[[EmulatedClock], ClockServer]
Register = Callable[[str, ClockServer], int]
RegisterIn = Callable[[Database, str, ClockServer], int]


class Connect(Protocol):
    def __call__(self, server: ClockServer, password: int = 0) -> ZK: ...


def until(condition: Callable[[], bool], limit_s: float = 120) -> None:
    """Waits for `condition`; fails when it is not there after `limit_s`."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Puts an emulated clock on a free port; all are gone at the end of the test."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    servers: list[ClockServer] = []

    def start(clock: EmulatedClock) -> ClockServer:
        servers.append(ClockServer(clock))
        asyncio.run_coroutine_threadsafe(servers[-1].start(), loop).result(120)
        return servers[-1]

    yield start
    for server in servers:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(120)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A pyzk client of a server, connected; disconnected at the end of the test."""
    clients: list[ZK] = []

    def start(server: ClockServer, password: int = 0) -> ZK:
        client = ZK(
            server.host,
            server.port,
            timeout=60,
            password=password or server.clock.comm_key,
            ommit_ping=True,
        )
        client._ZK__sock.close()  # pyzk opens one that it never uses
        clients.append(client)
        client.connect()
        return client

    yield start
    for client in clients:
        if client.is_connect:
            client.disconnect()
        client._ZK__sock.close()


@pytest.fixture
def register_in(clock: ManualClock) -> RegisterIn:
    """Enters a served clock into a store, due now; returns the device's id."""

    def enter(database: Database, key: str, server: ClockServer) -> int:
        with database.transaction() as conn:
            row = conn.execute(
                "INSERT INTO device (key, kind) VALUES (%s, 'clock') RETURNING id", [key]
            ).fetchone()
            assert row is not None
            conn.execute(
                "INSERT INTO clock_poll (device_id, host, port, comm_key, next_poll_at)"
                " VALUES (%s, %s, %s, %s, %s)",
                [row["id"], server.host, server.port, server.clock.comm_key, clock.now()],
            )
        return int(row["id"])

    return enter


@pytest.fixture
def register(database: Database, register_in: RegisterIn) -> Register:
    """Enters a served clock into the test's own store, due now; returns the device's id."""
    return partial(register_in, database)
