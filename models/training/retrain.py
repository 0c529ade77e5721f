"""Training anew what no longer fits. The candidates go through the gate as any other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from domain.clock import Clock
from models.live.drift import Finding
from models.registry.catalogue import entry
from models.settings import TrainSettings
from models.training.train import Trained, train
from storage.database import Database
from storage.queries import load

AT_MOST_EVERY = timedelta(days=7)
"""A kind of device is trained anew no more often: what is new must have had time to show itself."""

_log = structlog.get_logger()


def retrain(
    database: Database, clock: Clock, alarms: Sequence[Finding], settings: TrainSettings
) -> list[Trained]:
    """Trains the kinds of devices whose models alarm, with the horizon that each has."""
    wanted: dict[timedelta, set[str]] = {}
    with database.transaction() as conn:
        since = {"since": clock.now() - AT_MOST_EVERY}
        fresh = {row["kind"] for row in conn.execute(load("models")["trained_since"], since)}
        for row in (entry(conn, model_id) for model_id in {each.model_id for each in alarms}):
            if row["settings"]["kind"] not in fresh:
                horizon = timedelta(hours=row["horizon_h"])
                wanted.setdefault(horizon, set()).add(row["settings"]["kind"])
    made: list[Trained] = []
    for horizon, kinds in wanted.items():
        _log.info("training anew", kinds=sorted(kinds))
        made += train(database, clock, horizon=horizon, settings=settings, kinds=kinds)
    return made
