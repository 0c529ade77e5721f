"""What every ticket system can do for us, in our words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from desk.lifecycle import TicketState
from domain.report import Severity
from domain.text import N_


class Stage(StrEnum):
    """How far a ticket has come, as far as all systems can tell."""

    NEW = "new"
    AT_WORK = "at_work"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


STAGE_TEXT: dict[Stage, str] = {
    Stage.NEW: N_("new"),
    Stage.AT_WORK: N_("being worked on"),
    Stage.WAITING: N_("waiting"),
    Stage.RESOLVED: N_("resolved"),
    Stage.CLOSED: N_("closed"),
}

_STAGES = {
    TicketState.NEW: Stage.NEW,
    TicketState.WAITING_CUSTOMER: Stage.WAITING,
    TicketState.WAITING_PART: Stage.WAITING,
    TicketState.REPAIRED: Stage.RESOLVED,
    TicketState.VERIFIED: Stage.RESOLVED,
    TicketState.CLOSED: Stage.CLOSED,
    TicketState.CANCELLED: Stage.CLOSED,
}


def stage_of(state: TicketState) -> Stage:
    """Every state that is not listed is one of work."""
    return _STAGES.get(state, Stage.AT_WORK)


@dataclass(frozen=True, slots=True)
class OurNote:
    """An event of our ticket in words. `version`: of the ticket that it made."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """Our ticket as other systems are told of it.

    Attributes:
        key: ours for it; no other ticket has it, whatever it is called.
    """

    key: str
    title: str
    body: str
    severity: Severity
    stage: Stage

    @property
    def keyed_title(self) -> str:
        """For systems without a field of their own for keys of others."""
        return f"{self.title} [{self.key}]"

    def signed(self, note: OurNote) -> str:
        """The note with our mark, by which we know it again."""
        return f"{note.text}\n[{self.key} v{note.version}]"


_MARK = re.compile(r"\[(?P<key>[A-Za-z0-9-]+) v(?P<version>\d+)\]\s*$")


@dataclass(frozen=True, slots=True)
class TheirNote:
    """A comment over there, as plain text."""

    id: str
    author: str
    text: str

    def ours(self, key: str) -> int | None:
        """The version of our event that this is our own note of; None: somebody else wrote it."""
        match = _MARK.search(self.text)
        return int(match["version"]) if match and match["key"] == key else None


@dataclass(frozen=True, slots=True)
class Remote:
    """The ticket over there, as far as we take anything from it."""

    stage: Stage
    notes: Sequence[TheirNote]


class System(Protocol):
    """A ticket system. Every method raises NotDeliveredError."""

    def find(self, key: str) -> str | None:
        """Their id of the ticket with our key. Never by subject: only the whole key counts."""
        ...

    def create(self, case: Case) -> str:
        """Makes a ticket that `find` finds, and returns its id."""
        ...

    def read(self, foreign_id: str) -> Remote | None:
        """The ticket as it is; None: it is no more."""
        ...

    def update(self, foreign_id: str, case: Case, notes: Sequence[OurNote], stage: Stage) -> None:
        """Writes title and severity, adds notes, and brings it to `stage` where that differs."""
        ...

    def as_read(self, stage: Stage) -> Stage:
        """What `read` says of a ticket that was brought to `stage`: some know fewer of them."""
        ...

    def changed_since(self, moment: datetime) -> list[str]:
        """Ids of tickets with our keys that were changed since then; a few more do no harm."""
        ...
