"""Runs the console until it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn
from fastapi import FastAPI

from console.live import Live
from domain.errors import ConfigurationError

_GRACE_S = 3


class _Server(uvicorn.Server):
    """Ends the live streams first: an open one would hold the shutdown up."""

    def __init__(
        self,
        config: uvicorn.Config,
        live: Live,
        stop: threading.Event | None,
        ready: Callable[[int], None],
    ) -> None:
        super().__init__(config)
        self._live = live
        self._stop = stop
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if self._stop is not None:  # then the signals are the caller's
            yield
            return
        with super().capture_signals():
            yield

    async def on_tick(self, counter: int) -> bool:
        if self._stop is not None and self._stop.is_set():
            self.should_exit = True
        leaving = await super().on_tick(counter)
        if leaving:
            await self._live.close()
        return leaving


def serve(
    app: FastAPI,
    host: str,
    port: int,
    stop: threading.Event | None = None,
    ready: Callable[[int], None] = lambda port: None,
) -> None:
    """Serves `app` until `stop` is set; then ends within seconds, open streams included.

    Without `stop` it ends on SIGINT and SIGTERM; with it, signals are the caller's to handle.
    `ready` is called with the port once connections are taken; `port` 0 takes a free one.
    Raises ConfigurationError when the port can't be had.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=True,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config, app.state.room.live, stop, ready)
    try:
        asyncio.run(server.serve())
    except SystemExit as error:  # uvicorn's own way to say that it could not start
        raise ConfigurationError(f"the console can't listen on {host}:{port}") from error
