"""Three NATS servers, each message on all of them: one is killed under load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import scenarios
from tests.chaos.cluster import Cluster
from tests.chaos.house import House


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "cluster")
    cluster.start()
    yield cluster
    cluster.stop()


def test_a_killed_node_takes_nothing_with_it(cluster: Cluster, dsn: str, tmp_path: Path) -> None:
    with House(tmp_path, cluster, cluster.settings, dsn) as house:
        house.add_collector()
        house.await_collectors()
        others_first = [*cluster.addresses[1:], cluster.addresses[0]]
        result = scenarios.run(
            house, cluster.node_killed, "node", rate=2_000, addresses=others_first
        )
    assert result.well, result
    assert cluster.replicas() == 3
