"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(what: str, holds: Callable[[], object], limit_s: float = 120) -> None:
    """Returns when `holds()` is true. Raises AssertionError when it is not within `limit_s`."""
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit, f"waited {limit_s} s in vain until {what}"
        time.sleep(0.05)
