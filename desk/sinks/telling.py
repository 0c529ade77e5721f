"""Our tickets in words for other systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from alerts.notify.facts import TICKET, read_facts
from alerts.notify.message import Messages, Reader
from desk import ledger
from desk.case import Kind, Ticket, TicketEvent
from desk.lifecycle import STATE_TEXT, TicketState
from desk.sinks.port import Case, OurNote, stage_of
from desk.sinks.settings import SystemSettings
from domain.text import N_, Text
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Telling:
    """Writes tickets in the language of one system. `name`: of the system, in our settings."""

    name: str
    settings: SystemSettings
    messages: Messages

    @property
    def actor(self) -> str:
        """Who has done what was done over there."""
        return f"sink:{self.name}"

    def case(self, conn: Conn, ticket: Ticket) -> Case:
        """The ticket as it stands now."""
        subject = f"{TICKET}/{ticket.id}"
        facts = read_facts(conn, [subject])[subject]
        place = facts.device or facts.site_name
        title = self._reader.say(ticket.title)
        return Case(
            key=f"{self.settings.prefix}-{ticket.id}",
            title=f"{place}: {title}" if place else title,
            body=self.messages.describe(facts, self._reader),
            severity=ticket.severity,
            stage=stage_of(ticket.state),
        )

    def notes(self, conn: Conn, ticket_id: int, after: int) -> list[OurNote]:
        """What happened after version `after`, but for what came from over there."""
        return list(self._notes(ledger.events(conn, ticket_id), after))

    def _notes(self, events: Iterable[TicketEvent], after: int) -> Iterable[OurNote]:
        for event in events:
            if (
                event.version > after
                and event.kind is not Kind.OPENED
                and event.actor != self.actor
            ):
                said = _SENTENCES.get(event.kind, _noted)(event)
                if said is not None:
                    when = self._reader.moment(event.at)
                    yield OurNote(event.version, f"{when} – {self._reader.say(said)}")

    @property
    def _reader(self) -> Reader:
        return self.messages.readers(self.settings.catalogue, self.settings.time_zone)


def _moved(event: TicketEvent) -> Text:
    state = STATE_TEXT[TicketState(event.to_state)]
    words = str(event.data.get("note", ""))
    template = N_("{who}: {state}. {words}") if words else N_("{who}: {state}.")
    return Text(template, {"who": event.actor, "state": Text(state), "words": words})


def _signed(event: TicketEvent) -> Text | None:
    message = event.data.get("message")
    return Text.from_json(message) if isinstance(message, Mapping) else None


def _returned(_: TicketEvent) -> Text:
    return Text(N_("Nothing is seen of the fault any more."))


def _noted(event: TicketEvent) -> Text | None:
    words = _signed(event) or event.data.get("note")
    return Text(N_("{who}: {words}"), {"who": event.actor, "words": words}) if words else None


_SENTENCES: Mapping[Kind, Callable[[TicketEvent], Text | None]] = {
    Kind.MOVED: _moved,
    Kind.SIGN: _signed,
    Kind.FAILED: _signed,
    Kind.RETURNED: _returned,
}
"""What other kinds of events say is in their note, if they have one."""
