"""Every ticket system holds our tickets by key, both ways, whatever is lost or said twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.outbox.letters import channel_loads
from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from desk import actions, ledger
from desk.case import Ticket
from desk.ledger import Opening
from desk.lifecycle import TicketState
from desk.sinks.port import Stage
from desk.sinks.settings import SystemSettings
from desk.sinks.telling import Telling
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text
from forecall.config import Settings
from forecall.post import Post, post
from forecall.wiring import Installation
from tests.alerts.conftest import World
from tests.receiving import Reply, serving
from tests.sinks.fakes import FAKES, Fake, FakeZammad

S = TicketState


@dataclass
class Both:
    """Our desk and theirs."""

    world: World
    theirs: Fake
    out: Post

    def begin(self) -> None:
        """Forgets what the test before it, with another system, has left."""
        with self.world.database.transaction() as conn:
            conn.execute("TRUNCATE announcement, delivery, feed_turn, ticket_sync")
            conn.execute("UPDATE ticket SET closed_at = opened_at, state = 'closed'")
            conn.execute("UPDATE alert SET closed_at = opened_at")

    def work(self, minutes: float = 0) -> None:
        """All that is due, until nothing is left to do at this moment."""
        self.world.clock.advance(timedelta(minutes=minutes))
        clock, database = self.world.clock, self.world.database
        sender = Sender(database, clock, self.out.carrier, wall=clock)
        while relay(database, clock, clock, self.out.planners) or sender.channels_due():
            for channel in sender.channels_due():
                sender.send_due(channel)

    def look(self) -> None:
        """Fetches what has changed over there."""
        with self.world.database.transaction() as conn:
            conn.execute("UPDATE feed_turn SET next_at = '2020-01-01Z'")
        self.out.sinks.poll()
        # Polls go by the wall's clock; here it stands at the fleet's.
        with self.world.database.transaction() as conn:
            conn.execute(
                "UPDATE delivery SET next_at = %s WHERE key LIKE 'poll/%%' AND state = 'waiting'",
                [self.world.clock.now()],
            )
        self.work()

    def case(self, device: int, words: str = "screen is dark") -> Ticket:
        """A case of ours that nobody has seen signs of: it was told by telephone."""
        with self.world.database.transaction() as conn:
            opening = Opening(
                fault=Fault(device, "device", FaultClass.BREAKDOWN),
                alert_id=None,
                origin="phone",
                severity=Severity.ERROR,
                title=Text("Reported by telephone: {words}", {"words": words}),
                assignee_id=None,
                repeat_of=None,
                predicted_at=None,
                failed_at=None,
                more={},
            )
            ticket = ledger.open_ticket(conn, opening, self.world.clock.now(), "ann")
        assert ticket is not None
        return ticket

    def move(self, ticket: Ticket, *names: str) -> None:
        for name in names:
            actions.move(self.world.database, self.world.clock, ticket.id, name, actor="ann")

    def state(self, ticket: Ticket) -> TicketState:
        return next(t for t in self.world.tickets(only_open=False) if t.id == ticket.id).state

    def notes(self, ticket: Ticket) -> list[str]:
        events = self.world.events(ticket.id)
        return [
            event.data.get("note") or str(Text.from_json(event.data["message"]))
            for event in events
            if event.actor == "sink:other" and event.data.keys() & {"note", "message"}
        ]

    def error(self) -> str:
        with self.world.database.transaction() as conn:
            return channel_loads(conn)[0].last_error


@pytest.fixture
def systems(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Both]]:
    """Our desk with each of the systems, by itself; all on one store."""
    monkeypatch.setenv("S", "secret")
    with ExitStack() as servers:
        yield [
            _both(world, tmp_path / name, kind(servers.enter_context(serving())))
            for name, kind in FAKES.items()
        ]


def _both(world: World, folder: Path, fake: Fake) -> Both:
    folder.mkdir()
    file = folder / "systems.toml"
    file.write_text(f"[systems.other]\n{fake.settings()}")
    settings = Settings(data_dir=folder, ticket_systems=file, public_url="https://forecall.example")
    return Both(world, fake, post(Installation(settings, world.database, world.clock)))


def each(test: Callable[[Both], None]) -> Callable[[list[Both]], None]:
    """The same with every system."""

    def with_each(systems: list[Both]) -> None:
        for both in systems:
            both.begin()
            test(both)

    with_each.__doc__ = test.__doc__
    return with_each


@each
def test_one_of_ours_is_one_of_theirs_and_follows_it(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    theirs = both.theirs.only
    assert "kiosk-1: Reported by telephone: screen is dark" in both.theirs.title(theirs)
    assert f"https://forecall.example/tickets/{ticket.id}" in str(theirs)
    assert both.theirs.stage(theirs) is Stage.NEW
    both.move(ticket, "plan")
    both.work()
    assert both.theirs.stage(theirs) is Stage.AT_WORK
    both.move(ticket, "wait_for_part")
    both.work()
    assert both.theirs.stage(theirs) is Stage.WAITING
    both.move(ticket, "resume", "repair", "verify", "close")
    both.work()
    assert both.theirs.stage(theirs) is Stage.CLOSED
    assert len(both.theirs.tickets) == 1


@each
def test_our_notes_arrive_once_and_do_not_come_back(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    actions.note(both.world.database, both.world.clock, ticket.id, "asked on site", actor="ann")
    both.work()
    both.look()
    both.look()
    words = both.theirs.words(both.theirs.only)
    assert sum("ann: asked on site" in text for text in words) == 1
    assert both.notes(ticket) == []


@each
def test_their_notes_come_once_and_do_not_go_back(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    both.theirs.comment(both.theirs.only, "customer says: it smells &amp; smokes")
    both.look()
    both.look()
    [note] = both.notes(ticket)
    assert note.endswith(("it smells & smokes", "it smells &amp; smokes"))
    assert sum("smokes" in text for text in both.theirs.words(both.theirs.only)) == 1


@each
def test_their_stage_is_taken_by_the_moves_of_a_person(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    both.theirs.put(both.theirs.only, Stage.WAITING)
    both.look()
    assert both.state(ticket) is S.WAITING_CUSTOMER
    both.theirs.put(both.theirs.only, Stage.CLOSED)
    both.look()
    assert both.state(ticket) is S.CLOSED
    assert both.theirs.stage(both.theirs.only) is Stage.CLOSED
    moves = [event.actor for event in both.world.events(ticket.id) if event.kind == "moved"]
    assert set(moves) == {"sink:other"}


@each
def test_when_both_have_changed_ours_counts_and_theirs_is_noted(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    both.move(ticket, "plan")
    both.theirs.put(both.theirs.only, Stage.CLOSED)
    both.work()
    assert both.state(ticket) is S.PLANNED
    assert both.theirs.stage(both.theirs.only) is Stage.AT_WORK
    assert both.notes(ticket) == [
        "Over there the ticket is closed; it has changed here as well, and that counts"
    ]


@each
def test_what_is_noted_of_one_system_is_told_to_another_in_its_own_language(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    both.move(ticket, "plan")
    both.theirs.put(both.theirs.only, Stage.CLOSED)
    both.work()
    settings = replace_language(both.out, "zh")
    telling = Telling("third", settings, both.out.sinks.messages)
    with both.world.database.transaction() as conn:
        told = [note.text for note in telling.notes(conn, ticket.id, 0)]
    assert any("对方系统中该工单为“已关闭”" in text for text in told), told


def replace_language(out: Post, language: str) -> SystemSettings:
    [settings] = out.sinks.systems().systems.values()
    return settings.model_copy(update={"language": language})


@each
def test_what_cant_be_taken_is_noted_and_starts_no_quarrel(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.move(ticket, "plan", "repair")
    both.work()
    both.theirs.put(both.theirs.only, Stage.WAITING)
    both.look()
    assert both.state(ticket) is S.REPAIRED
    [note] = both.notes(ticket)
    assert "can't be taken here" in note
    writes = len(both.theirs.writes)
    both.look()
    both.look()
    assert both.theirs.stage(both.theirs.only) is Stage.WAITING
    assert len(both.theirs.writes) == writes
    both.move(ticket, "verify", "close")
    both.work()
    assert both.theirs.stage(both.theirs.only) is Stage.CLOSED


@each
def test_a_lost_answer_makes_no_second_ticket(both: Both) -> None:
    """zabbix PR #103: an update, not another ticket, however often the first answer is lost."""
    both.theirs.lose_answers_to = {
        "FakeZammad": "POST /api/v1/tickets",
        "FakeGlpi": "POST /apirest.php/Ticket",
        "FakeJira": "POST /rest/api/2/issue",
        "FakeServiceNow": "POST /api/now/table/incident",
    }[type(both.theirs).__name__]
    ticket = both.case(both.world.kiosk)
    both.work()
    assert len(both.theirs.tickets) == 1
    assert "no answer" in both.error()
    both.theirs.lose_answers_to = ""
    both.move(ticket, "plan")
    both.work(1)
    assert len(both.theirs.tickets) == 1
    assert both.theirs.stage(both.theirs.only) is Stage.AT_WORK


@each
def test_tickets_are_never_merged_by_subject(both: Both) -> None:
    """zammad/zammad#1907: the same words twice are two cases."""
    first, second = both.case(both.world.kiosk), both.case(both.world.pos)
    both.work()
    assert len(both.theirs.tickets) == 2
    for ticket in (first, second):
        actions.note(both.world.database, both.world.clock, ticket.id, f"of {ticket.id}", actor="a")
    both.work()
    for theirs in both.theirs.tickets.values():
        assert sum("a: of " in text for text in both.theirs.words(theirs)) == 1


@each
def test_a_title_that_somebody_changed_over_there_is_still_the_same_ticket(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    title = {"FakeZammad": "title", "FakeGlpi": "name", "FakeJira": "summary"}
    name = title.get(type(both.theirs).__name__, "short_description")
    both.theirs.only.fields[name] = "something else"
    both.move(ticket, "plan")
    both.work()
    assert "kiosk-1: Reported" in both.theirs.title(both.theirs.only)


@each
def test_what_is_deleted_over_there_is_made_anew_while_ours_is_open(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    both.work()
    both.theirs.tickets.clear()
    both.move(ticket, "plan")
    both.work()
    both.work()
    assert both.theirs.stage(both.theirs.only) is Stage.AT_WORK
    both.move(ticket, "repair", "verify", "close")
    both.work()
    both.theirs.tickets.clear()
    actions.note(both.world.database, both.world.clock, ticket.id, "afterwards", actor="ann")
    both.work()
    assert both.theirs.tickets == {}


@each
def test_limits_are_kept(both: Both) -> None:
    both.theirs.trouble = lambda _: Reply(429, headers={"retry-after": "120"})
    both.case(both.world.kiosk)
    both.case(both.world.pos)
    both.work()
    asked = len(both.theirs.server.asked)
    assert asked == 1  # nobody asks again before the time
    both.theirs.trouble = lambda _: None
    both.work(1)
    assert len(both.theirs.server.asked) == asked
    assert "429" in both.error() or "left alone" in both.error()


def test_a_wrong_secret_is_told_and_nothing_is_lost(
    systems: list[Both], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "wrong")
    for both in systems:
        both.begin()
        both.case(both.world.kiosk)
        both.work()
        assert "401" in both.error()
        assert "wrong" not in both.error()
        assert both.theirs.tickets == {}


@each
def test_closed_there_while_the_fault_is_still_seen_is_repaired_here(both: Both) -> None:
    ticket = both.case(both.world.kiosk)
    with both.world.database.transaction() as conn:
        conn.execute(
            """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                  message, opened_at, last_sign_at)
               VALUES (%s, 'device', 'breakdown', 'unacknowledged', 'error', 'transition',
                       'device_down', '{"template": "down"}', now(), now())""",
            [both.world.kiosk],
        )
        conn.execute(
            "UPDATE ticket SET alert_id = (SELECT max(id) FROM alert) WHERE id = %s", [ticket.id]
        )
        conn.execute(
            """INSERT INTO alert_condition
               SELECT max(id), 'device_down', 'transition', true, now(), now() FROM alert"""
        )
    both.work()
    both.theirs.put(both.theirs.only, Stage.CLOSED)
    both.look()
    assert both.state(ticket) in (S.REPAIRED, S.PLANNED)
    assert both.state(ticket) is not S.CLOSED


def test_a_search_that_runs_behind_makes_no_second_ticket(systems: list[Both]) -> None:
    [both] = [both for both in systems if isinstance(both.theirs, FakeZammad)]
    assert isinstance(both.theirs, FakeZammad)
    both.theirs.indexed = False
    both.theirs.lose_answers_to = "POST /api/v1/tickets"
    both.case(both.world.kiosk)
    both.work()
    both.theirs.lose_answers_to = ""
    both.work(2)
    assert len(both.theirs.tickets) == 1
