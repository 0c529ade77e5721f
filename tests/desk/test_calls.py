"""Customers call: they are recognised, every call is recorded, and no fault gets two cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pytest

from desk.actions import move
from desk.callers import calls_of, counts, recognise
from desk.calls import MAX_WORDS, Call, Channel, take
from desk.case import Ticket
from desk.identify import identify, is_unidentified
from desk.lifecycle import CancelReason
from desk.upkeep import tick
from domain.device import Cause
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from domain.fault import Fault, FaultClass
from storage.database import Database, Row
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, add_fleet, go_down

PRINTER = "receiptPrinter"


@pytest.fixture
def called(world: World) -> Callable[..., Ticket]:
    """Takes a call: `called(device_id=world.kiosk)`."""

    def by(words: str = "it does not work", **known: object) -> Ticket:
        call = replace(Call(Channel.PHONE, words), **known)  # type: ignore[arg-type]
        return take(world.database, world.clock, call, actor="desk")

    return by


@pytest.fixture
def site(world: World) -> int:
    return int(world.rows("SELECT id FROM site")[0]["id"])


def broken(world: World, device: int) -> Ticket:
    world.transition(device, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    return world.ticket()


def found(world: World, search: str) -> tuple[list[Row], list[Row], list[Row]]:
    with world.database.transaction() as conn:
        who = recognise(conn, search)
    return who.sites, who.devices, who.cases


def test_a_call_joins_the_open_case_and_opens_one_where_there_is_none(
    world: World, called: Callable[..., Ticket]
) -> None:
    case = broken(world, world.kiosk)
    assert called("no receipt", device_id=world.kiosk, component=PRINTER).id == case.id
    opened = called("it is dark", device_id=world.pos, component="device")
    assert (opened.origin, opened.assignee_id) == ("phone", world.engineer)
    assert opened.fault == Fault(world.pos, "device", FaultClass.UNREACHABLE)


def test_who_can_not_name_the_part_is_joined_to_what_is_known_of_the_device(
    world: World, called: Callable[..., Ticket]
) -> None:
    case = broken(world, world.kiosk)
    assert called(device_id=world.kiosk).id == case.id
    assert called(device_id=world.pos).fault == Fault(world.pos, "device", FaultClass.BREAKDOWN)


def test_a_sign_joins_the_case_that_a_call_opened(
    world: World, called: Callable[..., Ticket]
) -> None:
    case = called("it is dark", device_id=world.kiosk, component="device")
    world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
    world.evaluate()
    ticket = world.ticket()
    assert (ticket.id, ticket.alert_id) == (case.id, world.alerts()[0]["id"])
    assert ticket.failed_at == world.clock.now()


@pytest.mark.parametrize(
    "search", ["Site", "sit", "Customer", "kiosk-1", "SER-77", "021 5555 0199"]
)
def test_a_caller_is_recognised_and_told_how_the_case_stands(world: World, search: str) -> None:
    world.rows("UPDATE site SET phone = '982155550199' RETURNING id")
    world.rows("UPDATE device SET serial = 'SER-77' WHERE key = 'kiosk-1' RETURNING id")
    case = broken(world, world.kiosk)
    sites, devices, cases = found(world, search)
    assert sites or devices
    assert [row["id"] for row in cases] == [case.id]
    assert (cases[0]["state"], cases[0]["assignee"]) == ("new", "Li Wei")


def test_a_number_that_called_before_is_recognised(
    world: World, called: Callable[..., Ticket], site: int
) -> None:
    called("no receipt", device_id=world.kiosk, phone="+98 (21) ۸۸۸۸-۷۷")
    assert [row["id"] for row in found(world, "9821888877")[0]] == [site]
    for search in ("9821999999", "77", "%", "_", ""):
        assert found(world, search) == ([], [], []), search


def test_a_call_that_names_no_device_is_a_case_of_the_site(
    world: World, called: Callable[..., Ticket], site: int
) -> None:
    ticket = called("one of the two is dark", site_id=site)
    assert (ticket.fault, ticket.site_id) == (None, site)
    assert ticket.assignee_id == world.engineer
    assert world.ticket().id == ticket.id  # and it is the fold of its events
    # Another call from there may be about something else: only a person can say that it is not.
    assert called("one of the two is dark", site_id=site).id != ticket.id
    assert called("still dark", site_id=site, ticket_id=ticket.id).id == ticket.id


def test_words_alone_never_bring_two_cases_together(
    world: World, called: Callable[..., Ticket]
) -> None:
    """zammad/zammad#1907: tickets were merged since their subjects were alike."""
    tickets = {called("printer broken", device_id=each).id for each in (world.kiosk, world.pos)}
    assert len(tickets) == 2


def test_a_case_of_a_site_becomes_the_devices_when_it_is_identified(
    world: World, called: Callable[..., Ticket], site: int
) -> None:
    ticket = called("no receipts", site_id=site)
    fault = Fault(world.kiosk, PRINTER, FaultClass.BREAKDOWN)
    known = identify(world.database, world.clock, ticket.id, fault, actor="desk")
    assert (known.id, known.fault) == (ticket.id, fault)
    assert broken(world, world.kiosk).id == ticket.id  # the sign adds to it
    with pytest.raises(NotAllowedError, match="known to be about"):
        identify(world.database, world.clock, ticket.id, fault, actor="desk")


def test_a_case_of_a_site_joins_the_open_case_of_the_device(
    world: World, called: Callable[..., Ticket], site: int
) -> None:
    unknown = called("no receipts", site_id=site)
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    [case] = [ticket for ticket in world.tickets() if ticket.id != unknown.id]
    fault = case.fault
    assert fault is not None
    joined = identify(world.database, world.clock, unknown.id, fault, actor="desk")
    assert joined.id == case.id
    assert [ticket.id for ticket in world.tickets()] == [case.id]
    ended = world.events(unknown.id)[-1].data
    assert (ended["reason"], ended["joined_to"]) == (CancelReason.DUPLICATE, case.id)
    with world.database.transaction() as conn:
        assert [row["words"] for row in calls_of(conn, case.id)] == ["no receipts"]


def test_only_what_a_customer_reported_waits_to_be_identified(
    world: World, called: Callable[..., Ticket]
) -> None:
    assert is_unidentified(called(device_id=world.pos))
    world.transition(world.kiosk, "down", Cause.REPORTED, PRINTER, "mechanicalFailure")
    world.evaluate()
    case = next(each for each in world.tickets() if each.origin == "device")
    assert not is_unidentified(case)
    fault = Fault(999, PRINTER, FaultClass.BREAKDOWN)
    with pytest.raises(NotFoundError, match="no device 999"):
        identify(world.database, world.clock, case.id, fault, actor="desk")


def test_repeated_faults_and_calls_are_linked_and_counted(
    world: World, called: Callable[..., Ticket]
) -> None:
    ids = []
    for _ in range(3):
        world.transition(world.kiosk, "down", Cause.MISSED_HEARTBEATS)
        world.evaluate()
        ids.append(called("again!", device_id=world.kiosk).id)
        called("and?", device_id=world.kiosk)
        world.transition(world.kiosk, "up", Cause.CONTACT)
        world.evaluate()
        world.pass_time(hours=24)
        tick(world.database, world.clock)
    with world.database.transaction() as conn:
        assert [counts(conn, each) for each in ids] == [
            {"faults": 1, "calls": 2},
            {"faults": 2, "calls": 4},
            {"faults": 3, "calls": 6},
        ]
    before = [row["repeat_of"] for row in world.rows("SELECT repeat_of FROM call ORDER BY id")]
    assert before == [None, 1, 2, 3, 4, 5]
    world.pass_time(days=31)
    late = called("dark", device_id=world.kiosk)
    with world.database.transaction() as conn:
        assert counts(conn, late.id) == {"faults": 1, "calls": 1}


def test_the_same_call_sent_again_is_one_call(world: World) -> None:
    call = Call(Channel.API, "dark", device_id=world.kiosk, reference="case-17")
    tickets: list[int] = []

    def send() -> None:
        with_own = Database(world.database.dsn, max_size=1)
        tickets.append(take(with_own, world.clock, call, actor="token:hr").id)
        with_own.close()

    senders = [Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(120)
    assert len(set(tickets)) == 1
    assert len(tickets) == 4
    assert len(world.rows("SELECT FROM call")) == 1
    other = take(world.database, world.clock, call, actor="token:other")
    assert other.id == tickets[0]  # another sender's reference is another call on the same case
    assert len(world.rows("SELECT FROM call")) == 2


def test_what_does_not_fit_is_refused_and_leaves_nothing(
    world: World, called: Callable[..., Ticket]
) -> None:
    with pytest.raises(BadInputError, match="words: must have 1 to"):
        called("  ", device_id=world.kiosk)
    with pytest.raises(BadInputError, match="words: must have 1 to"):
        called("x" * (MAX_WORDS + 1), device_id=world.kiosk)
    with pytest.raises(BadInputError, match="device or site"):
        called()
    with pytest.raises(NotFoundError, match="no device 999"):
        called(device_id=999)
    with pytest.raises(NotFoundError, match="no site 999"):
        called(site_id=999)
    case = called(device_id=world.kiosk)
    reason = CancelReason.DUPLICATE
    move(world.database, world.clock, case.id, "cancel", actor="li", reason=reason)
    with pytest.raises(NotAllowedError, match="is cancelled"):
        called(device_id=world.kiosk, ticket_id=case.id)
    assert len(world.rows("SELECT FROM call")) == 1


def test_who_calls_about_one_of_many_is_told_the_case_of_all(
    world: World, called: Callable[..., Ticket]
) -> None:
    add_fleet(world, "other", 100, site="elsewhere")
    shop = add_fleet(world, "shop", 10, site="shop")
    go_down(world, shop)
    world.evaluate(HOLD)
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    [batch] = world.tickets()
    assert batch.batch_id is not None
    assert called("all is dark", device_id=shop[3]).id == batch.id
    assert called("the till is dark", device_id=shop[4], component="device").id == batch.id
    assert called("no receipt", device_id=shop[5], component=PRINTER).id != batch.id
    assert batch.id in [row["id"] for row in found(world, "Site shop")[2]]
