"""Rules, batches, suppression, desk and notifications together: what people get of all that."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from alerts.notify.policy_file import read_policy
from alerts.suppression import shelve, unshelve
from tests.alerts.fleets import HOLD, add_fleet, come_back, go_down
from tests.notify.house import PEOPLE, House

ALL_TO_SARA = PEOPLE + '[[routes]]\nname = "all"\nsteps = [{tell = ["sara"], by = ["mail"]}]\n'


@pytest.fixture
def told(house: House) -> House:
    house.policy = read_policy(ALL_TO_SARA)
    return house


def _judged(house: House, minutes: float = 0) -> list[str]:
    house.clock.advance(timedelta(minutes=minutes))
    house.world.evaluate(HOLD)
    house.clock.advance(HOLD)
    house.world.evaluate(HOLD)
    return house.work()


def test_a_dead_router_is_one_message_and_so_is_its_end(told: House) -> None:
    """louislam/uptime-kuma#1089: one, not thirty; and nothing of the children afterwards."""
    add_fleet(told.world, "other", 100, site="elsewhere")
    shop = add_fleet(told.world, "shop", 30, site="shop")
    go_down(told.world, shop)
    assert _judged(told) == ["sara mail fault"]
    [letter] = told.box.arrived
    assert letter.subject.startswith("batch/")
    assert "Site shop" in letter.content["title"]
    assert _judged(told, 10) == []
    come_back(told.world, shop)
    told.world.evaluate(HOLD)
    lines = _judged(told, 1) + _judged(told, 10) + _judged(told, 60)
    assert Counter(lines) == {"sara mail recovery": 1}


def test_one_device_is_one_message_with_its_ticket(told: House) -> None:
    go_down(told.world, [told.world.kiosk])
    assert _judged(told) == ["sara mail fault"]
    [ticket] = told.world.tickets()
    assert f"/tickets/{ticket.id}" in told.box.arrived[0].content["body"]
    assert _judged(told, 30) == []


def test_what_is_shelved_is_told_when_it_is_not_any_more(told: House) -> None:
    go_down(told.world, [told.world.kiosk])
    told.world.evaluate(HOLD)
    [alert] = told.world.alerts()
    until = told.clock.now() + timedelta(hours=4)
    shelve(told.database, told.clock, alert["id"], until, reason="known", actor="ann")
    assert _judged(told, 60) == []
    unshelve(told.database, told.clock, alert["id"], actor="ann")
    assert _judged(told) == ["sara mail fault"]


def test_a_shelf_ends_by_itself(told: House) -> None:
    go_down(told.world, [told.world.kiosk])
    assert _judged(told) == ["sara mail fault"]
    [alert] = told.world.alerts()
    until = told.clock.now() + timedelta(hours=1)
    shelve(told.database, told.clock, alert["id"], until, reason="known", actor="ann")
    assert _judged(told, 30) == []
    come_back(told.world, [told.world.kiosk])
    lines = _judged(told, 1) + _judged(told, 10)
    assert lines == ["sara mail recovery"]
