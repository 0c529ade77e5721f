"""Messages for people: what is told of a case, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from alerts.notify.facts import Facts
from alerts.notify.policy import LANGUAGES, Person
from domain.report import Severity
from domain.text import N_, Text, Value

_LONGEST_TITLE, _LONGEST_BODY = 250, 3000


class Reader(Protocol):
    """One reader's language and time zone."""

    def say(self, text: Text) -> str:
        """The sentence in the reader's language."""
        ...

    def moment(self, at: datetime) -> str:
        """The moment in the reader's calendar and time zone."""
        ...


Readers = Callable[[str, str], Reader]
"""The reader for a catalogue's code and the name of a time zone."""


class Tells(StrEnum):
    """What a message is about."""

    FAULT = "fault"
    RECOVERY = "recovery"
    ASSIGNMENT = "assignment"
    SLA_WARNING = "sla_warning"
    SLA_BREACH = "sla_breach"


_TITLES = {
    Tells.FAULT: N_("{severity}: {place} – {headline}"),
    Tells.RECOVERY: N_("Over: {place} – {headline}"),
    Tells.ASSIGNMENT: N_("Yours now: {place} – {headline}"),
    Tells.SLA_WARNING: N_("A promise is about to be broken: {place} – {headline}"),
    Tells.SLA_BREACH: N_("A promise was broken: {place} – {headline}"),
}
_SEVERITIES = {
    Severity.INFO: N_("information"),
    Severity.WARNING: N_("warning"),
    Severity.ERROR: N_("error"),
    Severity.CRITICAL: N_("critical"),
}


@dataclass(frozen=True, slots=True)
class Messages:
    """Writes messages.

    Args:
        public_url: the console's address for people; empty: messages have no link.
    """

    readers: Readers
    public_url: str = ""

    def write(
        self, tells: Tells, facts: Facts, person: Person, more: Text | None
    ) -> dict[str, Any]:
        """Title and body, as a channel's letters hold them. `more`: one more line."""
        reader = self.readers(LANGUAGES[person.language], person.time_zone)
        return {
            "tells": tells,
            "title": _cut(reader.say(_title(tells, facts)), _LONGEST_TITLE),
            "body": self.describe(facts, reader, more),
        }

    def describe(self, facts: Facts, reader: Reader, more: Text | None = None) -> str:
        """The case in some lines, as `reader` reads."""
        lines = [reader.say(text) for text in self._lines(facts, more, reader)]
        lines += filter(None, [self.link(facts)])  # bare: programs make it one to be clicked
        return _cut("\n".join(lines), _LONGEST_BODY)

    def link(self, facts: Facts) -> str:
        """Where the case is in the console; empty where there is no address."""
        if not self.public_url:
            return ""
        if facts.ticket_id is not None:
            return f"{self.public_url.rstrip('/')}/tickets/{facts.ticket_id}"
        return f"{self.public_url.rstrip('/')}/alerts/{facts.subject.partition('/')[2]}"

    def _lines(self, facts: Facts, more: Text | None, reader: Reader) -> list[Text]:
        lines = [facts.headline]
        if more is not None:
            lines.append(more)
        if facts.device:
            lines.append(Text(N_("Device: {device}"), {"device": facts.device}))
        if facts.site_name:
            where = {"site": facts.site_name, "customer": facts.customer_name}
            lines.append(Text(N_("Site: {site} ({customer})"), where))
        lines.append(Text(N_("Since: {moment}"), {"moment": reader.moment(facts.at)}))
        lines += [Text(N_("Why: {reason}"), {"reason": reason}) for reason in facts.reasons[:3]]
        if facts.first_steps:
            lines.append(Text(N_("What to do first: {steps}"), {"steps": Text(facts.first_steps)}))
        if facts.ticket_id is not None:
            lines.append(Text(N_("Ticket: {number}"), {"number": f"#{facts.ticket_id}"}))
        return lines

    def test(self, person: Person) -> dict[str, Any]:
        """A message that says only that messages arrive."""
        reader = self.readers(LANGUAGES[person.language], person.time_zone)
        return {
            "title": reader.say(Text(N_("Forecall: this is a test"))),
            "body": reader.say(Text(N_("Messages for {name} arrive here."), {"name": person.name})),
        }


def _title(tells: Tells, facts: Facts) -> Text:
    place = " · ".join(filter(None, (facts.device, facts.site_name))) or facts.customer_name
    values: dict[str, Value] = {
        "severity": Text(_SEVERITIES[facts.severity]),
        "place": place or f"#{facts.subject}",
        "headline": facts.headline,
    }
    return Text(_TITLES[tells], values)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
