"""Whatever is killed under load: what the broker acknowledged is in the store, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forecall.broker import HOST, Broker
from tests.chaos import scenarios
from tests.chaos.house import House, memory_mb
from tests.chaos.line import Line
from tests.chaos.scenarios import Scenario
from tests.waiting import wait_for

MAY_GROW_MB = 250
"""What a collector may need more while the store is away: what is in flight is bounded."""

LARGE = b"x" * 60_000


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


def test_a_flood_of_large_poison_is_bounded_in_memory_and_stored(house: House) -> None:
    """Two devices that send 60 kB of nonsense as fast as they can, while the database is away."""
    collector, before = house.collectors[0], house.taken_in()
    assert collector.pid
    memory = memory_mb(collector.pid)
    house.stop_database_at_once()
    login = house.broker.username, house.broker.password
    line = Line([(HOST, house.broker.port)], "flood", login)
    for number in range(1_200):
        line.publish(f"v1/north/site/flood-{number % 2}/heartbeat", b"%d " % number + LARGE)
    while line.under_way:
        line.exchange(wait=True)
    line.close()
    house.start_database()
    wait_for("all is rejected", lambda: house.taken_in() == before + 1_200, scenarios.WITHIN_S)
    assert house.number("rejected", "flood") == 1_200
    assert memory_mb(collector.pid) - memory < MAY_GROW_MB
