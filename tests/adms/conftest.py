"""A receiver on a real port, and clocks in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event, Thread

import httpx
import pytest

from collectors.adms.collector import PushCollector
from domain.clock import Clock, ManualClock
from pipeline.ingest import Ingest
from pipeline.push_fleet import CallingClocks
from pipeline.watch import CollectorWatch
from storage.database import Database

Adopt = Callable[..., int]


@contextmanager
def listening(database: Database, clock: Clock) -> Iterator[str]:
    """A receiver in a thread; its address."""
    stop, ready = Event(), Queue[int]()
    fleet = CallingClocks(database, clock, Ingest(database, clock, "adms"))
    watch = CollectorWatch(database, clock)
    collector = PushCollector(fleet, watch, clock, "127.0.0.1", 0, ready=ready.put)
    thread = Thread(target=collector.run, args=[stop])
    thread.start()
    try:
        yield f"http://127.0.0.1:{ready.get(timeout=120)}"
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def receiver(database: Database, clock: ManualClock) -> Iterator[str]:
    """The address of a receiver on the test's own store."""
    with listening(database, clock) as address:
        yield address


@pytest.fixture
def http(receiver: str) -> Iterator[httpx.Client]:
    """A client of the receiver."""
    with httpx.Client(base_url=receiver, timeout=120) as client:
        yield client


@pytest.fixture
def adopt(database: Database, clock: ManualClock) -> Adopt:
    """Enters an adopted clock; returns the device's id."""

    def enter(
        serial: str, zone: str | None = None, *, key: str = "", simulated: bool = False
    ) -> int:
        with database.transaction() as conn:
            site = None
            if zone is not None:
                conn.execute(
                    "INSERT INTO customer (key, name) VALUES ('c', 'C') ON CONFLICT DO NOTHING"
                )
                row = conn.execute(
                    "INSERT INTO site (key, name, customer_id, time_zone)"
                    " SELECT %(zone)s, %(zone)s, id, %(zone)s FROM customer"
                    " ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING id",
                    {"zone": zone},
                ).fetchone()
                assert row is not None
                site = row["id"]
            row = conn.execute(
                "INSERT INTO device (key, kind, serial, site_id, adopted_at, simulated)"
                " VALUES (%s, 'clock', %s, %s, %s, %s)"
                " ON CONFLICT (key) DO UPDATE SET adopted_at = excluded.adopted_at,"
                " site_id = excluded.site_id RETURNING id",
                [key or serial, serial, site, clock.now(), simulated],
            ).fetchone()
            assert row is not None
            return int(row["id"])

    return enter
