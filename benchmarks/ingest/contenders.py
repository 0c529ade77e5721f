"""Each way of bringing the load into the store, and what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.ingest.load import VALUES, Load
from benchmarks.ingest.store import COPY, await_count, buffers, counted, fresh
from benchmarks.processes import Program, cpu_seconds, mosquitto
from storage.embedded import EmbeddedServer

_QUIET = 40  # equal counts in a row: nothing comes any more
_BUFFER = (
    100_000  # values in one transaction of the bare limit: as many as a full batch of messages
)


Start = Callable[[str, int, Load], list[Program]]
"""Starts a contender's processes on (DSN, the broker's port, the load)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took. `cpu`: seconds by part; `delays`: from made to committed, of a sample;
    `lost`, `duplicated`: messages."""

    messages: int
    seconds: float
    cpu: Mapping[str, float]
    lost: int
    duplicated: int
    delays: Sequence[float] = ()

    @property
    def values_per_s(self) -> float:
        return self.messages * VALUES / self.seconds

    def as_json(self) -> dict[str, Any]:
        millions = self.messages * VALUES / 1e6
        p50, p99 = np.quantile(self.delays, (0.5, 0.99)) if self.delays else (0.0, 0.0)
        return {
            "messages_per_s": round(self.messages / self.seconds),
            "values_per_s": round(self.values_per_s),
            "cpu_s_per_million": {
                part: round(seconds / millions, 2) for part, seconds in self.cpu.items()
            },
            "p50_s": round(float(p50), 3),
            "p99_s": round(float(p99), 3),
        }


def bare(server: EmbeddedServer, _folder: Path, load: Load) -> Figures:
    """(a) COPY of prepared buffers: what PostgreSQL takes of these values at most."""
    first, *prepared = buffers(load, _BUFFER)
    with fresh(server, load) as dsn, psycopg.connect(dsn) as conn:
        _copy(conn, first)
        cpu, began = _Cpu(server), time.perf_counter()
        for buffer in prepared:
            _copy(conn, buffer)
        seconds, took = time.perf_counter() - began, cpu.read()
        return _figures(load, dsn, seconds, {"collector": 0.0, **took})


def _copy(conn: psycopg.Connection[Any], buffer: bytes) -> None:
    with conn.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write(buffer)
    conn.commit()


def script(way: str, server: EmbeddedServer, folder: Path, load: Load) -> Figures:
    """(b1, b2) What a skilled user would write."""
    return _race(server, folder, load, partial(_scripts, way), once=way == "once")


def forecall(processes: int, server: EmbeddedServer, folder: Path, load: Load) -> Figures:
    """(c) Forecall's collector, each process with an equal share of the topics."""
    return _race(server, folder, replace(load, shares=processes), _collectors)


def _scripts(way: str, dsn: str, port: int, load: Load) -> list[Program]:
    return [Program("benchmarks.ingest.script", way, dsn, port, load.messages, load.devices)]


def _collectors(dsn: str, port: int, load: Load) -> list[Program]:
    messages, devices = load.messages // load.shares, load.devices // load.shares
    return [
        Program(
            *("benchmarks.ingest.collector", dsn, port, messages, devices),
            *(f"collector-{share}", load.share_filter(share), load.shares),
        )
        for share in range(load.shares)
    ]


def killed(
    start: Start, once: bool, server: EmbeddedServer, folder: Path, load: Load
) -> dict[str, int]:
    """What is lost and stored twice, in messages, when the collectors are killed half way and
    started again."""
    with fresh(server, load, once=once) as dsn, mosquitto(folder) as (_broker, port):
        collectors, terminals = _begun(dsn, port, load, start)
        terminals.say(str(load.rate))
        whole = (load.messages + load.devices) * VALUES
        await_count(dsn, lambda counts: counts[-1] >= whole // 2)
        for program in collectors:
            program.kill()
        again = start(dsn, port, load)
        terminals.result()
        # Done, or nothing has come for a while: all that comes has come.
        await_count(dsn, lambda counts: counts[-1] >= whole or _is_quiet(counts))
        for program in (*again, terminals):
            program.kill()
        stored = counted(dsn)
        lost = whole - stored.distinct
        return {"lost": lost // VALUES, "twice": (stored.values - stored.distinct) // VALUES}


def _is_quiet(counts: Sequence[int]) -> bool:
    return len(counts) > _QUIET and len(set(counts[-_QUIET:])) == 1


CONTENDERS: Mapping[str, Callable[[EmbeddedServer, Path, Load], Figures]] = {
    "a bare COPY": bare,
    "b1 script": partial(script, "plain"),
    "b2 script, exactly once": partial(script, "once"),
    "c Forecall": partial(forecall, 1),
    "c Forecall, two": partial(forecall, 2),
}

KILLED: Mapping[str, Callable[[EmbeddedServer, Path, Load], dict[str, int]]] = {
    "b1 script": partial(killed, partial(_scripts, "plain"), False),
    "b2 script, exactly once": partial(killed, partial(_scripts, "once"), True),
    "c Forecall": partial(killed, _collectors, False),
}


class _Cpu:
    """CPU seconds by part since this was made."""

    def __init__(self, server: EmbeddedServer, **parts: Sequence[int]) -> None:
        self._store = int((server.data / "postmaster.pid").read_text().split()[0])
        self._parts = parts
        self._before = self._now()

    def read(self) -> dict[str, float]:
        return {part: now - self._before[part] for part, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        taken = {part: sum(map(cpu_seconds, pids)) for part, pids in self._parts.items()}
        return taken | {"store": cpu_seconds(self._store, with_children=True)}


def _race(
    server: EmbeddedServer, folder: Path, load: Load, start: Start, *, once: bool = False
) -> Figures:
    """From the first message published to the last one committed."""
    with fresh(server, load, once=once) as dsn, mosquitto(folder) as (broker, port):
        collectors, terminals = _begun(dsn, port, load, start)
        pids = [collector.pid for collector in collectors]
        cpu = _Cpu(server, collector=pids, broker=[broker], terminals=[terminals.pid])
        terminals.say(str(load.rate))
        ends = [collector.result() for collector in collectors]
        took = cpu.read()
        began = terminals.result()["began"]
        for program in (*collectors, terminals):
            program.kill()
        seconds = max(end["ended"] for end in ends) - began
        delays = [delay for end in ends for delay in end["delays"]]
        return _figures(load, dsn, seconds, took, delays)


def _begun(dsn: str, port: int, load: Load, start: Start) -> tuple[Sequence[Program], Program]:
    """Collectors and terminals, each device's first message stored."""
    collectors, terminals = start(dsn, port, load), _terminals(port, load)
    for program in (*collectors, terminals):
        program.await_ready()
    terminals.say("begin")
    terminals.await_ready()
    await_count(dsn, lambda counts: counts[-1] >= load.devices * VALUES)
    return collectors, terminals


def _terminals(port: int, load: Load) -> Program:
    return Program("benchmarks.ingest.publish", port, load.devices, load.messages, load.shares)


def _figures(
    load: Load,
    dsn: str,
    seconds: float,
    cpu: Mapping[str, float],
    delays: Sequence[float] = (),
) -> Figures:
    stored, expected = counted(dsn), (load.messages + load.devices) * VALUES
    lost, twice = expected - stored.distinct, stored.values - stored.distinct
    return Figures(load.messages, seconds, cpu, lost // VALUES, twice // VALUES, delays)
