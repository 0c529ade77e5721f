"""A ticket's life against a model that fits on a page, with two people who act on what they saw."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from desk import actions
from desk.calls import Call, Channel, take
from desk.case import fold
from desk.ledger import ticket_of
from desk.lifecycle import MOVES, CancelReason
from domain.errors import ChangedMeanwhileError, NotAllowedError
from domain.fault import CausedBy, Finding, Found
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"
PEOPLE = ("li", "sara")

_BEFORE = {"plan": "planned", "start_remote_diagnosis": "remote_diagnosis"}
_ASIDE = {
    "wait_for_customer": "waiting_customer",
    "wait_for_part": "waiting_part",
    "cancel": "cancelled",
}
_SENT = {"dispatch": "dispatched"}
_MENDED = {"repair": "repaired"}
CAN: dict[str, dict[str, str]] = {
    "new": _BEFORE | _SENT | {"dispatch_at_once": "dispatched"} | _ASIDE,
    "planned": {"start_remote_diagnosis": "remote_diagnosis", "dispatch_at_once": "dispatched"}
    | _SENT
    | _MENDED
    | _ASIDE,
    "remote_diagnosis": _SENT | _MENDED | _ASIDE,
    "dispatched": {"set_out": "under_way", "arrive": "on_site"} | _MENDED | _ASIDE,
    "under_way": {"arrive": "on_site"} | _MENDED | _ASIDE,
    "on_site": {"replace": "repaired", "send_to_factory": "waiting_part"} | _MENDED | _ASIDE,
    "waiting_customer": {"wait_for_part": "waiting_part", "resume": "?", "cancel": "cancelled"},
    "waiting_part": {"wait_for_customer": "waiting_customer", "resume": "?", "cancel": "cancelled"},
    "repaired": {"verify": "verified"},
    "verified": {"close": "closed"},
    "closed": {},
    "cancelled": {},
}
"""What people can do, as the operator's page has it; "?": back to where the work was."""


def machine(world: World) -> type[RuleBasedStateMachine]:
    """The machine in `world`; each run has a device of its own."""
    numbers = count(1)

    class Life(RuleBasedStateMachine):
        @initialize()
        def a_customer_calls(self) -> None:
            [row] = world.rows(
                f"""INSERT INTO device (key, kind, adopted_at, site_id)
                    SELECT 'life-{next(numbers)}', 'kiosk', '2026-01-01Z', id FROM site RETURNING id"""
            )
            self.call = Call(Channel.PHONE, "dark", device_id=row["id"], component=PRINTER)
            self.open_case()
            self.cases = 1

        def open_case(self) -> None:
            ticket = take(world.database, world.clock, self.call, actor="desk")
            self.id, self.state, self.back = ticket.id, "new", ""
            self.version, self.calls = ticket.version, 1
            self.decided = 1  # the version that the last decision made
            self.assignee, self.finding = ticket.assignee_id, ""
            self.saw = dict.fromkeys(PEOPLE, ticket.version)

        def may_decide(self, who: str) -> bool:
            return self.saw[who] >= self.decided

        def done(self, *, decision: bool, events: int = 1) -> None:
            self.version += events
            if decision:
                self.decided = self.version

        @rule(who=st.sampled_from(PEOPLE))
        def looks(self, who: str) -> None:
            self.saw[who] = self.version

        @rule(who=st.sampled_from(PEOPLE), name=st.sampled_from(sorted(MOVES)))
        def moves(self, who: str, name: str) -> None:
            reason = CancelReason.DUPLICATE if name == "cancel" else None
            seen = self.saw[who]

            def act() -> None:
                actions.move(
                    world.database,
                    world.clock,
                    self.id,
                    name,
                    actor=who,
                    reason=reason,
                    version=seen,
                )

            if name not in CAN[self.state] or not self.may_decide(who):
                with pytest.raises(NotAllowedError) as refused:
                    act()
                stale = isinstance(refused.value, ChangedMeanwhileError)
                assert stale == (not self.may_decide(who) and not MOVES[name].by_rule)
                return
            act()
            before, target = self.state, CAN[self.state][name]
            self.state = self.back if target == "?" else target
            if self.state.startswith("waiting") and not before.startswith("waiting"):
                self.back = before
            mended = self.state == "repaired"
            self.done(decision=True)
            if mended:
                self.version += 1  # nothing more is seen of it
            self.saw[who] = self.version

        @rule(who=st.sampled_from(PEOPLE))
        def assigns(self, who: str) -> None:
            ended = self.state in ("closed", "cancelled")
            if ended or not self.may_decide(who):
                with pytest.raises(NotAllowedError):
                    self.assign(who)
                return
            self.assign(who)
            self.assignee = world.engineer
            self.done(decision=True)

        def assign(self, who: str) -> None:
            actions.assign(
                world.database,
                world.clock,
                self.id,
                world.engineer,
                actor=who,
                version=self.saw[who],
            )

        @rule(who=st.sampled_from(PEOPLE), finding=st.sampled_from(Finding))
        def says_what_was_found(self, who: str, finding: Finding) -> None:
            found = Found(finding, CausedBy.DEVICE)
            if not self.may_decide(who):
                with pytest.raises(ChangedMeanwhileError):
                    actions.say_found(
                        world.database,
                        world.clock,
                        self.id,
                        found,
                        actor=who,
                        version=self.saw[who],
                    )
                return
            actions.say_found(
                world.database, world.clock, self.id, found, actor=who, version=self.saw[who]
            )
            self.finding = finding
            self.done(decision=True)

        @rule(who=st.sampled_from(PEOPLE))
        def notes(self, who: str) -> None:
            actions.note(world.database, world.clock, self.id, "seen", actor=who)
            self.done(decision=False)

        @precondition(lambda self: self.calls < 4)
        @rule()
        def calls_again(self) -> None:
            if self.state in ("closed", "cancelled"):
                before = self.id
                self.open_case()
                assert self.id != before
                self.cases += 1
                return
            assert take(world.database, world.clock, self.call, actor="desk").id == self.id
            self.calls += 1
            self.done(decision=False)

        @invariant()
        def is_as_the_model_says(self) -> None:
            [row] = world.rows(f"SELECT * FROM ticket WHERE id = {self.id}")
            ticket = ticket_of(row)
            assert fold(world.events(self.id)) == ticket
            assert (ticket.state, ticket.version) == (self.state, self.version)
            assert (ticket.finding or "", ticket.assignee_id) == (self.finding, self.assignee)
            assert (ticket.closed_at is not None) == (self.state in ("closed", "cancelled"))
            device = self.call.device_id
            [open_now] = world.rows(
                f"""SELECT count(*) AS tickets, count(*) FILTER (WHERE closed_at IS NULL) AS open
                    FROM ticket WHERE device_id = {device}"""
            )
            assert (open_now["tickets"], open_now["open"]) == (self.cases, ticket.closed_at is None)

    return Life


def test_a_tickets_life_is_that_of_the_model(world: World) -> None:
    run_state_machine_as_test(
        machine(world),
        settings=settings(
            max_examples=12,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
