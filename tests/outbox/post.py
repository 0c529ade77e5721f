"""Carriers for the tests of the outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alerts.outbox.delivery import Carrier, Delivery, Letter, enqueue
from alerts.outbox.sending import Sender
from domain.clock import Clock, ManualClock
from domain.errors import NotDeliveredError
from storage.database import Database


@dataclass
class Box:
    """Takes letters. `refuse` says what goes wrong with one, if anything does."""

    refuse: Callable[[Letter], Exception | None] = lambda _: None
    arrived: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        error = self.refuse(letter)
        if error is not None:
            raise error
        self.arrived.append(letter)

    @property
    def keys(self) -> list[str]:
        return [letter.key for letter in self.arrived]

    def carrier(self, channel: str) -> Carrier:
        if channel == "unknown":
            raise NotDeliveredError("there is no channel 'unknown'", permanent=True)
        return self


def put(database: Database, clock: Clock, *deliveries: Delivery) -> None:
    with database.transaction() as conn:
        enqueue(conn, deliveries, clock.now(), clock.now())


def letter(key: str, subject: str = "alert/1", channel: str = "mail", person: str = "") -> Delivery:
    return Delivery(key, channel, subject, {"text": key}, person)


def sender(database: Database, clock: ManualClock, box: Box) -> Sender:
    """A sender whose wall's clock is the fleet's, so that tests move both."""
    return Sender(database, clock, box.carrier, wall=clock)
