"""Whether the models in charge still fit the fleet: what goes in, what came of it, and whether the
tickets were worth their visits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import sqrt
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg.types.json import Jsonb
from scipy.stats import chi2

from domain.clock import Clock
from domain.errors import BadInputError
from domain.text import N_, Text
from models.live.distribution import bins, psi
from models.live.outcomes import LOOK_BACK, Outcome, Settled, outcomes, precision
from models.live.recent import recent_values
from models.live.shadow import side_by_side
from models.registry.artifacts import Model, in_use, open_model
from models.registry.catalogue import Stage, entry
from models.settings import CostSettings
from models.training.gate import MOST_OFF, calibration_interval
from pipeline.features.definitions import Feature, Source, features
from pipeline.features.frames import Floats
from storage.database import Conn, Database
from storage.queries import load

MUCH = 0.25
"""A population stability index from which a feature has moved much."""

_ENOUGH = 0.25  # of a quantity's features: its level alone is some, its spread and slope others
_CHANCE = 0.001  # that a feature which has not moved is called moved
_FEWEST = 5  # failures or tickets: with fewer nothing is said
_SURELY_Z = 1.96
_NAMED = 5
_log = structlog.get_logger()

_STEADY_SOURCES = (Source.GAUGE, Source.COUNTER, Source.EVENT)
"""What does not move by the mere passing of time, as ages and counts of the past do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one model.

    Attributes:
        kind: `usable`, `inputs`, `calibration`, `tickets` or `shadow`.
        value: None where too little was seen to say anything.
        bound: beyond which it alarms.
    """

    model_id: int
    kind: str
    alarmed: bool
    said: Text
    value: float | None = None
    bound: float | None = None


def watch_models(database: Database, clock: Clock) -> list[Finding]:
    """Looks at every champion and keeps what was found; returns what alarms."""
    now = clock.now()
    with database.transaction() as conn:
        found = list(_look(conn, now))
        for finding in found:
            conn.execute(load("models")["note_check"], _row(finding, now))
    alarms = [finding for finding in found if finding.alarmed]
    for finding in alarms:
        _log.warning("a model does not fit any more", model=finding.model_id, why=str(finding.said))
    return alarms


def _look(conn: Conn, now: datetime) -> Iterator[Finding]:
    settled = outcomes(conn, now - LOOK_BACK, now)
    models: list[Model] = []
    for row in in_use(conn, Stage.CHAMPION):
        try:
            models.append(open_model(conn, row))
        except BadInputError as error:
            said = Text(N_("it can't be used: {why}"), {"why": str(error)})
            yield Finding(row["id"], "usable", True, said)
    for model in models:
        yield Finding(model.id, "usable", False, Text(N_("it can be used")))
        yield calibration(conn, model, settled, now)
        yield tickets(conn, model, settled)
    yield from shadows(conn, settled, now)
    for kind, group in groupby(models, key=lambda model: model.task.kind):
        yield from inputs(conn, kind, list(group), now)


def shadows(conn: Conn, settled: Sequence[Settled], now: datetime) -> Iterator[Finding]:
    """How the models in shadow do beside those in charge."""
    challengers = {row["task"]: row for row in in_use(conn, Stage.CHALLENGER)}
    for row in in_use(conn, Stage.CHAMPION):
        other = challengers.get(row["task"])
        if other is None:
            said = Text(N_("no other model of it scores in shadow"))
            yield Finding(row["id"], "shadow", False, said)
            continue
        found = side_by_side(conn, row, other, settled, now)
        if found is None:
            waiting = N_("of what model {model} foretells in shadow nothing is over yet")
            said = Text(waiting, {"model": other["id"]})
            yield Finding(row["id"], "shadow", False, said)
        else:
            saved = found.first.cost - found.second.cost
            yield Finding(row["id"], "shadow", False, found.said(other["id"]), saved)


def inputs(conn: Conn, kind: str, models: Sequence[Model], now: datetime) -> Iterator[Finding]:
    """Which metrics and codes are no longer distributed as in what each model learned from."""
    for vocabulary in {model.vocabulary: None for model in models}:
        values, devices = recent_values(conn, kind, vocabulary, now)
        for model in (model for model in models if model.vocabulary == vocabulary):
            yield _inputs(model, values, devices)


def _inputs(model: Model, values: NDArray[np.float32], devices: int) -> Finding:
    if devices < _FEWEST:
        said = Text(N_("too few devices were heard lately to say whether they are as before"))
        return Finding(model.id, "inputs", False, said)
    index = psi(model.distribution, values)
    moved = _moved(features(model.vocabulary), index, _bounds(model.distribution, devices))
    if not moved:
        said = Text(N_("what devices say is distributed as in what it learned from"))
        return Finding(model.id, "inputs", False, said, 0, 0)
    names = ", ".join(list(moved)[:_NAMED])
    said = Text(
        N_("{count} quantities are not as in what it learned from: {names}"),
        {"count": len(moved), "names": names},
    )
    return Finding(model.id, "inputs", True, said, len(moved), 0)


def _bounds(distribution: Mapping[str, Any], devices: int) -> Floats:
    """(features,) beyond which an index is more than chance: the index of n and m independent draws
    of one distribution is about chi-squared * (1/n + 1/m); a device's values are one draw."""
    spread = 1 / devices + 1 / max(1, distribution["devices"])
    chance: Floats = chi2.ppf(1 - _CHANCE, bins(distribution) - 1) * spread
    return MUCH + chance


def _moved(columns: Sequence[Feature], index: Floats, bounds: Floats) -> dict[str, float]:
    """Subjects of which enough features have moved, with their median index; most first."""
    beyond: dict[str, list[bool]] = {}
    values: dict[str, list[float]] = {}
    for feature, value, bound in zip(columns, index, bounds, strict=True):
        if feature.source in _STEADY_SOURCES:
            beyond.setdefault(feature.subject, []).append(value > bound)
            values.setdefault(feature.subject, []).append(value)
    found = {
        subject: float(np.median(values[subject]))
        for subject, each in beyond.items()
        if np.mean(each) >= _ENOUGH
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def calibration(conn: Conn, model: Model, settled: Sequence[Settled], now: datetime) -> Finding:
    """What came of what it foretold: one prediction a device and day whose time is over."""
    span = {"start": now - LOOK_BACK, "until": now - model.horizon, "model_id": model.id}
    rows = conn.execute(load("models")["matured"], span).fetchall()
    prevented = {
        (each.device_id, each.at)
        for each in settled
        if each.outcome is Outcome.PREVENTED and each.component == model.task.component
    }
    kept = [
        (row, row["failed"] or (row["device_id"], row["serviced_at"]) in prevented) for row in rows
    ]
    # Serviced before it could show what it would do: nobody knows.
    kept = [(row, came) for row, came in kept if came or row["serviced_at"] is None]
    came = np.array([came for _, came in kept], bool)
    foretold = np.array([row["probability"] for row, _ in kept], np.float64)
    if max(came.sum(), foretold.sum()) < _FEWEST:
        said = Text(N_("too little has come of its predictions yet to say whether they are right"))
        return Finding(model.id, "calibration", False, said)
    device = np.array([row["device_id"] for row, _ in kept], np.int64)
    low, high = calibration_interval(foretold, came, device)
    said = Text(
        N_("what came is {low} to {high} times what it foretold lately"),
        {"low": round(low, 2), "high": round(high, 2)},
    )
    ratio = float(came.sum() / max(foretold.sum(), 1e-9))
    alarmed = low > MOST_OFF or high < 1 / MOST_OFF
    return Finding(model.id, "calibration", alarmed, said, ratio, MOST_OFF)


def tickets(conn: Conn, model: Model, settled: Sequence[Settled]) -> Finding:
    """Whether the tickets that it opened lately were worth their visits."""
    counted = precision([each for each in settled if each.model_id == model.id])
    if counted.share is None:
        said = Text(N_("of none of its tickets it is known yet what became of it"))
        return Finding(model.id, "tickets", False, said)
    words = {"right": counted.right, "all": counted.right + counted.wrong}
    said = Text(N_("{right} of its last {all} tickets were right"), words)
    if counted.right + counted.wrong < _FEWEST:
        return Finding(model.id, "tickets", False, said)
    bound = _worth(entry(conn, model.id))
    alarmed = _at_most(counted.right, counted.right + counted.wrong) < bound
    return Finding(model.id, "tickets", alarmed, said, counted.share, bound)


def _worth(row: Mapping[str, Any]) -> float:
    """The precision below which tickets cost more than they save, or are half as good as promised."""
    test = row["metrics"]["test"]
    promised = 1 - test["false_episodes"] / max(1, test["episodes"])
    costs = CostSettings(**row["settings"]["costs"])
    return max(costs.break_even, float(promised) / 2)


def _at_most(right: int, seen: int) -> float:
    """The upper end of Wilson's 95 % interval of a share. Wilson, JASA 22, 1927."""
    share, z2 = right / seen, _SURELY_Z**2
    middle = share + z2 / (2 * seen)
    reach = _SURELY_Z * sqrt(share * (1 - share) / seen + z2 / (4 * seen**2))
    return (middle + reach) / (1 + z2 / seen)


def _row(finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "model_id": finding.model_id,
        "kind": finding.kind,
        "at": now,
        "value": finding.value,
        "bound": finding.bound,
        "alarmed": finding.alarmed,
        "detail": Jsonb({"said": finding.said.to_json()}),
    }
