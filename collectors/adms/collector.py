"""Listens for clocks that call, for as long as it is let."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socket import socket
from threading import Event

import structlog
import uvicorn

from collectors.adms.fleet import COLLECTOR, PushFleet
from collectors.adms.receiver import Receiver
from domain.clock import Clock
from domain.errors import ConfigurationError, StoreUnavailableError
from domain.report import Watch

BEAT_EVERY_S = 2.0

_MOST_CALLS = 128  # at once; more are told 503, and come again
_WRITERS = 4  # each holds a connection, and may need a second one for a moment
_GRACE_S = 5

_log = structlog.get_logger()


class PushCollector:
    """An HTTP server for clocks that push. Any number may run behind one address."""

    def __init__(
        self,
        fleet: PushFleet,
        watch: Watch,
        clock: Clock,
        host: str,
        port: int,
        *,
        ready: Callable[[int], None] = lambda port: None,
    ) -> None:
        """`port` 0 takes a free one; `ready` is called with the port once calls are taken."""
        self._fleet = fleet
        self._watch = watch
        self._clock = clock
        self._host, self._port = host, port
        self._ready = ready

    def run(self, stop: Event) -> None:
        """Listens until `stop` is set; calls that are under way are answered first.

        Raises ConfigurationError when the port can't be had.
        """
        with ThreadPoolExecutor(_WRITERS) as writers, ThreadPoolExecutor(1) as beater:
            config = uvicorn.Config(
                Receiver(self._fleet, self._clock, writers),
                host=self._host,
                port=self._port,
                access_log=False,
                log_level="warning",
                lifespan="off",
                ws="none",
                server_header=False,
                date_header=False,  # the receiver says each clock its time
                limit_concurrency=_MOST_CALLS,
                timeout_graceful_shutdown=_GRACE_S,
            )
            server = _Server(config, stop, self._ready)
            try:
                asyncio.run(_serve(server, self._beat, beater))
            except SystemExit as error:  # uvicorn's own way to say that it could not start
                raise ConfigurationError(
                    f"adms_host, adms_port: can't listen on {self._host}:{self._port}"
                ) from error

    def _beat(self) -> None:
        try:
            self._watch.beat(COLLECTOR)
        except StoreUnavailableError as error:
            _log.warning("store unavailable", error=str(error))


class _Server(uvicorn.Server):
    """Ends when `stop` is set; signals are the caller's to handle."""

    def __init__(self, config: uvicorn.Config, stop: Event, ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._stop = stop
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or self._stop.is_set()
        return await super().on_tick(counter)


async def _serve(server: _Server, beat: Callable[[], None], beater: ThreadPoolExecutor) -> None:
    beating = asyncio.create_task(_keep_beating(beat, beater))
    try:
        await server.serve()
    finally:
        beating.cancel()


async def _keep_beating(beat: Callable[[], None], beater: ThreadPoolExecutor) -> None:
    """From a thread of its own: a store that is slow to answer holds up no clock."""
    while True:
        due = time.monotonic() + BEAT_EVERY_S
        await asyncio.get_running_loop().run_in_executor(beater, beat)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
