"""A router that nobody watches: people say that it is down, and that it is up again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import batches, parents
from alerts.batches import Batch
from alerts.correlation import declare_down, declare_up
from desk.cases import Cases
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, add_fleet, come_back, go_down, hang_on


def down(world: World, key: str = "router", reason: str = "the provider digs") -> int:
    desk = Cases(world.clock)
    return declare_down(world.database, world.clock, desk, key, reason=reason, actor="li")


def up(world: World) -> None:
    declare_up(world.database, world.clock, "router", actor="li")


def the_batch(world: World) -> Batch:
    with world.database.transaction() as conn:
        [found] = batches.batches(conn, only_open=False)
    return found


def after(world: World, **span: float) -> None:
    world.clock.advance(timedelta(**span))
    world.evaluate(HOLD)


@pytest.fixture
def shop(world: World) -> list[int]:
    """Five devices, of which four hang on a router."""
    found = add_fleet(world, "shop", 5, site="shop")
    hang_on(world, "router", "router", found[:4])
    return found


def test_what_hangs_on_it_joins_its_one_alert_from_then_on(world: World, shop: list[int]) -> None:
    batch_id = down(world)
    assert [ticket.batch_id for ticket in world.tickets()] == [batch_id]
    after(world, hours=5)
    assert the_batch(world).ended_at is None  # nobody said that it is up
    go_down(world, [shop[0]])
    after(world, seconds=10)
    go_down(world, shop[3:])
    after(world, seconds=1)
    after(world, seconds=10)
    found = the_batch(world)
    assert (found.id, found.members, found.active) == (batch_id, 2, 2)
    assert str(found.cause) == "router router was declared down; 2 devices are down with it"
    assert str(found.evidence[0]) == "li says so: the provider digs"
    own = [ticket.fault.device_id for ticket in world.tickets() if ticket.fault]
    assert own == [shop[4]]  # it hangs on nothing


def test_it_ends_with_the_last_that_comes_back_after_it_was_said_to_be_up(
    world: World, shop: list[int]
) -> None:
    down(world)
    go_down(world, shop[:2])
    after(world, seconds=1)
    come_back(world, shop[:1])
    after(world, minutes=30)
    come_back(world, shop[1:2])
    after(world, minutes=1)
    assert the_batch(world).ended_at is None
    up(world)
    after(world, seconds=1)
    assert the_batch(world).ended_at is not None
    assert [ticket.returned_at is None for ticket in world.tickets()] == [False]


def test_who_is_down_ten_minutes_after_it_is_up_has_a_case_of_its_own(
    world: World, shop: list[int]
) -> None:
    down(world)
    go_down(world, shop[:3])
    after(world, seconds=1)
    up(world)
    come_back(world, shop[:1])
    after(world, minutes=9)
    assert [ticket.fault for ticket in world.tickets()] == [None]
    after(world, minutes=2)
    after(world, seconds=10)
    own = {ticket.fault.device_id for ticket in world.tickets() if ticket.fault}
    assert own == set(shop[1:3])


def test_what_went_down_just_before_is_taken_in_with_its_ticket(
    world: World, shop: list[int]
) -> None:
    go_down(world, shop[:2])
    after(world, seconds=1)
    after(world, seconds=10)
    assert len(world.tickets()) == 2
    batch_id = down(world)
    after(world, seconds=1)
    assert [ticket.batch_id for ticket in world.tickets()] == [batch_id]
    assert the_batch(world).members == 2


def test_one_that_was_recognised_can_be_declared_and_goes_on(world: World, shop: list[int]) -> None:
    add_fleet(world, "other", 100, site="elsewhere")
    go_down(world, shop[:4])
    after(world, seconds=1)
    after(world, seconds=10)
    recognised = the_batch(world).id
    assert down(world) == recognised
    come_back(world, shop[:4])
    after(world, minutes=1)
    assert the_batch(world).ended_at is None


def test_what_is_not_allowed_changes_nothing(world: World, shop: list[int]) -> None:
    hang_on(world, "watched", "switch", shop[:2], device=shop[4])
    with pytest.raises(NotFoundError, match="no parent 'cellar'"):
        down(world, "cellar")
    with pytest.raises(NotAllowedError, match="watched itself"):
        down(world, "watched")
    with pytest.raises(BadInputError, match="reason: 1 characters"):
        down(world, reason=" ")
    with pytest.raises(NotAllowedError, match="nobody said"):
        up(world)
    down(world)
    with pytest.raises(NotAllowedError, match="already"):
        down(world)
    acts = [row["action"] for row in world.rows("SELECT action FROM audit_entry ORDER BY id")]
    assert acts == ["declare_down"]


def test_a_parent_that_is_removed_is_not_down_any_more(world: World, shop: list[int]) -> None:
    down(world)
    with world.database.transaction() as conn:
        [one] = parents.parents(conn)
    assert (one.down_since, one.batch_id) == (world.clock.now(), the_batch(world).id)
    parents.remove(world.database, world.clock, "router", actor="li")
    after(world, minutes=1)
    assert the_batch(world).ended_at is not None
