"""A backtest on a Dask cluster of two real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from distributed import LocalCluster

from domain.errors import ConfigurationError
from models.backtest.as_json import to_json
from models.backtest.cluster import cluster
from models.backtest.protocol import Asked
from models.backtest.run import backtest
from pipeline.history import read_history
from tests.models.folders import Fleet, heat, noise, wearing


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as local:
        yield local.scheduler_address


def test_two_workers_find_what_one_process_finds(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.features.folder._CELLS", 8 * 2 * 150)  # some devices a part
    folder = Fleet(wearing(24), {"heat": heat, "noise": noise}).write(tmp_path / "fleet")
    history, asked = read_history(folder), Asked(timedelta(days=3))
    here = to_json(backtest(history, asked))
    with cluster(scheduler) as run:
        there = to_json(backtest(history, asked, run=run))
    for figures in (here, there):
        del figures["seconds"]
    assert json.dumps(there) == json.dumps(here)


def test_nobody_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.backtest.cluster._ANSWER_WITHIN_S", 0.5)
    with (
        pytest.raises(ConfigurationError, match=r"no scheduler answers at 'tcp://127.0.0.1:1'"),
        cluster("tcp://127.0.0.1:1"),
    ):
        pass
