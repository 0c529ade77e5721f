"""Leases on shards: held by one at a time, shared fairly, taken over from the dead."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.mqtt.shards import Shard
from domain.clock import ManualClock
from domain.errors import NotAllowedError, NotFoundError
from domain.report import DeviceReport, Identity
from pipeline.ingest import Ingest
from pipeline.shards import LeasedShards, forget_shard, read_shards
from pipeline.watch import CollectorWatch
from storage.database import Database

ABC = {"a": ["v1/a/#"], "b": ["v1/b/#"], "c": ["v1/c/#"]}


def let_run_out(database: Database) -> None:
    """Every lease ends now, as if all collectors had been silent for its length."""
    with database.transaction() as conn:
        conn.execute("UPDATE collector_shard SET leased_until = clock_timestamp()")
        conn.execute("UPDATE collector_worker SET leased_until = clock_timestamp()")


def turn(leases: LeasedShards) -> frozenset[str]:
    """One turn of a collector that gives up at once what others wait for; what it keeps."""
    holding = leases.renew()
    if holding.surplus:
        leases.give_up(holding.surplus)
    return holding.held - holding.surplus


def test_one_alone_holds_everything(database: Database) -> None:
    assert turn(LeasedShards(database, ABC)) == {"a", "b", "c"}


def test_a_newcomer_gets_its_share_and_no_shard_is_held_twice(database: Database) -> None:
    first, second = LeasedShards(database, ABC), LeasedShards(database, ABC)
    turn(first)
    assert turn(second) == frozenset()
    assert turn(first) == {"a", "b"}
    assert turn(second) == {"c"}
    assert turn(first) == {"a", "b"}


def test_the_dead_are_succeeded_when_their_lease_has_run_out(database: Database) -> None:
    dead, alive = LeasedShards(database, ABC), LeasedShards(database, ABC)
    turn(dead)
    assert turn(alive) == frozenset()
    let_run_out(database)
    assert turn(alive) == {"a", "b", "c"}
    assert turn(dead) == frozenset()  # it was not dead after all: it learns that it has lost them


def test_a_lease_that_ran_out_stays_while_nobody_takes_it(database: Database) -> None:
    only = LeasedShards(database, ABC)
    turn(only)
    let_run_out(database)
    assert turn(only) == {"a", "b", "c"}


def test_who_leaves_leaves_everything_at_once(database: Database) -> None:
    first, second = LeasedShards(database, ABC), LeasedShards(database, ABC)
    turn(first), turn(second)
    first.leave()
    assert turn(second) == {"a", "b", "c"}


def test_a_shard_is_forgotten_only_when_nobody_holds_it_and_leaves_its_devices_unwatched(
    database: Database, clock: ManualClock
) -> None:
    LeasedShards(database, {"a": ["v1/a/#"]}).renew()
    now = clock.now()
    CollectorWatch(database, clock).beat("mqtt:a")
    Ingest(database, clock, "mqtt:a").store([DeviceReport("till", now, now, Identity("b", 1))])
    with pytest.raises(NotAllowedError, match="is held by"), database.transaction() as conn:
        forget_shard(conn, clock, "a")
    let_run_out(database)
    with database.transaction() as conn:
        assert forget_shard(conn, clock, "a") == Shard("a", ("v1/a/#",))
        assert read_shards(conn) == []
        assert conn.execute("SELECT FROM collector_watch").fetchall() == []
        assert conn.execute("SELECT state FROM device_status").fetchone() == {"state": "unwatched"}
        assert conn.execute("SELECT stored FROM intake_count").fetchone() == {"stored": 1}
    with pytest.raises(NotFoundError, match="'a'"), database.transaction() as conn:
        forget_shard(conn, clock, "a")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["turn", "leave", "die"]))),
    shards=st.integers(1, 7),
)
def test_however_they_come_and_go_all_shards_end_up_shared_fairly(
    database: Database, steps: list[tuple[int, str]], shards: int
) -> None:
    with database.transaction() as conn:
        conn.execute("TRUNCATE collector_shard, collector_worker")
    filters = {f"s{number}": [f"v1/{number}/#"] for number in range(shards)}
    crew = [LeasedShards(database, filters) for _ in range(4)]
    held: dict[int, frozenset[str]] = {}
    for who, what in steps:
        if what == "turn":
            held[who] = turn(crew[who])
        elif what == "leave":
            crew[who].leave()
            held.pop(who, None)
        else:
            let_run_out(database)
            held = {}
        assert sum(map(len, held.values())) == len(frozenset[str]().union(*held.values()))
    for _ in range(3):
        held = {who: turn(leases) for who, leases in enumerate(crew)}
    assert frozenset[str]().union(*held.values()) == filters.keys()
    sizes = sorted(map(len, held.values()))
    assert sum(sizes) == shards
    assert sizes[-1] - sizes[0] <= 1
