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
from sklearn.ensemble import HistGradientBoostingClassifier

from domain.errors import BadInputError
from models.estimator import Calibration
from pipeline.features.definitions import Vocabulary
from storage.database import Conn
from storage.queries import load

_ALLOWED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
_KEPT_LOADED = 64


@dataclass(frozen=True, slots=True)
class Task:
    """What a model foretells: that `component` fails on a device of `kind`."""

    kind: str
    component: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.component}"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained model, ready to score.

    Attributes:
        usual: each feature's median over what it was trained on; NaN where it has none.
        threshold: a probability from which an alert is worth its cost.
    """

    id: int
    task: Task
    horizon: timedelta
    threshold: float
    feature_schema: str
    vocabulary: Vocabulary
    calibration: Calibration
    usual: Sequence[float]
    train_until: datetime
    estimator: HistGradientBoostingClassifier


@dataclass(frozen=True, slots=True, eq=False)
class NewModel:
    """What goes into the registry; `metrics` come from the test period, which `estimator` may
    since have learned from."""

    task: Task
    stage: str
    trained_at: datetime
    train_from: datetime
    train_until: datetime
    test_from: datetime
    test_until: datetime
    horizon: timedelta
    threshold: float
    feature_schema: str
    vocabulary: Vocabulary
    calibration: Calibration
    usual: Sequence[float]
    costs: Mapping[str, float]
    metrics: Mapping[str, Any]
    estimator: HistGradientBoostingClassifier


def add(conn: Conn, model: NewModel) -> int:
    """Stores `model` and returns its id; a new champion retires the one before."""
    if model.stage == "champion":
        conn.execute(load("models")["retire_champion"], {"task": str(model.task)})
    artifact = skops.io.dumps(model.estimator, compression=zipfile.ZIP_DEFLATED)
    row = conn.execute(load("models")["add"], _row(model, artifact)).fetchone()
    assert row is not None
    return int(row["id"])


def champions(conn: Conn) -> list[Model]:
    """The model in charge of each task.

    Raises BadInputError when an artifact was changed since it was stored.
    """
    return [_model(conn, row) for row in conn.execute(load("models")["champions"]).fetchall()]


def listing(conn: Conn) -> list[dict[str, Any]]:
    """Every model's row without its artifact, newest first within a task."""
    return conn.execute(load("models")["listing"]).fetchall()


def _row(model: NewModel, artifact: bytes) -> dict[str, Any]:
    settings = {
        "kind": model.task.kind,
        "component": model.task.component,
        "costs": dict(model.costs),
        "vocabulary": model.vocabulary.to_json(),
        "calibration": [model.calibration.slope, model.calibration.intercept],
        # JSON has no NaN.
        "usual": [None if value != value else float(value) for value in model.usual],
    }
    return {
        "task": str(model.task),
        "stage": model.stage,
        "trained_at": model.trained_at,
        "train_from": model.train_from,
        "train_until": model.train_until,
        "test_from": model.test_from,
        "test_until": model.test_until,
        "horizon_h": model.horizon / timedelta(hours=1),
        "feature_schema": model.feature_schema,
        "threshold": model.threshold,
        "metrics": Jsonb(model.metrics),
        "settings": Jsonb(settings),
        "artifact": artifact,
        "artifact_sha256": hashlib.sha256(artifact).hexdigest(),
    }


def _model(conn: Conn, row: Mapping[str, Any]) -> Model:
    settings = row["settings"]
    return Model(
        id=row["id"],
        task=Task(settings["kind"], settings["component"]),
        horizon=timedelta(hours=row["horizon_h"]),
        threshold=row["threshold"],
        feature_schema=row["feature_schema"],
        vocabulary=Vocabulary.from_json(settings["vocabulary"]),
        calibration=Calibration(*settings["calibration"]),
        usual=[float("nan") if value is None else value for value in settings["usual"]],
        train_until=row["train_until"],
        estimator=_estimator(conn, row["id"], row["artifact_sha256"]),
    )


# Estimators by the hash of their artifact: scoring runs often, and loading takes longer than it.
_loaded: OrderedDict[str, HistGradientBoostingClassifier] = OrderedDict()


def _estimator(conn: Conn, model_id: int, sha256: str) -> HistGradientBoostingClassifier:
    if sha256 not in _loaded:
        row = conn.execute(load("models")["artifact"], {"id": model_id}).fetchone()
        assert row is not None
        _loaded[sha256] = _unpack(model_id, bytes(row["artifact"]), sha256)
        if len(_loaded) > _KEPT_LOADED:
            _loaded.popitem(last=False)
    return _loaded[sha256]


def _unpack(model_id: int, artifact: bytes, sha256: str) -> HistGradientBoostingClassifier:
    if hashlib.sha256(artifact).hexdigest() != sha256:
        raise BadInputError(f"model {model_id}: its artifact does not fit its SHA-256; train anew")
    foreign = set(skops.io.get_untrusted_types(data=artifact)) - set(_ALLOWED_TYPES)
    if foreign:
        raise BadInputError(f"model {model_id}: its artifact holds {sorted(foreign)}; not allowed")
    return skops.io.loads(artifact, trusted=list(_ALLOWED_TYPES))
