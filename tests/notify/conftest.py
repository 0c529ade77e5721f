"""People to tell, in the world of the alert tests."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import World, world
from tests.notify.house import House

__all__ = ["world"]


@pytest.fixture
def house(world: World) -> House:
    return House(world)
