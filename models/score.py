"""Scores the fleet: one row a device and task, with reasons where the probability is worth one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from domain.clock import Clock
from models.dataset import speaking
from models.estimator import raw_probability
from models.labels import broken
from models.reasons import explain
from models.registry import Model, champions
from pipeline.features.build import features_at
from pipeline.features.definitions import CARRY_H, LOOKBACK_H, schema_hash
from pipeline.features.frames import Frames, Ints
from pipeline.features.store import load_frames
from storage.copy import copy_rows
from storage.database import Conn, Database
from storage.engine import detect
from storage.queries import load

PREDICTION = {
    "at": "timestamptz",
    "device_id": "int4",
    "component": "text",
    "model_id": "int4",
    "horizon_h": "float4",
    "probability": "float4",
    "threshold": "float4",
    "reasons": "jsonb",
}
_CHUNK = 500  # devices whose hours are held in memory at a time
_REASONS_FROM = 0.5  # of the threshold: below, nobody asks why
_log = structlog.get_logger()

_Row = tuple[datetime, int, str, int, float, float, float, Jsonb]


def score(database: Database, clock: Clock) -> int:
    """Writes what each champion foretells of each device at `clock.now()`; returns the rows.

    A device is scored when it was heard within a day, a component when it is not broken already.
    """
    now = clock.now()
    with database.transaction() as conn:
        models = [model for model in champions(conn) if _usable(model)]
        detect(conn).ensure(conn, now, now)
        return sum(
            copy_rows(conn, "prediction", PREDICTION, _of_kind(conn, kind, list(group), now))
            for kind, group in groupby(models, key=lambda model: model.task.kind)
        )


def _usable(model: Model) -> bool:
    usable = model.feature_schema == schema_hash()
    if not usable:
        _log.warning("model needs features that are no longer computed", model=model.id)
    return usable


def _of_kind(conn: Conn, kind: str, models: Sequence[Model], now: datetime) -> list[_Row]:
    ids = [row["id"] for row in conn.execute(load("models")["devices"], {"kind": kind}).fetchall()]
    start = now - timedelta(hours=LOOKBACK_H + CARRY_H + 2)  # gauges are carried into the window
    rows: list[_Row] = []
    for first in range(0, len(ids), _CHUNK):
        frames = load_frames(conn, ids[first : first + _CHUNK], start, now)
        rows += _of_frames(frames, models, now)
    return rows


def _of_frames(frames: Frames, models: Sequence[Model], now: datetime) -> Iterator[_Row]:
    moment = frames.hours_at(now)
    device = np.flatnonzero(speaking(frames, np.array([int(moment)]))[:, 0])
    at = np.full(len(device), moment)
    matrices: dict[object, NDArray[np.float32]] = {}
    for model in models:
        if model.vocabulary not in matrices:
            matrix = features_at(frames, device, at, model.vocabulary)
            matrices[model.vocabulary] = matrix.values
        yield from _of_model(frames, model, matrices[model.vocabulary], device, now)


def _of_model(
    frames: Frames, model: Model, values: NDArray[np.float32], device: Ints, now: datetime
) -> Iterator[_Row]:
    component = model.task.component
    failures, repairs = frames.failures.of(component), frames.maintenance.of(component)
    asked = ~broken(failures, repairs, device, np.full(len(device), frames.hours_at(now)))
    if not asked.any():
        return
    probability = model.calibration.apply(raw_probability(model.estimator, values[asked]))
    telling = np.flatnonzero(probability >= _REASONS_FROM * model.threshold)
    reasons: dict[int, Jsonb] = {}
    if len(telling):
        texts = explain(model, values[asked][telling], probability[telling])
        reasons = {
            int(row): Jsonb([text.to_json() for text in found])
            for row, found in zip(telling, texts, strict=True)
        }
    horizon_h = model.horizon / timedelta(hours=1)
    for row, index in enumerate(device[asked]):
        yield (
            *(now, int(frames.device_ids[index]), component, model.id, horizon_h),
            *(float(probability[row]), model.threshold, reasons.get(row, Jsonb([]))),
        )
