"""Runs the console until it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from console.live import Live

_GRACE_S = 3


class _Server(uvicorn.Server):
    """Ends the live streams first: an open one would hold the shutdown up."""

    def __init__(self, config: uvicorn.Config, live: Live, stop: threading.Event | None) -> None:
        super().__init__(config)
        self._live = live
        self._stop = stop

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


def serve(app: FastAPI, host: str, port: int, stop: threading.Event | None = None) -> None:
    """Serves `app` until `stop` is set; then ends within seconds, open streams included.

    Without `stop` it ends on SIGINT and SIGTERM; with it, signals are the caller's to handle.
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
    asyncio.run(_Server(config, app.state.room.live, stop).serve())
