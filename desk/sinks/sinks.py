"""Ticket systems behind the outbox: what is planned for them, and what is fetched from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from alerts.notify.facts import TICKET
from alerts.notify.message import Messages
from alerts.outbox.delivery import Delivery, Letter, enqueue
from alerts.outbox.relay import Heard
from desk.sinks.glpi import Glpi
from desk.sinks.hooks import authenticate, foreign_id
from desk.sinks.jira import Jira
from desk.sinks.port import System
from desk.sinks.servicenow import ServiceNow
from desk.sinks.settings import (
    AnySettings,
    GlpiSettings,
    JiraSettings,
    TicketSystems,
    ZammadSettings,
)
from desk.sinks.sync import Sync
from desk.sinks.telling import Telling
from desk.sinks.zammad import Zammad
from domain.clock import Clock
from domain.errors import NotAllowedError, NotDeliveredError
from storage.database import Conn, Database
from storage.queries import load

log = structlog.get_logger()

CHANNEL = "sink:"
"""What the channels of ticket systems begin with."""

_OVERLAP = timedelta(minutes=2)
"""So far back a poll looks beyond the last one: their clocks and searches run behind."""


def system_of(settings: AnySettings) -> System:
    """The adapter for a system's settings. Raises NotDeliveredError when a secret is missing."""
    if isinstance(settings, ZammadSettings):
        return Zammad.of(settings)
    if isinstance(settings, GlpiSettings):
        return Glpi.of(settings)
    return Jira.of(settings) if isinstance(settings, JiraSettings) else ServiceNow.of(settings)


@dataclass(slots=True)
class Sinks:
    """All ticket systems that are set. Plans as a `Planner`; `carrier` takes the letters."""

    database: Database
    clock: Clock
    wall: Clock
    systems: Callable[[], TicketSystems]
    messages: Messages
    _known: dict[str, tuple[AnySettings, System]] = field(default_factory=dict)

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        """A letter for each ticket that changed and each system: it tells how things stand."""
        last = {
            each.announcement.subject: each.id
            for each in heard
            if each.announcement.subject.startswith(f"{TICKET}/")
        }
        return [
            _letter(name, subject, f"sink/{name}/{number}")
            for subject, number in last.items()
            for name in self.systems().systems
        ]

    def carrier(self, channel: str) -> SinkChannel:
        """What takes a system's letters. Raises NotDeliveredError."""
        return SinkChannel(self._sync(channel.removeprefix(CHANNEL)))

    def poll(self) -> None:
        """Looks for changes over there, in each system whose time has come."""
        for name, settings in self.systems().systems.items():
            try:
                self._poll(name, settings)
            except NotDeliveredError as error:
                log.warning("a ticket system is away", name=name, error=str(error))

    def called(self, name: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A system says that a ticket has changed over there: it is looked at soon.

        Says whether it is a ticket of ours. `headers` by names in small letters. Raises
        NotAllowedError, BadInputError, StoreUnavailableError.
        """
        settings = self.systems().systems.get(name)
        if settings is None:
            raise NotAllowedError(f"there is no ticket system {name!r}")
        now = self.wall.now()
        authenticate(settings, headers, body, now.timestamp())
        wanted = foreign_id(settings, body)
        with self.database.transaction() as conn:
            tickets = self._tickets(conn, name, [wanted])
            letters = [  # several calls within a second are one
                _letter(name, f"{TICKET}/{each}", f"hook/{name}/{each}/{now:%Y%m%dT%H%M%S}")
                for each in tickets
            ]
            enqueue(conn, letters, self.clock.now(), now)
        return bool(tickets)

    def _poll(self, name: str, settings: AnySettings) -> None:
        now, every = self.wall.now(), timedelta(seconds=settings.poll_s)
        turn = {"name": CHANNEL + name, "wall": now, "next_at": now + every}
        with self.database.transaction() as conn:
            taken = conn.execute(load("notify")["take_feed_turn"], turn).fetchone()
        if taken is None:
            return
        since = (taken["done_at"] or now) - _OVERLAP
        found = self._system(name, settings).changed_since(since)
        with self.database.transaction() as conn:
            tickets = self._tickets(conn, name, found)
            letters = [
                _letter(name, f"{TICKET}/{each}", f"poll/{name}/{each}/{now.isoformat()}")
                for each in tickets
            ]
            enqueue(conn, letters, self.clock.now(), now)
            conn.execute(load("notify")["feed_done"], turn)

    def _tickets(self, conn: Conn, name: str, foreign_ids: Iterable[str]) -> list[int]:
        parameters = {"system": name, "foreign_ids": list(foreign_ids)}
        rows = conn.execute(load("sinks")["tickets_of"], parameters).fetchall()
        return [row["ticket_id"] for row in rows]

    def _sync(self, name: str) -> Sync:
        settings = self.systems().systems.get(name)
        if settings is None:
            raise NotDeliveredError(f"there is no ticket system {name!r} any more", permanent=True)
        telling = Telling(name, settings, self.messages)
        system = self._system(name, settings)
        return Sync(self.database, self.clock, self.wall, telling, system)

    def _system(self, name: str, settings: AnySettings) -> System:
        """One adapter as long as its settings stay: it remembers how long to leave them alone."""
        known = self._known.get(name)
        if known is None or known[0] != settings:
            known = self._known[name] = (settings, system_of(settings))
        return known[1]


@dataclass(frozen=True, slots=True)
class SinkChannel:
    """Carries the news of tickets to one system."""

    sync: Sync

    def send(self, letter: Letter) -> None:
        self.sync.run(int(letter.subject.removeprefix(f"{TICKET}/")))


def _letter(name: str, subject: str, key: str) -> Delivery:
    return Delivery(key=key, channel=CHANNEL + name, subject=subject, content={})
