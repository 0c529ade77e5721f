"""Puts the console together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from console import api, ops, pages
from console.assets import FingerprintedFiles
from console.limiter import Limiter
from console.live import Live
from console.problems import explain_errors
from console.room import Files, Room
from console.security import SecurityHeaders
from console.views import STATIC, Views
from domain.clock import Clock, SystemClock
from storage.database import Conn, Database

GUESSES = 20
"""Links that there aren't, of one address in five minutes."""
REPORTS = 6
"""Reports of one link, or of one address, in an hour."""
REQUESTS = 600
"""Requests of one token in a minute."""


def no_files(_: Conn) -> Mapping[str, str]:
    """Where nobody has written any."""
    return {}


def create_app(
    database: Database,
    clock: Clock,
    *,
    simulated: bool,
    metrics_token: str = "",
    files: Files = no_files,
) -> FastAPI:
    """The console of the fleet in `database`.

    Args:
        clock: what the fleet goes by; sessions and audits always go by the machine's.
        simulated: whether every page must say that the devices are simulated.
        files: why files that people wrote are not in force, by setting.
        metrics_token: what asks for the metrics must carry; empty: it must ask from this machine.
    """
    live = Live(database, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(live.run())
        yield
        await live.close()
        looking.cancel()

    app = FastAPI(
        title="Forecall", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.room = Room(
        database,
        clock,
        simulated,
        Views(clock, simulated=simulated),
        live,
        Limiter(SystemClock()),
        Limiter(SystemClock(), GUESSES),
        Limiter(SystemClock(), REPORTS, timedelta(hours=1)),
        Limiter(SystemClock(), REQUESTS, timedelta(minutes=1)),
        metrics_token,
        files,
    )
    app.include_router(ops.router)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", FingerprintedFiles(directory=str(STATIC)))
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(SecurityHeaders)
    explain_errors(app)
    return app
