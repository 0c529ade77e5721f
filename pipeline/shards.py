"""Leases on shards: who may open which session on the broker."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping, Sequence

from collectors.mqtt.shards import LEASE_S, Holding, Shard
from domain.clock import Clock
from domain.errors import NotAllowedError, NotFoundError
from pipeline.watch import forget_collector
from storage.database import Conn, Database, Row
from storage.queries import load


class LeasedShards:
    """`collectors.mqtt.shards.ShardLeases` on the table `collector_shard`.

    Leases go by the database's clock, not by the fleet's: the machines' own clocks may differ by
    more than a lease is long, and a simulated clock may run fast.
    """

    def __init__(self, database: Database, filters: Mapping[str, Sequence[str]]) -> None:
        self._database = database
        self._filters = {name: list(topics) for name, topics in filters.items()}
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._set_up = False

    def renew(self) -> Holding:
        """See ShardLeases. Every one of the alive gets as many shards as the others, or one more."""
        values = {"owner": self._owner, "names": sorted(self._filters), "lease_s": LEASE_S}
        queries = load("shards")
        with self._database.transaction() as conn:
            conn.execute(queries["in_turn"])
            if not self._set_up:
                self._describe(conn)
            conn.execute(queries["forget_dead"])
            conn.execute(queries["be_alive"], values)
            held = {row["name"] for row in conn.execute(queries["renew"], values)}
            share = self._share(conn)
            values["most"] = max(0, share - len(held))
            held |= {row["name"] for row in conn.execute(queries["claim"], values)}
        self._set_up = True
        return Holding(frozenset(held), frozenset(sorted(held)[share:]))

    def give_up(self, names: frozenset[str]) -> None:
        """See ShardLeases."""
        with self._database.transaction() as conn:
            values = {"owner": self._owner, "names": sorted(names)}
            conn.execute(load("shards")["give_up"], values)

    def leave(self) -> None:
        """See ShardLeases."""
        with self._database.transaction() as conn:
            values = {"owner": self._owner, "names": sorted(self._filters)}
            conn.execute(load("shards")["give_up"], values)
            conn.execute(load("shards")["leave"], values)

    def _describe(self, conn: Conn) -> None:
        for name, topics in sorted(self._filters.items()):
            conn.execute(load("shards")["describe"], {"name": name, "filters": topics})

    def _share(self, conn: Conn) -> int:
        """How many shards fall to us: those who joined first get the ones that are left over."""
        rows = conn.execute(load("shards")["workers"]).fetchall()
        place = [row["owner"] for row in rows].index(self._owner)
        each, left_over = divmod(len(self._filters), len(rows))
        return each + (place < left_over)


def read_shards(conn: Conn) -> list[Row]:
    """Every shard: `name`, `filters`, and `holder`, who has a lease on it; None: nobody."""
    return conn.execute(load("shards")["shards"]).fetchall()


def forget_shard(conn: Conn, clock: Clock, name: str) -> Shard:
    """Removes a shard; its devices are unwatched since it was last heard. Returns what it was.

    Raises NotFoundError when there is none, and NotAllowedError while a collector holds it.
    """
    conn.execute(load("shards")["in_turn"])
    found = {row["name"]: row for row in read_shards(conn)}
    if name not in found:
        raise NotFoundError(f"there is no shard {name!r}; `forecall shards list` shows them")
    shard, holder = Shard(name, tuple(found[name]["filters"])), found[name]["holder"]
    if holder:
        raise NotAllowedError(
            f"{shard.collector} is held by {holder}: take it out of mqtt_shards first"
        )
    conn.execute(load("shards")["forget"], {"name": name})
    forget_collector(conn, shard.collector, clock.now())
    return shard
