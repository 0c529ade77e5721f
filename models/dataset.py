"""Decisions of a fleet's past: when a model could have spoken, and what it would have seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.labels import broken, failed, replaced_in_time
from models.settings import TrainSettings
from pipeline.features.build import features_at
from pipeline.features.definitions import Feature, Vocabulary
from pipeline.features.frames import HOUR, Floats, Frames, Ints, Marks, heard
from pipeline.features.store import load_frames
from storage.database import Conn
from storage.queries import load

_CHUNK = 200  # devices whose hours are held in memory at a time
_WARM_UP_H = 24  # a device says something for a day before anything is foretold of it
_QUIET_H = 24  # of a device that is silent for longer, nothing is foretold


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Decisions of one kind of device, ordered by device and time.

    Attributes:
        start: what `moment` (hours) counts from.
        end: until when failures are known, in hours since `start`.
        device: (rows,) index into the devices looked at.
        values: (rows, features) float32.
        failures, maintenance: with device indexes as in `device`.
    """

    start: datetime
    end: float
    devices: int
    device: Ints
    moment: Floats
    features: tuple[Feature, ...]
    values: NDArray[np.float32]
    failures: Marks
    maintenance: Marks


@dataclass(frozen=True, slots=True, eq=False)
class TaskRows:
    """The decisions of one component's task: indexes into a dataset, and their labels.

    Attributes:
        teaches: False where the component was serviced before it could show what it would do.
    """

    index: Ints
    device: Ints
    moment: Floats
    label: NDArray[np.bool_]
    teaches: NDArray[np.bool_]


def load_dataset(
    conn: Conn, kind: str, start: datetime, end: datetime, settings: TrainSettings
) -> tuple[Dataset, Vocabulary]:
    """The decisions of all devices of `kind` (or a random sample of them) from `start` to `end`."""
    ids = [row["id"] for row in conn.execute(load("models")["devices"], {"kind": kind}).fetchall()]
    chosen = _sample(ids, settings.max_devices)
    vocabulary = load_vocabulary(conn, chosen, start, end)
    step = _step_h(settings, len(chosen), (end - start) / HOUR)
    parts = list(_parts(conn, chosen, vocabulary, start, end, step))
    return _join(parts, (end - parts[0].start) / HOUR), vocabulary


def load_vocabulary(
    conn: Conn, devices: Sequence[int], start: datetime, end: datetime
) -> Vocabulary:
    """The metrics, event codes, components and models that `devices` have."""
    span = {"devices": list(devices), "start": start, "end": end}

    def words(query: str) -> tuple[str, ...]:
        return tuple(row["name"] for row in conn.execute(load("models")[query], span).fetchall())

    return Vocabulary(
        gauges=words("gauges"),
        counters=words("counters"),
        events=("*", *words("codes")),
        components=words("components"),
        models=words("makes"),
    )


def task_rows(data: Dataset, component: str, horizon: timedelta) -> TaskRows:
    """The decisions about `component`: those while it is broken, and those whose outcome lies
    beyond the data's end, are none."""
    horizon_h = horizon / HOUR
    failures, maintenance = data.failures.of(component), data.maintenance.of(component)
    at = (failures, maintenance, data.device, data.moment)
    index = np.flatnonzero(~broken(*at) & (data.moment + horizon_h <= data.end))
    label = failed(failures, data.device, data.moment, horizon_h)
    teaches = ~replaced_in_time(*at, horizon_h)
    return TaskRows(index, data.device[index], data.moment[index], label[index], teaches[index])


def decisions(frames: Frames, step: int) -> tuple[Ints, Floats]:
    """(device index, moment) of every decision: every `step` hours while a device speaks."""
    hours = np.arange(step, frames.hours + 1, step)
    device, column = np.nonzero(speaking(frames, hours))
    return device.astype(np.int64), hours[column].astype(np.float64)


def speaking(frames: Frames, hours: Ints) -> NDArray[np.bool_]:
    """(devices, len(hours)): whether enough was heard of the device, by then, to speak of it."""
    said = heard(frames)
    first = np.where(said.any(axis=1), said.argmax(axis=1), frames.hours + _WARM_UP_H)
    newest = np.maximum.accumulate(np.where(said, np.arange(said.shape[1]), -_QUIET_H), axis=1)
    lately: NDArray[np.bool_] = hours[None, :] - newest[:, hours - 1] <= _QUIET_H
    return lately & (hours[None, :] >= first[:, None] + _WARM_UP_H)


def _sample(ids: list[int], most: int) -> list[int]:
    if len(ids) <= most:
        return ids
    return sorted(np.random.default_rng(0).choice(ids, most, replace=False).tolist())


def _step_h(settings: TrainSettings, devices: int, hours: float) -> int:
    step = round(settings.step / HOUR)
    while devices * hours / step > settings.max_decisions:
        step += round(settings.step / HOUR)
    return step


def _parts(
    conn: Conn,
    ids: Sequence[int],
    vocabulary: Vocabulary,
    start: datetime,
    end: datetime,
    step: int,
) -> Iterator[Dataset]:
    for first in range(0, len(ids), _CHUNK):
        frames = load_frames(conn, ids[first : first + _CHUNK], start, end)
        device, moment = decisions(frames, step)
        matrix = features_at(frames, device, moment, vocabulary)
        yield Dataset(
            frames.start,
            frames.hours,
            len(frames.device_ids),
            device,
            moment,
            matrix.features,
            matrix.values,
            frames.failures,
            frames.maintenance,
        )


def _join(parts: Sequence[Dataset], end: float) -> Dataset:
    offsets = np.cumsum([0, *(part.devices for part in parts)])
    return Dataset(
        parts[0].start,
        end,
        int(offsets[-1]),
        _joined([part.device + offset for part, offset in zip(parts, offsets, strict=False)]),
        _joined([part.moment for part in parts]),
        parts[0].features,
        np.concatenate([part.values for part in parts]),
        _join_marks([part.failures for part in parts], offsets),
        _join_marks([part.maintenance for part in parts], offsets),
    )


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays)


def _join_marks(parts: Sequence[Marks], offsets: NDArray[Any]) -> Marks:
    names = tuple(sorted({name for part in parts for name in part.names}))
    what = [np.array([names.index(n) for n in part.names], np.int64)[part.what] for part in parts]
    device = [part.device + offset for part, offset in zip(parts, offsets, strict=False)]
    return Marks(
        names,
        _joined(what),
        _joined(device),
        _joined([part.at for part in parts]),
        _joined([part.known for part in parts]),
    )
