"""The live stream: counts for the page's figures, and which regions to fetch anew."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from console.gate import SomebodyIn
from console.live import Live
from console.room import TheRoom, Visit
from console.snapshot import Snapshot

router = APIRouter()


@router.get("/live")
async def live(room: TheRoom, visit: SomebodyIn) -> StreamingResponse:
    return StreamingResponse(
        _events(room.live, visit),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(live: Live, visit: Visit) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    async for news in live.changes():
        yield _event(*news, visit) if news else ": still here\n\n"


def _event(look: Snapshot, topics: list[str], visit: Visit) -> str:
    formats = visit.formats
    figures = {name: formats.number(count) for name, count in look.counts.items()}
    figures["uptime"] = formats.share(look.uptime)
    data = {"at": look.at.isoformat(), "figures": figures, "topics": topics}
    return f"event: look\ndata: {json.dumps(data)}\n\n"
