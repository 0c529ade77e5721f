"""Whatever is killed under load: what the broker acknowledged is in the store, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forecall.broker import Broker
from tests.chaos import scenarios
from tests.chaos.house import House
from tests.chaos.scenarios import Scenario

MAY_GROW_MB = 150
"""What a collector may need more while the store is away: what is in flight is bounded."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with Broker(folder / "broker") as broker, House(folder, broker) as house:
        house.add_collector()
        house.await_collectors()
        yield house


@pytest.mark.parametrize("scenario", scenarios.SHORT, ids=lambda each: each.__name__)
def test_nothing_is_lost_and_nothing_is_stored_twice(house: House, scenario: Scenario) -> None:
    result = scenarios.run(house, scenario, scenario.__name__.replace("_", "-"), rate=2_000)
    assert result.well, result
    assert result.grown_mb < MAY_GROW_MB
