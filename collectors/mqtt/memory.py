"""How the collector's process keeps its memory."""

from __future__ import annotations

import gc

_CONTAINERS = (
    200_000  # more than the messages in flight make: a young generation never holds a batch
)


def collect_garbage_rarely() -> None:
    """Tens of thousands of messages live from their arrival to their commit and leave no cycles:
    looking for cycles among them again and again costs a third of all Python work there is."""
    gc.freeze()
    gc.set_threshold(_CONTAINERS)
