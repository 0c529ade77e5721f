"""Two collectors share three shards; one is killed under load, the other takes over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forecall.broker import Broker
from tests.chaos import mosquitto, scenarios
from tests.chaos.house import AnyBroker, House
from tests.chaos.mosquitto import Mosquitto
from tests.chaos.publisher import TENANTS


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyBroker]:
    if request.param == "mosquitto" and mosquitto.PROGRAM is None:
        pytest.skip("mosquitto is not installed")
    kind = Broker if request.param == "nats" else Mosquitto
    broker = kind(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def house(broker: AnyBroker, dsn: str, tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, broker, dsn=dsn) as house:
        house.share(collectors=2)
        yield house


def test_the_living_collector_takes_over_what_a_killed_one_held(house: House) -> None:
    result = scenarios.run(house, scenarios.collector_lost, "lost", rate=2_000)
    assert result.well, result
    assert len(house.rows("owners")) == 1
    assert {row["collector"] for row in house.rows("watched")} == {f"mqtt:{t}" for t in TENANTS}
