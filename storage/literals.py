"""Array parameters as PostgreSQL writes them: psycopg's own way costs a microsecond an element.

Give one with a cast: `%(ids)s::int4[]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache


def numbers(values: Iterable[float]) -> str:
    """Integers or floats."""
    return "{" + ",".join(map(repr, values)) + "}"


def texts(values: Iterable[str]) -> str:
    """Texts, whatever is in them but a zero byte."""
    return "{" + ",".join(map(_quoted, values)) + "}"


def moments(values: Sequence[datetime | None]) -> str:
    """Aware moments; None is null."""
    return "{" + ",".join([value.isoformat() if value else "NULL" for value in values]) + "}"


@lru_cache(2**16)
def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
