"""What is known of one Sparkplug edge node: its births, and where its sequence numbers stand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from collectors.mqtt.sparkplug_metrics import Bindings
from domain.errors import UndecodableMessageError
from domain.report import Identity

_REMEMBERED = 64
"""How many of a session's last messages are known again when they come twice."""

_PLAUSIBLE_S = 300
_SEQ_VALUES = 256


class OutOfStepError(UndecodableMessageError):
    """A message of a node whose births we do not have, or no longer trust."""


class LateBirthError(UndecodableMessageError):
    """A birth that a later one has overtaken: it says nothing of the present."""


@dataclass(slots=True)
class Born:
    """A node or a device that was born in this session."""

    bindings: Bindings
    interval_s: float
    heard_at: datetime


@dataclass(slots=True)
class Session:
    """From one birth of a node to the next.

    Attributes:
        boot: names the session in the store: bdSeq and the birth's own time.
        born_ms: the birth's time, by the node's clock.
        born_at: when it came.
        count: messages so far, the birth's included: sequence numbers without their wrap at 256.
        next_seq: what the next message must carry.
        in_step: False after a gap: an alias may have got a new meaning in a birth that was lost.
    """

    boot: str
    bd_seq: int
    born_ms: int
    born_at: datetime
    next_seq: int
    node: Born
    count: int = 1
    in_step: bool = True
    alive: bool = True
    devices: dict[str, Born] = field(default_factory=dict)
    _counts: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    def identity(self, count: int) -> Identity:
        return Identity(self.boot, count)

    def take(self, seq: int | None, at_ms: int | None, digest: bytes) -> tuple[int, bool]:
        """(the message's number in this session, whether it came before).

        Raises OutOfStepError for a message that does not follow on the one before it.
        """
        if not self.alive:
            raise OutOfStepError("the node is dead; its birth is awaited")
        if at_ms is None or seq is None:
            raise UndecodableMessageError(
                "timestamp, seq: missing; every data message carries both"
            )
        if at_ms < self.born_ms:
            raise OutOfStepError(
                f"timestamp: {at_ms} ms; it is older than the birth's {self.born_ms}"
            )
        known = self._counts.get(digest)
        if known is not None:
            return known, True
        if not self.in_step:
            raise OutOfStepError(f"seq: {seq}; messages were lost before; a new birth is awaited")
        if seq != self.next_seq:
            self.in_step = False
            raise OutOfStepError(f"seq: {seq}; expected {self.next_seq}: messages were lost")
        self.next_seq = (seq + 1) % _SEQ_VALUES
        self.count += 1
        self._counts[digest] = self.count
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return self.count, False

    def overtakes(self, born_ms: int, received_at: datetime) -> bool:
        """Whether a birth of `born_ms` is older than this session and came late.

        A node's clock may be set back between two births. So its word counts only where it can be
        believed: for both births.
        """
        ahead = self.born_ms / 1000 - self.born_at.timestamp()
        off = abs(received_at.timestamp() - born_ms / 1000)
        return born_ms < self.born_ms and max(ahead, off) <= _PLAUSIBLE_S


@dataclass(slots=True)
class Node:
    """One edge node.

    Attributes:
        ask_at: it is not asked for a rebirth before; `asks`: how often it was, without an answer.
        births: digests of its last births, so that one that comes twice is known.
    """

    session: Session | None = None
    ask_at: datetime | None = None
    asks: int = 0
    births: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def knows_birth(self, digest: bytes) -> bool:
        """Whether this birth came before; it is remembered from now on."""
        known = digest in self.births
        self.births[digest] = None
        if len(self.births) > _REMEMBERED:
            self.births.popitem(last=False)
        return known
