"""The seam between the session on the broker and what messages on it mean: one dialect a topic space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.report import DeviceReport


@dataclass(frozen=True, slots=True)
class Command:
    """A message that a dialect wants published, such as a request for a rebirth; QoS 0."""

    topic: str
    body: bytes


class Dialect(Protocol):
    """One way of speaking over MQTT. Its methods are called from one thread."""

    @property
    def topic_filters(self) -> Sequence[str]:
        """What to subscribe to. No two dialects' filters may match the same topic."""
        ...

    def speaks(self, topic: str) -> bool:
        """Whether messages to `topic` are in this dialect."""
        ...

    def decode(self, topic: str, body: bytes, received_at: datetime) -> Sequence[DeviceReport]:
        """The reports that one message makes: mostly one; none where it only informs the dialect.

        Raises UndecodableMessageError, whose message names the field, its value and what is allowed.
        """
        ...

    def commands(self) -> Sequence[Command]:
        """What is to be published since this was last asked; each is handed out once."""
        ...
