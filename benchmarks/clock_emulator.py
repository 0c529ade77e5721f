"""Emulated clocks in a process of their own: `python -m benchmarks.clock_emulator COUNT`.

Prints their ports as JSON, then serves until its standard input ends. On each of them somebody
punches every five minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta

from domain.clock import SystemClock
from simulator.zkteco.clock import EmulatedClock
from simulator.zkteco.server import ClockServer

_RECORDS = 200  # in each log at the beginning
_THINKS_S = 0.005  # before each answer
_PUNCH_EVERY_S = 300


async def serve(count: int) -> None:
    clock = SystemClock()
    serials = (f"BENCH{os.getpid()}-{n}" for n in range(count))
    clocks = [EmulatedClock(serial, clock, latency_s=_THINKS_S) for serial in serials]
    servers = [ClockServer(each) for each in clocks]
    for each, server in zip(clocks, servers, strict=True):
        start = clock.now() - timedelta(hours=_RECORDS)
        for n in range(_RECORDS):
            each.punch(str(1000 + n % 40), at=start + timedelta(hours=n))
        await server.start()
    print(json.dumps([server.port for server in servers]), flush=True)
    people = asyncio.create_task(_people(clocks))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    people.cancel()


async def _people(clocks: list[EmulatedClock]) -> None:
    while True:
        for n, each in enumerate(clocks):
            each.punch(str(1000 + n % 40))
            await asyncio.sleep(_PUNCH_EVERY_S / len(clocks))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
