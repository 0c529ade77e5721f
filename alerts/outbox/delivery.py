"""Deliveries: one message to one receiver, kept until it is sent or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to be sent.

    Attributes:
        key: makes it one: the same key twice is one delivery, and receivers get it to know a
            repetition by.
        channel: which carrier takes it.
        person: whom it is for, as the policy names them; empty: the channel itself.
        content: JSON values, without secrets; its shape is the carrier's.
        not_before: held back until then, by the fleet's clock.
    """

    key: str
    channel: str
    subject: str
    content: Mapping[str, Any]
    person: str = ""
    notice_id: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery that this worker has claimed. `attempts` counts this one too.

    `tried_since`: when it was first tried, by the wall's clock.
    """

    id: int
    key: str
    channel: str
    subject: str
    person: str
    content: Mapping[str, Any]
    made_at: datetime
    attempts: int
    tried_since: datetime


class Carrier(Protocol):
    """What takes letters to where they belong."""

    def send(self, letter: Letter) -> None:
        """Sends it, and returns when the receiver has it.

        Raises NotDeliveredError. The same letter may come again: after a worker was killed, or an
        answer was lost.
        """
        ...


def enqueue(conn: Conn, deliveries: Sequence[Delivery], now: datetime, wall: datetime) -> None:
    """Puts deliveries in line, those whose key is new."""
    if not deliveries:
        return
    conn.execute(
        load("outbox")["enqueue"],
        {
            "keys": [each.key for each in deliveries],
            "channels": [each.channel for each in deliveries],
            "subjects": [each.subject for each in deliveries],
            "persons": [each.person for each in deliveries],
            "notices": [each.notice_id for each in deliveries],
            "contents": [Jsonb(dict(each.content)) for each in deliveries],
            "not_before": [each.not_before for each in deliveries],
            "made_at": now,
            "wall": wall,
        },
    )
