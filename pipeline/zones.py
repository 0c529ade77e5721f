"""Sites' time zones, which people type."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def zone_of(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name; None when there is no such zone, or no name."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
