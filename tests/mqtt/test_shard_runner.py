"""Shards run where their leases are, and nowhere else."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from collectors.mqtt import shards as module
from collectors.mqtt.shards import Collect, Shard, ShardRunner
from domain.errors import ForecallError
from pipeline.shards import LeasedShards
from storage.database import Database
from tests.waiting import wait_for

SHARDS = [Shard(name, (f"v1/{name}/#",)) for name in ("a", "b", "c")]


class Crew:
    """Runners that share `SHARDS`, and what each of their collectors does."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.at_work = Counter[str]()
        self.most = Counter[str]()
        self.lock = threading.Lock()

    def collecting(self, shard: Shard) -> Collect:
        def collect(stop: threading.Event) -> None:
            with self.lock:
                self.at_work[shard.name] += 1
                self.most |= self.at_work
            stop.wait()
            with self.lock:
                self.at_work[shard.name] -= 1

        return collect

    def start(self) -> Runner:
        return Runner(self)


class Runner:
    """One runner in a thread."""

    def __init__(self, crew: Crew) -> None:
        leases = LeasedShards(crew.database, {shard.name: shard.topics for shard in SHARDS})
        self.runner = ShardRunner(SHARDS, leases, crew.collecting)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.runner.run, args=(self.stop,))
        self.thread.start()

    @property
    def shards(self) -> int:
        return len(self.runner._works)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(120)
        assert not self.thread.is_alive()


@pytest.fixture(autouse=True)
def _quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TURN_S", 0.05)


def test_a_newcomer_gets_its_share_in_order_and_who_leaves_leaves_it_to_the_others(
    database: Database,
) -> None:
    crew = Crew(database)
    first = crew.start()
    wait_for("one holds all", lambda: first.shards == 3)
    second = crew.start()
    wait_for("they share", lambda: (first.shards, second.shards) == (2, 1))
    first.end()
    wait_for("the other holds all", lambda: second.shards == 3)
    assert crew.at_work == Counter(a=1, b=1, c=1)
    second.end()
    assert crew.most == Counter(a=1, b=1, c=1), "a shard was collected twice at once"
    assert crew.at_work.total() == 0


def test_a_lease_that_was_lost_ends_its_session(database: Database) -> None:
    crew = Crew(database)
    runner = crew.start()
    wait_for("it holds all", lambda: runner.shards == 3)
    with database.transaction() as conn:
        conn.execute("UPDATE collector_shard SET owner = 'another' WHERE name = 'b'")
    wait_for("it has let go of it", lambda: crew.at_work["b"] == 0)
    assert crew.at_work["a"] == 1
    runner.end()


def test_a_collector_that_fails_ends_the_process_and_gives_its_shards_to_others(
    database: Database,
) -> None:
    def failing(_: Shard) -> Collect:
        def collect(_: threading.Event) -> None:
            raise ForecallError("the broker's certificate is not trusted")

        return collect

    filters = {shard.name: shard.topics for shard in SHARDS}
    runner = ShardRunner(SHARDS, LeasedShards(database, filters), failing)
    with pytest.raises(ForecallError, match="certificate"):
        runner.run(threading.Event())
    other = LeasedShards(database, filters)
    assert other.renew().held == {"a", "b", "c"}
