"""One reader of the database for all who watch: it looks once a second and tells every stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from threading import Lock

import structlog
from starlette.concurrency import run_in_threadpool

from console.snapshot import Snapshot, fleet_uptime, take
from domain.clock import Clock
from domain.errors import StoreUnavailableError
from storage.database import Database

LOOK_EVERY_S = 1.0
UPTIME_EVERY_S = 10.0
KEEP_ALIVE_S = 15.0

log = structlog.get_logger()


class Live:
    """Keeps the newest snapshot. Looks only while somebody watches.

    `run` and `changes` belong to the event loop; `snapshot` may be called from any thread.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._latest: Snapshot | None = None
        self._looked_at = float("-inf")  # monotonic seconds
        self._uptime: float | None = None
        self._counted_at = float("-inf")
        self._looking = Lock()
        self._watchers = 0
        self._news = asyncio.Event()  # set once, then a new one takes its place
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def snapshot(self) -> Snapshot:
        """A look that is at most a second old. Raises StoreUnavailableError."""
        with self._looking:
            if self._latest is None or time.monotonic() - self._looked_at > LOOK_EVERY_S:
                self._latest = self._look()
                self._looked_at = time.monotonic()
            return self._latest

    async def run(self) -> None:
        """Looks and tells until it is closed."""
        while not self._closed:
            if self._watchers:
                await self._look_and_tell()
            await asyncio.sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Ends all streams."""
        self._closed = True
        self._tell()

    async def changes(self) -> AsyncIterator[tuple[Snapshot, list[str]] | None]:
        """Each new look with the topics that changed; None now and then, so that a dead line shows."""
        self._watchers += 1
        seen: Snapshot | None = None
        try:
            while not self._closed:
                latest = self._latest
                if latest is not None and latest is not seen:
                    topics = latest.changed_since(seen)
                    seen = latest
                    yield latest, topics
                elif not await self._wait():
                    yield None
        finally:
            self._watchers -= 1

    async def _wait(self) -> bool:
        """Whether there is news; False after a while without any."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _look_and_tell(self) -> None:
        try:
            await run_in_threadpool(self.snapshot)
        except StoreUnavailableError as error:
            log.warning("live: no look at the fleet", reason=str(error))
        except Exception:
            log.exception("live: looking at the fleet failed")
        else:
            self._tell()

    def _look(self) -> Snapshot:
        with self._database.transaction() as conn:
            now = self._clock.now()
            if time.monotonic() - self._counted_at > UPTIME_EVERY_S:
                self._uptime = fleet_uptime(conn, now)
                self._counted_at = time.monotonic()
            return take(conn, now, self._uptime)
