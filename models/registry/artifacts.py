"""Models as rows: what each was made from, how good it is, and its artifact.

An artifact is loaded only when its SHA-256 fits its row and all its types are on the allow-list.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import skops.io
from psycopg.types.json import Jsonb

from domain.errors import BadInputError
from models.learn.forecast import ALLOWED_TYPES, Forecast
from models.registry.catalogue import Stage, Task, make_room
from pipeline.features.definitions import schema_hash
from pipeline.features.vocabulary import Vocabulary
from storage.database import Conn, Row
from storage.queries import load

_KEPT_LOADED = 64
_MOST_BYTES = 64_000_000  # of an artifact; one of a few hundred trees has about 500,000


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained model, ready to score.

    Attributes:
        threshold: a probability from which an alert is worth its cost.
        usual: each feature's median over what it was trained on; NaN where it has none.
        distribution: of each feature over the same (models/live/drift.py).
        scored_at: when it was asked last.
    """

    id: int
    task: Task
    stage: Stage
    horizon: timedelta
    threshold: float
    vocabulary: Vocabulary
    forecast: Forecast
    usual: Sequence[float]
    distribution: Mapping[str, Any]
    train_until: datetime
    scored_at: datetime | None

    @property
    def horizon_h(self) -> float:
        return self.horizon / timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class NewModel:
    """What goes into the registry; `metrics` come from the test period, which `forecast` may
    since have learned from.

    Attributes:
        gate: what the gate said, as JSON (models/training/gate.py).
    """

    task: Task
    stage: Stage
    trained_at: datetime
    train_from: datetime
    train_until: datetime
    test_from: datetime
    test_until: datetime
    horizon: timedelta
    threshold: float
    vocabulary: Vocabulary
    usual: Sequence[float]
    distribution: Mapping[str, Any]
    costs: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gate: Mapping[str, Any]
    forecast: Forecast


def add(conn: Conn, model: NewModel) -> int:
    """Stores `model` and returns its id; whoever held its stage before makes room."""
    make_room(conn, str(model.task), model.stage)
    artifact = skops.io.dumps(model.forecast.estimators(), compression=zipfile.ZIP_DEFLATED)
    row = conn.execute(load("models")["add"], _row(model, artifact)).fetchone()
    assert row is not None
    return int(row["id"])


def in_use(conn: Conn, *stages: Stage) -> list[Row]:
    """The rows of the models in `stages`, by task: `open_model` makes models of them."""
    values = {"stages": [str(stage) for stage in stages]}
    return conn.execute(load("models")["in_use"], values).fetchall()


def champions(conn: Conn) -> list[Model]:
    """The model in charge of each task whose features are still computed.

    Raises BadInputError when an artifact was changed since it was stored.
    """
    rows = in_use(conn, Stage.CHAMPION)
    return [open_model(conn, row) for row in rows if row["feature_schema"] == schema_hash()]


def open_model(conn: Conn, row: Row) -> Model:
    """The model of a row, with its forecast. Raises BadInputError when that can't be trusted, or
    needs features that are no longer computed."""
    if row["feature_schema"] != schema_hash():
        raise BadInputError(
            f"model {row['id']}: made for features {row['feature_schema']}, and {schema_hash()} are "
            "computed; train anew"
        )
    settings = row["settings"]
    return Model(
        id=row["id"],
        task=Task(settings["kind"], settings["component"]),
        stage=Stage(row["stage"]),
        horizon=timedelta(hours=row["horizon_h"]),
        threshold=row["threshold"],
        vocabulary=Vocabulary.from_json(settings["vocabulary"]),
        forecast=_forecast(conn, row["id"], row["artifact_sha256"], settings["forecast"]),
        usual=[float("nan") if value is None else value for value in settings["usual"]],
        distribution=row["distribution"],
        train_until=row["train_until"],
        scored_at=row["scored_at"],
    )


def _row(model: NewModel, artifact: bytes) -> dict[str, Any]:
    settings = {
        "kind": model.task.kind,
        "component": model.task.component,
        "costs": dict(model.costs),
        "vocabulary": model.vocabulary.to_json(),
        "forecast": model.forecast.settings(),
        # JSON has no NaN.
        "usual": [None if value != value else float(value) for value in model.usual],
    }
    return {
        "task": str(model.task),
        "stage": model.stage,
        "trained_at": model.trained_at,
        "promoted_at": model.trained_at if model.stage is Stage.CHAMPION else None,
        "train_from": model.train_from,
        "train_until": model.train_until,
        "test_from": model.test_from,
        "test_until": model.test_until,
        "horizon_h": model.horizon / timedelta(hours=1),
        "feature_schema": schema_hash(),
        "threshold": model.threshold,
        "metrics": Jsonb(model.metrics),
        "settings": Jsonb(settings),
        "gate": Jsonb(model.gate),
        "distribution": Jsonb(model.distribution),
        "artifact": artifact,
        "artifact_sha256": hashlib.sha256(artifact).hexdigest(),
    }


# Estimators by the hash of their artifact: scoring runs often, and loading takes longer than it.
_loaded: OrderedDict[str, dict[str, Any]] = OrderedDict()


def _forecast(conn: Conn, model_id: int, sha256: str, settings: Mapping[str, Any]) -> Forecast:
    if sha256 not in _loaded:
        row = conn.execute(load("models")["artifact"], {"id": model_id}).fetchone()
        assert row is not None
        _loaded[sha256] = _unpack(model_id, bytes(row["artifact"]), sha256)
        if len(_loaded) > _KEPT_LOADED:
            _loaded.popitem(last=False)
    return Forecast.restore(_loaded[sha256], settings)


def _unpack(model_id: int, artifact: bytes, sha256: str) -> dict[str, Any]:
    if len(artifact) > _MOST_BYTES:
        raise BadInputError(
            f"model {model_id}: its artifact has {len(artifact)} bytes; {_MOST_BYTES} are allowed"
        )
    if hashlib.sha256(artifact).hexdigest() != sha256:
        raise BadInputError(f"model {model_id}: its artifact does not fit its SHA-256; train anew")
    foreign = set(skops.io.get_untrusted_types(data=artifact)) - set(ALLOWED_TYPES)
    if foreign:
        raise BadInputError(f"model {model_id}: its artifact holds {sorted(foreign)}; not allowed")
    estimators: dict[str, Any] = skops.io.loads(artifact, trusted=list(ALLOWED_TYPES))
    return estimators
