"""Scores the fleet: one row a device and task, with reasons where the probability is worth one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from domain.clock import Clock
from domain.errors import BadInputError
from models.data.dataset import speaking
from models.data.labels import broken
from models.reasons.explain import explain
from models.registry.artifacts import Model, in_use, open_model
from models.registry.catalogue import Stage
from pipeline.features.build import features_at
from pipeline.features.frames import Floats, Frames, Ints
from pipeline.features.store import load_frames, load_peers
from pipeline.features.vocabulary import Window
from storage.copy import copy_rows
from storage.database import Conn, Database
from storage.engine import detect
from storage.queries import load

CURVE_DAYS = (1, 3, 7, 30)
"""A prediction says how likely the component fails within each of these."""

PREDICTION = {
    "at": "timestamptz",
    "device_id": "int4",
    "component": "text",
    "model_id": "int4",
    "horizon_h": "float4",
    "probability": "float4",
    "threshold": "float4",
    "reasons": "jsonb",
    "curve": "float4[]",
}
_TABLE = {Stage.CHAMPION: "prediction", Stage.CHALLENGER: "shadow_prediction"}
_CHUNK = 500  # devices whose hours are held in memory at a time
_REASONS_FROM = 0.5  # of the threshold: below, nobody asks why
_log = structlog.get_logger()

_Row = tuple[datetime, int, str, int, float, float, float, Jsonb, list[float]]


def score(database: Database, clock: Clock) -> int:
    """Writes what each champion foretells of each device at `clock.now()`; returns the rows.

    A device is asked about when it was heard within a day and something is new of it since its
    model was asked last; a component when it is not broken already. Challengers are asked
    likewise, in shadow.

    Raises BadInputError when a model can't be used, after all the others have spoken.
    """
    now = clock.now()
    with database.transaction() as conn:
        models, unusable = _open_all(conn)
        detect(conn).ensure(conn, now, now)
        written = 0
        for kind, group in groupby(models, key=lambda model: model.task.kind):
            written += _score_kind(conn, kind, list(group), now)
        conn.execute(load("models")["scored"], {"at": now, "ids": [each.id for each in models]})
    if unusable:
        raise unusable[0]
    return written


def _open_all(conn: Conn) -> tuple[list[Model], list[BadInputError]]:
    models: list[Model] = []
    unusable: list[BadInputError] = []
    for row in in_use(conn, Stage.CHAMPION, Stage.CHALLENGER):
        try:
            models.append(open_model(conn, row))
        except BadInputError as error:
            _log.error("a model can't be used", model=row["id"], task=row["task"], why=str(error))
            unusable.append(error)
    return models, unusable


def _score_kind(conn: Conn, kind: str, models: Sequence[Model], now: datetime) -> int:
    """One kind of device. A model that was never asked, or asked of a later time, asks about all."""
    asked = [model.scored_at for model in models if model.scored_at and model.scored_at < now]
    since = min(asked) if len(asked) == len(models) else None
    rows = conn.execute(load("models")["news"], {"kind": kind, "since": since}).fetchall()
    ids = [row["id"] for row in rows]
    known = [model.vocabulary for model in models]
    start = now - timedelta(hours=max(words.lookback_h for words in known))
    day = now - timedelta(hours=max(words.window_h(Window.DAY) for words in known) + 1)
    # Peers are all that there are, whether they have news or not.
    everyone = [row["id"] for row in conn.execute(load("models")["devices"], {"kind": kind})]
    groupings = {name for words in known for name in words.peers}
    peers = load_peers(conn, everyone, groupings, day, now)
    written = 0
    for first in range(0, len(ids), _CHUNK):
        frames = load_frames(conn, ids[first : first + _CHUNK], start, now, peers)
        for stage, table in _TABLE.items():
            chosen = [model for model in models if model.stage is stage]
            told = copy_rows(conn, table, PREDICTION, _of_frames(frames, chosen, now))
            written += told if stage is Stage.CHAMPION else 0
    return written


def _of_frames(frames: Frames, models: Sequence[Model], now: datetime) -> Iterator[_Row]:
    moment = frames.hours_at(now)
    device = np.flatnonzero(speaking(frames, np.array([np.floor(moment)]))[:, 0])
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
    said = _ask(model, values[asked])
    for row, index in enumerate(device[asked]):
        yield (
            *(now, int(frames.device_ids[index]), component, model.id, model.horizon_h),
            *(float(said.probability[row]), model.threshold),
            *(said.reasons.get(row, Jsonb([])), said.curve[row].tolist()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    probability: Floats
    curve: Floats  # (rows, len(CURVE_DAYS))
    reasons: dict[int, Jsonb]


def _ask(model: Model, values: NDArray[np.float32]) -> _Said:
    spans = [model.horizon_h, *(24.0 * days for days in CURVE_DAYS)]
    within = model.forecast.within(values, spans)
    probability = within[:, 0]
    telling = np.flatnonzero(probability >= _REASONS_FROM * model.threshold)
    reasons: dict[int, Jsonb] = {}
    if len(telling):
        usual = np.array(model.usual, np.float32)
        why = explain(model.forecast, model.vocabulary, values[telling], usual, model.horizon_h)
        reasons = {
            int(row): Jsonb([reason.to_json() for reason in found])
            for row, found in zip(telling, why, strict=True)
        }
    return _Said(probability, within[:, 1:], reasons)
