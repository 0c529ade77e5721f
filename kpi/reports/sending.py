"""Reports to people: a letter in the outbox for each, the files attached where the service takes any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.notify.policy import LANGUAGES, TEAM, Person, Policy
from alerts.outbox.delivery import Delivery, Letter
from domain.text import N_, Text
from kpi.reports.archive import read_entry, read_file
from kpi.reports.document import Document
from kpi.reports.making import Made
from kpi.reports.reader import Reader, Readers
from kpi.reports.render import MEDIA
from kpi.reports.render.layout import head
from kpi.reports.render.words import without_directions
from kpi.reports.schedule import Turn
from storage.database import Database

CHANNEL = "report:"
"""What the channels that carry reports begin with; the policy's own name of the channel follows."""

_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class ReportChannel:
    """Carries reports through a channel of the policy."""

    database: Database
    policy: Policy
    name: str

    def send(self, letter: Letter) -> None:
        from alerts.notify.channels.apprise_channel import (  # slow to load
            AppriseChannel,
            Attachment,
        )

        with self.database.transaction() as conn:
            entries = [read_entry(conn, number) for number in letter.content["reports"]]
            files = [read_file(conn, entry) for entry in entries]
        attached = [
            Attachment(entry.file_name, MEDIA[entry.format], file)
            for entry, file in zip(entries, files, strict=True)
        ]
        AppriseChannel(self.policy, self.name).send(letter, attached)


def letters(
    turn: Turn, document: Document, made: Sequence[Made], policy: Policy, readers: Readers, url: str
) -> Iterator[Delivery]:
    """A letter for each person that the plan names. `url`: the console's address; empty: no links."""
    for key in _people(turn.plan.to, policy):
        person = policy.people.get(key)
        channel = _channel(turn, person)
        if person is None or channel is None:
            continue
        language = person.language
        if language not in turn.plan.languages:
            language = turn.plan.languages[0]
        files = [each for each in made if each.entry.language == language]
        reader = readers(LANGUAGES[language], turn.plan.time_zone)
        yield Delivery(
            key=f"report/{turn.plan.name}/{turn.period.name}/{turn.customer}/{key}",
            channel=CHANNEL + channel,
            subject=f"report/{made[0].entry.id}",
            person=key,
            content={
                "title": without_directions(reader.say(document.title)),
                "body": _body(document, files, reader, url),
                "reports": [each.entry.id for each in files],
            },
        )


def missing(turn_to: Sequence[str], policy: Policy) -> list[str]:
    """Whom a plan names and the policy does not know."""
    known = {*policy.people, *(TEAM + name for name in policy.teams)}
    return [who for who in turn_to if who not in known]


def _people(to: Sequence[str], policy: Policy) -> list[str]:
    found: dict[str, None] = {}
    for who in to:
        team = policy.teams.get(who.removeprefix(TEAM)) if who.startswith(TEAM) else None
        found |= dict.fromkeys(team.members if team else [who])
    return list(found)


def _channel(turn: Turn, person: Person | None) -> str | None:
    addresses = person.addresses if person else {}
    return next((channel for channel in turn.plan.by if channel in addresses), None)


def _body(document: Document, files: Sequence[Made], reader: Reader, url: str) -> str:
    lines = [*head(document, reader), *list(document.summary)[:_MOST_LINES]]
    told = [without_directions(reader.say(line)) for line in lines]
    for each in files:
        proof = {"name": each.entry.file_name, "hash": each.entry.file_sha256}
        told.append(without_directions(reader.say(Text(N_("{name}, SHA-256 {hash}"), proof))))
        if url:
            told.append(f"{url.rstrip('/')}/reports/{each.entry.id}/file")
    return "\n".join(told)
