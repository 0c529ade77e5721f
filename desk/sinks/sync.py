"""Holds one of our tickets and theirs together. docs/ticket-systems.md tells the rules to people.

What counts, field by field:

- which ticket: by our key, whatever either is called; one of ours is one of theirs.
- title, severity: ours. They are written anew with everything that we have to say.
- notes: both sides', each once, never changed. Ours carry a mark, and none comes back as theirs.
- stage: of the side on which it changed since both were last held together. When it changed on
  both, ours counts, since it rests on what was observed, and theirs is noted. Theirs is taken by
  the moves that a person could make here; what can't be taken is noted. What was closed there while
  the fault is still seen here is repaired here, and closed when nothing is seen of it any more.
- assignee: each side's own.
- deleted there: made anew while ours is open, left alone afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from desk import actions, ledger
from desk.case import Kind, Ticket
from desk.lifecycle import MOVES, TicketState
from desk.sinks.port import (
    STAGE_TEXT,
    Case,
    OurNote,
    Remote,
    Stage,
    System,
    TheirNote,
    stage_of,
)
from desk.sinks.telling import Telling
from domain.clock import Clock
from domain.errors import NotAllowedError, NotDeliveredError
from domain.text import N_, Text
from storage.database import Conn, Database
from storage.queries import load

_CHANGED_HERE = N_("Over there the ticket is {stage}; it has changed here as well, and that counts")
_NOT_NOW = N_("Over there the ticket is {stage}; that can't be taken here now")
_SEARCH_CATCHES_UP_S = 30.0
_MOST_MOVES = 6
_LONGEST_NOTE = 4000


@dataclass(frozen=True, slots=True)
class Bond:
    """One row of `ticket_sync`: how both stood when they were last held together."""

    ticket_id: int
    system: str
    foreign_id: str
    version: int
    our_stage: Stage
    their_stage: Stage
    notes_seen: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sync:
    """Holds tickets of ours and of one system together.

    Raises NotDeliveredError and StoreUnavailableError; whatever was done until then is found done
    by the next run, so nothing is done twice.
    """

    database: Database
    clock: Clock
    wall: Clock
    telling: Telling
    system: System

    def run(self, ticket_id: int) -> None:
        """Takes what is new over there, then tells what is new here."""
        ticket = self._ticket(ticket_id)
        if ticket is None or ticket.severity.rank < self.telling.settings.severity.rank:
            return
        bond = self._bond(ticket_id) or self._bound(ticket)
        remote = self.system.read(bond.foreign_id)
        if remote is None:
            self._lost(ticket, bond)
            return
        bond = self._take(ticket, bond, remote)
        self._tell(ticket_id, bond, remote)

    def _bound(self, ticket: Ticket) -> Bond:
        """Finds their ticket by our key, or makes it, and keeps its id at once."""
        with self.database.transaction() as conn:
            case = self.telling.case(conn, ticket)
        foreign_id = self.system.find(case.key) or self._create(case)
        # As if both were new: where ours stands by now, and what happened to it, is told next.
        bond = Bond(ticket.id, self.telling.name, foreign_id, 1, Stage.NEW, Stage.NEW, [])
        self._write(bond)
        return bond

    def _create(self, case: Case) -> str:
        try:
            return self.system.create(case)
        except NotDeliveredError as error:
            if error.permanent:
                raise
            # Perhaps it is there and only the answer was lost: their search must know it by then.
            wait_s = max(error.retry_after_s or 0.0, _SEARCH_CATCHES_UP_S)
            raise NotDeliveredError(str(error), retry_after_s=wait_s, busy=error.busy) from error

    def _lost(self, ticket: Ticket, bond: Bond) -> None:
        if ticket.state.ended:
            return
        self._say(ticket.id, Text(N_("The ticket was deleted there: it is made anew")))
        foreign_id = self.system.find(f"{self.telling.settings.prefix}-{ticket.id}")
        if foreign_id is None:
            with self.database.transaction() as conn:
                foreign_id = self._create(self.telling.case(conn, ticket))
        self._write(
            replace(bond, foreign_id=foreign_id, our_stage=Stage.NEW, their_stage=Stage.NEW)
        )

    def _take(self, ticket: Ticket, bond: Bond, remote: Remote) -> Bond:
        """Takes their notes and their stage; returns the bond with what is thereby known."""
        key = f"{self.telling.settings.prefix}-{ticket.id}"
        new = [
            note
            for note in remote.notes
            if note.id not in bond.notes_seen and note.ours(key) is None and note.text.strip()
        ]
        for note in new:
            bond = replace(bond, notes_seen=[*bond.notes_seen, note.id])
            self._write_down(ticket.id, {"note": _quoted(note)}, bond)
        if remote.stage is not bond.their_stage:
            bond = replace(bond, their_stage=remote.stage)
            self._take_stage(ticket, bond)
            self._write(bond)
        return bond

    def _take_stage(self, ticket: Ticket, bond: Bond) -> None:
        stage = bond.their_stage
        if self.system.as_read(stage_of(ticket.state)) is stage:
            return
        if stage_of(ticket.state) is not bond.our_stage:
            self._say(ticket.id, _there(_CHANGED_HERE, stage), bond)
            return
        reached = self._move_to(ticket, stage)
        if self.system.as_read(stage_of(reached.state)) is not stage:
            self._say(ticket.id, _there(_NOT_NOW, stage), bond)

    def _move_to(self, ticket: Ticket, stage: Stage) -> Ticket:
        """Makes the moves that lead to `stage`, as far as a person could."""
        for _ in range(_MOST_MOVES):
            name = next_move(ticket, stage)
            if name is None:
                break
            try:
                ticket = actions.move(
                    self.database, self.clock, ticket.id, name, actor=self.telling.actor
                )
            except NotAllowedError:  # it changed in this very moment: the next run sees how
                break
        return ticket

    def _tell(self, ticket_id: int, bond: Bond, remote: Remote) -> None:
        with self.database.transaction() as conn:
            ticket = _read(conn, ticket_id)
            assert ticket is not None
            case = self.telling.case(conn, ticket)
            notes = self.telling.notes(conn, ticket_id, bond.version)
        there = {note.ours(case.key) for note in remote.notes}
        missing: list[OurNote] = [note for note in notes if note.version not in there]
        ours = self.system.as_read(case.stage)
        moved = case.stage is not bond.our_stage and ours is not remote.stage
        if ticket.version > bond.version and (missing or moved):
            shown = case if moved else replace(case, stage=remote.stage)
            self.system.update(bond.foreign_id, shown, missing, remote.stage)
        self._write(
            replace(
                bond,
                version=ticket.version,
                our_stage=case.stage,
                their_stage=ours if moved else remote.stage,
            )
        )

    def _say(self, ticket_id: int, said: Text, bond: Bond | None = None) -> None:
        self._write_down(ticket_id, {"message": said.to_json()}, bond)

    def _write_down(
        self, ticket_id: int, data: Mapping[str, Any], bond: Bond | None = None
    ) -> None:
        """Writes into our ticket's history, and the bond with it: both or neither."""
        actor = self.telling.actor
        with self.database.transaction() as conn:
            ticket = ledger.lock(conn, ticket_id)
            ledger.append(conn, ticket, Kind.NOTE, self.clock.now(), actor, data)
            actions.audit(conn, actor, "note", f"ticket/{ticket_id}", {})
            if bond is not None:
                _write(conn, bond, self.wall)

    def _ticket(self, ticket_id: int) -> Ticket | None:
        with self.database.transaction() as conn:
            return _read(conn, ticket_id)

    def _bond(self, ticket_id: int) -> Bond | None:
        key = {"ticket_id": ticket_id, "system": self.telling.name}
        with self.database.transaction() as conn:
            row = conn.execute(load("sinks")["read"], key).fetchone()
        if row is None:
            return None
        stages = {name: Stage(row[name]) for name in ("our_stage", "their_stage")}
        return Bond(**(row | stages))

    def _write(self, bond: Bond) -> None:
        with self.database.transaction() as conn:
            _write(conn, bond, self.wall)


def next_move(ticket: Ticket, stage: Stage) -> str | None:
    """The next of the moves that lead a ticket of ours to `stage`; None: it is there, or none does."""
    state, now = ticket.state, stage_of(ticket.state)
    if now is stage or state.ended:
        return None
    if stage in (Stage.RESOLVED, Stage.CLOSED):
        return _towards_the_end(ticket, stage)
    if stage is Stage.AT_WORK and state is TicketState.NEW:
        return "plan"
    if stage is Stage.AT_WORK and now is Stage.WAITING:
        return "resume"
    if stage is Stage.WAITING and state in MOVES["wait_for_customer"].sources:
        return "wait_for_customer"
    return None


def _towards_the_end(ticket: Ticket, stage: Stage) -> str | None:
    still_seen = ticket.alert_id is not None and ticket.returned_at is None
    for name in ("plan", "resume", "repair", "verify", "close"):
        if ticket.state in MOVES[name].sources:
            ending = name in ("verify", "close")
            return None if ending and (stage is not Stage.CLOSED or still_seen) else name
    return None


def _quoted(note: TheirNote) -> str:
    text = note.text.strip()[:_LONGEST_NOTE]
    return f"{note.author}: {text}" if note.author else text


def _read(conn: Conn, ticket_id: int) -> Ticket | None:
    row = conn.execute(load("sinks")["ticket"], {"ticket_id": ticket_id}).fetchone()
    return ledger.ticket_of(row) if row else None


def _write(conn: Conn, bond: Bond, wall: Clock) -> None:
    row = asdict(bond) | {"notes_seen": list(bond.notes_seen), "synced_at": wall.now()}
    conn.execute(load("sinks")["write"], row)


def _there(template: str, stage: Stage) -> Text:
    return Text(template, {"stage": Text(STAGE_TEXT[stage])})
