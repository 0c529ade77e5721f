"""The live stream: changes come without asking, and an open stream does not hold the end up."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from itertools import product
from queue import Queue
from typing import Any

import httpx

from console.app import create_app
from console.live import Live
from console.serve import serve
from tests.console.conftest import LogIn, token
from tests.console.seed import Seed


def test_a_change_in_the_store_reaches_everybody_who_watches(log_in: LogIn, seed: Seed) -> None:
    keys = seed.fleet(1, 1, 3)
    readers = [log_in("operator"), log_in("viewer")]
    readers[0].post("/language", data={"language": "fa"})
    with (
        readers[0].stream("GET", "/live") as persian,
        readers[1].stream("GET", "/live") as english,
    ):
        looks = [_looks(persian), _looks(english)]
        assert next(looks[0])["figures"]["up"] == "۳"
        assert next(looks[1])["figures"]["up"] == "3"
        seed.down(keys[0])
        for stream, two, one in ((looks[0], "۲", "۱"), (looks[1], "2", "1")):
            look = _until(stream, "up", two)
            assert look["figures"]["tickets"] == one or _until(stream, "tickets", one)


def test_a_look_names_only_what_changed(operator: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet(1, 1, 3)
    with operator.stream("GET", "/live") as stream:
        looks = _looks(stream)
        assert set(next(looks)["topics"]) == {"devices", "alerts", "tickets", "predictions"}
        seed.contact(keys[:1])  # says nothing new
        assert next(looks)["topics"] == []
        seed.down(keys[1])
        assert "devices" in _until(looks, "down", "1")["topics"]


def test_the_stream_is_for_accounts(visitor: httpx.Client) -> None:
    assert visitor.get("/live").status_code == 401


def test_an_open_stream_does_not_hold_the_end_up(seed: Seed, accounts: None) -> None:
    app = create_app(seed.database, seed.clock, simulated=False)
    stop, ready = threading.Event(), Queue[int]()
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0, stop, ready.put))
    thread.start()
    address = f"http://127.0.0.1:{ready.get(timeout=120)}"
    with httpx.Client(base_url=address, timeout=120) as client:
        data = {"csrf": token(client.get("/login").text), "name": "viewer"}
        client.post("/login", data=data | {"password": "correct horse"})
        with client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            next(lines)
            stop.set()
            assert "not reached" not in list(lines)  # the server ended the stream in order
    thread.join(120)
    assert not thread.is_alive()


def _looks(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def _until(looks: Iterator[dict[str, Any]], figure: str, value: str) -> dict[str, Any]:
    """The first of the next looks with that figure."""
    for _, look in zip(range(20), looks, strict=False):
        if look["figures"][figure] == value:
            return look
    raise AssertionError(f"{figure} never became {value}")


def test_who_leaves_while_there_is_no_news_takes_nobody_along(seed: Seed) -> None:
    """A server cancels the stream of a closed page more than once, at any point of its wait."""

    async def watch(live: Live, told: asyncio.Event) -> None:
        told.set()
        async for _ in live.changes():
            pass

    async def leave(after: int, again: int) -> None:
        live = Live(seed.database, seed.clock)
        tasks = []
        for _ in range(3):
            told = asyncio.Event()
            tasks.append(asyncio.create_task(watch(live, told)))
            await told.wait()
        leaver, *others = tasks
        for ticks in (after, again, again):
            for _ in range(ticks):
                await asyncio.sleep(0)
            leaver.cancel()
        assert await asyncio.wait([leaver], timeout=60) == ({leaver}, set())
        assert not any(task.done() for task in others)
        await live.close()
        _, stuck = await asyncio.wait(others, timeout=60)
        assert not stuck

    for after, again in product(range(4), repeat=2):
        asyncio.run(leave(after, again))
