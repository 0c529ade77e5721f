"""Secrets: referred to by the policy, read when they are needed, never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from alerts.notify.policy import Reference
from domain.errors import NotDeliveredError

_MOST_BYTES = 64 << 10
_SHORTEST_PART = 4


def reveal(value: str | Reference) -> str:
    """The value itself. Raises NotDeliveredError that names the variable or file that has none."""
    if isinstance(value, str):
        return value
    if value.env is not None:
        found = os.environ.get(value.env, "").strip()
        if not found:
            raise NotDeliveredError(f"the variable {value.env} is not set")
        return found
    assert value.file is not None
    return _read(Path(value.file))


def scrubbed(text: str, *secrets: str) -> str:
    """`text` without what stands in `secrets`, part by part."""
    parts = {part for secret in secrets for part in re.split(r"[/:@?&=#\s,]+", secret)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_PART:
            text = text.replace(part, "***")
    return text


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            found = stream.read(_MOST_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotDeliveredError(f"{file} cannot be read: {type(error).__name__}") from error
    if not found:
        raise NotDeliveredError(f"{file} is empty")
    return found
