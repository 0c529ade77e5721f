"""Cases that ended before anybody kept them here: whole, linked, and told to nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from desk import ledger
from desk.calls import Channel
from desk.case import Kind, Ticket, fold
from desk.ledger import Opening
from desk.past import PastCall, PastCase, Step, keep
from desk.sla.outcomes import outcomes
from domain.device import Cause
from domain.errors import BadInputError, NotAllowedError
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import Text
from tests.alerts.conftest import World

HOUR = timedelta(hours=1)
WORKED = ("plan", "dispatch", "set_out", "arrive", "repair", "verify", "close")


def case(world: World, at: datetime, *moves: str, calls: int = 0) -> PastCase:
    """A case of the kiosk's printer, a move an hour."""
    opening = Opening(
        fault=Fault(world.kiosk, "receiptPrinter", FaultClass.BREAKDOWN),
        alert_id=None,
        origin="device",
        severity=Severity.CRITICAL,
        title=Text("It broke"),
        assignee_id=world.engineer,
        repeat_of=None,
        predicted_at=None,
        failed_at=at,
        more={},
    )
    steps = [
        Step(at + HOUR * hour, Kind.MOVED, "li", move=move) for hour, move in enumerate(moves, 1)
    ]
    [site] = [row["id"] for row in world.rows("SELECT id FROM site")]
    told = [
        PastCall(at + HOUR * (hour + 0.5), Channel.PHONE, "It is broken", site, "desk")
        for hour in range(calls)
    ]
    return PastCase(opening, at, "forecall", steps, told)


def kept(world: World, *cases: PastCase) -> list[Ticket]:
    with world.database.transaction() as conn:
        return keep(conn, cases)


def test_a_row_is_the_fold_of_its_history(world: World) -> None:
    now = world.clock.now() - timedelta(days=9)
    [ticket] = kept(world, case(world, now, *WORKED, calls=2))
    with world.database.transaction() as conn:
        told = ledger.events(conn, ticket.id)
        assert ledger.lock(conn, ticket.id) == ticket == fold(told)
    assert ticket.closed_at == now + 7 * HOUR
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert told[0].data["coverage"]["verdict"] == "billable"
    calls = world.rows("SELECT id, ticket_id, repeat_of FROM call ORDER BY id")
    assert [(call["ticket_id"], call["repeat_of"]) for call in calls] == [
        (ticket.id, None),
        (ticket.id, calls[0]["id"]),
    ]


def test_its_promises_are_told_as_a_watch_would_have(world: World) -> None:
    start = world.clock.now() - timedelta(days=9)
    [ticket] = kept(world, case(world, start, *WORKED))
    with world.database.transaction() as conn:
        told = ledger.events(conn, ticket.id)
        found = list(outcomes(conn, start, world.clock.now()))
    missed = {(one.clock, one.due_at) for one in found if not one.kept}
    assert ("plan_of_action", start + timedelta(minutes=40)) in missed
    breaches = {(event.data["clock"], event.at) for event in told if event.kind is Kind.SLA_BREACH}
    assert breaches == missed


def test_what_came_back_within_a_month_repeats_the_case_before(world: World) -> None:
    first = world.clock.now() - timedelta(days=80)
    starts = [first, first + timedelta(days=20), first + timedelta(days=60)]
    one, two, three = kept(world, *(case(world, at, *WORKED) for at in reversed(starts)))
    assert (one.repeat_of, two.repeat_of, three.repeat_of) == (None, one.id, None)


def test_nobody_is_told_and_a_live_case_comes_after_it(world: World) -> None:
    [past] = kept(world, case(world, world.clock.now() - timedelta(days=2), *WORKED))
    assert world.rows("SELECT 1 FROM announcement UNION ALL SELECT 1 FROM audit_entry") == []
    assert world.rows("SELECT 1 FROM maintenance") == []
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "hardwareError")
    world.evaluate()
    assert world.ticket().repeat_of == past.id


def test_what_does_not_fit_is_refused(world: World) -> None:
    at = world.clock.now() - timedelta(days=9)
    with pytest.raises(BadInputError, match="planned; allowed: ended"):
        kept(world, case(world, at, "plan"))
    with pytest.raises(NotAllowedError, match="can't 'repair'"):
        kept(world, case(world, at, "repair"))
    whole = case(world, at, *WORKED)
    with pytest.raises(BadInputError, match="has a case until"):
        kept(world, whole, case(world, at + HOUR, *WORKED))
    assert world.rows("SELECT 1 FROM ticket") == []
