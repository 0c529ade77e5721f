"""Signs of life of single services, for the health checks of a container platform."""

from __future__ import annotations

from datetime import timedelta

from domain.errors import BadInputError
from forecall.config import Settings
from forecall.doctor import work_beat_age_s
from forecall.wiring import opened
from storage.queries import load

PARTS = ("work", "mqtt", "zkteco", "adms")
_SILENT_S = 30.0


def is_healthy(settings: Settings, part: str) -> bool:
    """Whether `part` (work, mqtt, zkteco or adms) was at work within half a minute.

    Raises BadInputError for another part, StoreUnavailableError when the database is away.
    """
    if part not in PARTS:
        raise BadInputError(f"part: {part!r} is not one of {', '.join(PARTS)}")
    if part == "work":
        age_s = work_beat_age_s(settings)
        return age_s is not None and age_s < _SILENT_S
    with opened(settings, "health check") as installation:
        clock = installation.clock
        with installation.database.transaction() as conn:
            rows = conn.execute(load("front")["watches"]).fetchall()
    limit = clock.now() - timedelta(seconds=_SILENT_S * clock.speed)
    return any(
        row["collector"].partition(":")[0] == part and row["beat_at"] > limit for row in rows
    )
