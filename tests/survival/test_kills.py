"""kill -9 at a random moment under load: what was acknowledged is stored, once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from domain.errors import StoreUnavailableError
from forecall.broker import Broker
from storage.database import Database, Row
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.survival.helpers import LIMIT_S, Publisher, Worker

MOMENT = random.SystemRandom().uniform(0.3, 1.2)
"""Seconds of load before the kill; shown when a test fails."""


@dataclass(frozen=True, slots=True)
class House:
    """Database, broker and collector, each a process."""

    server: EmbeddedServer
    broker: Broker
    worker: Worker
    database: Database

    def rows(self, statement: str) -> list[Row]:
        with self.database.transaction() as conn:
            return conn.execute(statement.encode()).fetchall()

    def stored(self, run_name: str) -> list[int]:
        """The numbers of a run's stored messages, in order."""
        found = self.rows(
            f"""SELECT value::int AS number FROM reading JOIN device ON device.id = device_id
                WHERE key LIKE '{run_name}-%' ORDER BY 1"""
        )
        return [row["number"] for row in found]

    def rejected(self, run_name: str) -> list[bytes]:
        found = self.rows("SELECT body FROM rejected_message")
        return [row["body"] for row in found if run_name.encode() in row["body"]]

    def taken_in(self, run_name: str) -> int:
        """How many messages of a run are stored or rejected; 0 while the database is away."""
        try:
            return len(self.stored(run_name)) + len(self.rejected(run_name))
        except StoreUnavailableError:
            return 0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    server, broker = EmbeddedServer(folder / "data"), Broker(folder / "broker")
    with server, broker:
        database = Database(server.dsn)
        migrate(database)
        worker = Worker(server.dsn, broker)
        worker.start()
        house = House(server, broker, worker, database)
        await_that(lambda: len(house.rows("SELECT FROM collector_watch")) == 1)
        yield house
        assert worker.stop() == 0
        database.close()


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "the awaited condition did not come true in time"
        time.sleep(0.05)


def kill_database(house: House) -> None:
    house.server.kill()
    house.server.start()


def kill_broker(house: House) -> None:
    house.broker.kill()
    house.broker.start()


def kill_collector(house: House) -> None:
    house.worker.kill()
    house.worker.start()


@pytest.mark.parametrize("kill", [kill_database, kill_broker, kill_collector])
def test_a_kill_loses_nothing_and_stores_nothing_twice(
    house: House, kill: Callable[[House], None]
) -> None:
    name = kill.__name__
    publisher = Publisher(house.broker, name)
    publisher.start()
    await_that(lambda: house.taken_in(name) > 0)
    time.sleep(MOMENT)  # not a wait for something: the kill comes at a random moment
    kill(house)
    before = house.taken_in(name)
    await_that(lambda: house.taken_in(name) > before)
    publisher.finish()
    await_that(lambda: house.taken_in(name) >= len(publisher.acknowledged))
    assert_stored_once(house, name, publisher.acknowledged)


def assert_stored_once(house: House, name: str, acknowledged: set[bytes]) -> None:
    sound = [json.loads(body)["seq"] for body in acknowledged if b"broken" not in body]
    assert len(sound) > 100
    assert house.stored(name) == sorted(sound)
    broken = sorted(body for body in acknowledged if b"broken" in body)
    assert sorted(house.rejected(name)) == broken
    counted = house.rows("SELECT stored FROM intake_count")[0]["stored"]
    assert len(house.rows("SELECT FROM reading")) == counted
