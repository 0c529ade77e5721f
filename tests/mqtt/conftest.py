"""A real broker of the test's own, and a terminal on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from tests.mqtt.helpers import Terminal


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own: nothing retained, no sessions."""
    with Broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def settings(broker: Broker) -> BrokerSettings:
    return BrokerSettings(HOST, broker.port, broker.username, broker.password)


@pytest.fixture
def terminal(broker: Broker, clock: ManualClock) -> Iterator[Terminal]:
    terminal = Terminal(broker, "till-1", clock.now())
    yield terminal
    terminal.leave()
