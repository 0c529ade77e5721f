"""A replay counts faults of one cause as the board does: one batch, one ticket."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import batches
from alerts.replay.compare import Comparison, compare
from alerts.replay.past import open_past
from alerts.rules import shipped
from domain.fault import Fault, FaultClass
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, add_fleet, come_back, go_down


@pytest.fixture
def shop(world: World) -> list[int]:
    """Ten devices of one site, in a fleet of a hundred others."""
    add_fleet(world, "other", 100, site="elsewhere")
    return add_fleet(world, "shop", 10, site="shop")


def store(world: World, devices: list[int], to: str) -> None:
    """The change of state, in the history and as a sign."""
    before = {"down": "up", "up": "down"}[to]
    at = world.clock.now().isoformat()
    world.rows(
        f"""INSERT INTO device_transition (device_id, from_state, to_state, at, cause, version,
                                           recorded_at)
            SELECT unnest(ARRAY{devices}), '{before}', '{to}', '{at}', 'missed_heartbeats',
                   extract(epoch FROM '{at}'::timestamptz), '{at}' RETURNING id"""
    )
    (go_down if to == "down" else come_back)(world, devices)


def live(world: World, **span: float) -> None:
    """Time passes on the board."""
    world.evaluate(HOLD)
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    world.clock.advance(timedelta(**span))
    world.evaluate(HOLD)


def tried(world: World, since: timedelta) -> Comparison:
    until = world.clock.now()
    with world.database.transaction() as conn:
        conn.execute("SET TRANSACTION READ ONLY")
        return compare(open_past(conn, until - since, until, None, None), shipped(), shipped())


def test_the_tickets_are_those_that_the_board_opened(world: World, shop: list[int]) -> None:
    world.clock.advance(timedelta(days=2))
    store(world, shop[:6], "down")
    live(world, minutes=3)
    store(world, shop[6:8], "down")  # it grows
    store(world, [world.kiosk], "down")  # a fault of its own
    live(world, minutes=20)
    store(world, shop[:7], "up")  # the cause is gone, and one stays down
    live(world, minutes=15)
    live(world, minutes=1)
    with world.database.transaction() as conn:
        [batch] = batches.batches(conn, only_open=False)
    opened = {(ticket.fault, ticket.batch_id is None) for ticket in world.tickets(only_open=False)}
    found = tried(world, timedelta(days=1))
    [past] = found.batches_then
    assert (past.group, str(past.cause)) == (("site", "shop"), str(batch.cause))
    assert past.ended_at is not None
    assert batch.ended_at is not None
    assert past.ended_at <= batch.ended_at  # the board looks now and then
    assert found.tickets_then == len(opened) == 3
    own = {Fault(device, "device", FaultClass.UNREACHABLE) for device in (world.kiosk, shop[7])}
    assert {fault for fault, alone in opened if alone} == own


def test_what_comes_here_and_there_is_counted_one_by_one(world: World, shop: list[int]) -> None:
    for device in (world.kiosk, world.pos, shop[0]):
        store(world, [device], "down")
        live(world, hours=1)
    found = tried(world, timedelta(days=1))
    assert (found.batches_then, found.tickets_then) == ([], 3)


def test_what_is_gone_before_it_is_told_has_no_ticket(world: World, shop: list[int]) -> None:
    store(world, shop[:1], "down")
    world.clock.advance(timedelta(seconds=2))
    store(world, shop[:1], "up")
    live(world, minutes=1)
    assert world.tickets() == []
    assert tried(world, timedelta(days=1)).tickets_then == 0
