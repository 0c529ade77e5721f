"""Decisions of a fleet's past: when a model could have spoken, and what it would have seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.labels import broken, failed, replaced_in_time
from models.settings import TrainSettings
from pipeline.features.build import features_at
from pipeline.features.definitions import Feature
from pipeline.features.frames import HOUR, Floats, Frames, Ints, Marks, heard
from pipeline.features.learn import load_vocabulary
from pipeline.features.store import load_frames, load_peers
from pipeline.features.vocabulary import Vocabulary
from storage.database import Conn
from storage.queries import load

_CHUNK = 200  # devices whose hours are held in memory at a time
# A device says something for a day before anything is foretold of it, and nothing is foretold of one
# that is silent for longer. Where a day holds few rollups, or a short history has them by the minute:
_DAY_H, _FEWEST_BUCKETS, _MOST_BUCKETS = 24.0, 3, 24
_QUIET_TELLING_H = 720.0  # for devices that measure nothing and only tell events


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Decisions of one kind of device, ordered by device and time.

    Attributes:
        start: what `moment` (hours) counts from.
        end: until when failures are known, in hours since `start`.
        device: (rows,) index into the devices looked at.
        values: (rows, features) float32.
        failures, maintenance: with device indexes as in `device`.
        watched: (devices,) until when each device was in service, in hours since `start`.
        weight: (devices,) how many devices of the fleet each stands for: of a large fleet all that
            failed are looked at, and a sample of the others.
        device_ids: (devices,) as in the store; in a folder their places.
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
    watched: Floats
    weight: Floats
    device_ids: Ints


@dataclass(frozen=True, slots=True, eq=False)
class TaskRows:
    """The decisions of one component's task: indexes into a dataset, and their labels.

    Attributes:
        teaches: False where the component was serviced before it could show what it would do.
        weight: how many decisions of the fleet each stands for.
    """

    index: Ints
    device: Ints
    moment: Floats
    label: NDArray[np.bool_]
    teaches: NDArray[np.bool_]
    weight: Floats


def load_dataset(
    conn: Conn, kind: str, start: datetime, end: datetime, settings: TrainSettings
) -> tuple[Dataset, Vocabulary]:
    """The decisions of all devices of `kind` (or a random sample of them) from `start` to `end`."""
    ids = [row["id"] for row in conn.execute(load("models")["devices"], {"kind": kind}).fetchall()]
    chosen = _sample(ids, settings.max_devices)
    vocabulary = load_vocabulary(conn, chosen, start, end)
    step = _step_h(settings, len(chosen), (end - start) / HOUR)
    parts = _parts(conn, chosen, vocabulary, start, end, step)
    most = len(chosen) * (int((end - start) / HOUR) // step + 1)
    return join(parts, most), vocabulary


def task_rows(data: Dataset, component: str, horizon: timedelta) -> TaskRows:
    """The decisions about `component`: those while it is broken, and those whose outcome nobody
    can know, as the data or the device's service ends first, are none."""
    horizon_h = horizon / HOUR
    failures, maintenance = data.failures.of(component), data.maintenance.of(component)
    at = (failures, maintenance, data.device, data.moment)
    label = failed(failures, data.device, data.moment, horizon_h)
    until = data.moment + horizon_h
    known = (until <= data.end) & ((until <= data.watched[data.device]) | label)
    index = np.flatnonzero(~broken(*at) & known)
    teaches = ~replaced_in_time(*at, horizon_h)
    device = data.device[index]
    return TaskRows(
        index, device, data.moment[index], label[index], teaches[index], data.weight[device]
    )


def frame_decisions(
    frames: Frames,
    moments: Floats,
    vocabulary: Vocabulary,
    weight: Floats | None = None,
) -> Dataset:
    """What could be asked about the devices of `frames` at `moments` (hours since their start)."""
    device, at = decisions(frames, moments)
    matrix = features_at(frames, device, at, vocabulary)
    devices = len(frames.device_ids)
    return Dataset(
        frames.start,
        float(frames.hours),
        devices,
        device,
        at,
        matrix.features,
        matrix.values,
        frames.failures,
        frames.maintenance,
        watched_until(frames),
        np.ones(devices) if weight is None else weight,
        frames.device_ids,
    )


def decisions(frames: Frames, moments: Floats) -> tuple[Ints, Floats]:
    """(device index, moment) of every decision: those of `moments` at which a device speaks."""
    device, column = np.nonzero(speaking(frames, moments))
    return device.astype(np.int64), moments[column].astype(np.float64)


def speaking(frames: Frames, moments: Floats | Ints) -> NDArray[np.bool_]:
    """(devices, len(moments)): whether enough was heard of the device, by then, to speak of it."""
    width = frames.bucket / HOUR
    said = heard(frames)
    columns = np.arange(said.shape[1])
    warm_up = _day_h(frames)
    first = np.where(said.any(axis=1), said.argmax(axis=1) * width, np.inf)
    newest = np.maximum.accumulate(np.where(said, columns * width, -np.inf), axis=1)
    column = np.clip(np.floor(moments / width).astype(np.int64) - 1, 0, said.shape[1] - 1)
    lately: NDArray[np.bool_] = moments[None, :] - newest[:, column] <= _quiet_h(frames)
    return lately & (moments[None, :] >= first[:, None] + warm_up)


def watched_until(frames: Frames) -> Floats:
    """(devices,) until when each was in service: to the end, unless it fell silent before."""
    width = frames.bucket / HOUR
    said = heard(frames)
    last = (said.shape[1] - said[:, ::-1].argmax(axis=1)) * width
    last = np.where(said.any(axis=1), last, 0.0)
    silent = frames.hours - last > _quiet_h(frames)
    return np.where(silent, last, float(frames.hours))


def _quiet_h(frames: Frames) -> float:
    return _day_h(frames) if frames.series else _QUIET_TELLING_H


def _day_h(frames: Frames) -> float:
    width = frames.bucket / HOUR
    return max(min(_DAY_H, _MOST_BUCKETS * width), _FEWEST_BUCKETS * width)


def join(parts: Iterable[Dataset], most: int | None = None) -> Dataset:
    """The decisions of chunks of devices as one data set; the chunks share start and end.

    Where it is known that there are at most `most`, the chunks are taken one by one, and no value
    is held twice.
    """
    if most is None:
        parts = list(parts)
        most = sum(len(part.values) for part in parts)
    kept: list[Dataset] = []
    values, rows = np.empty((0, 0), np.float32), 0
    for part in parts:
        if not kept:
            values = np.empty((most, part.values.shape[1]), np.float32)
        values[rows : rows + len(part.values)] = part.values
        rows += len(part.values)
        kept.append(replace(part, values=values[:0]))
    offsets = np.cumsum([0, *(part.devices for part in kept)])
    return replace(
        kept[0],
        devices=int(offsets[-1]),
        device=_joined([part.device + at for part, at in zip(kept, offsets, strict=False)]),
        moment=_joined([part.moment for part in kept]),
        values=values[:rows],
        failures=join_marks([part.failures for part in kept], offsets),
        maintenance=join_marks([part.maintenance for part in kept], offsets),
        watched=_joined([part.watched for part in kept]),
        weight=_joined([part.weight for part in kept]),
        device_ids=_joined([part.device_ids for part in kept]),
    )


def join_marks(parts: Sequence[Marks], offsets: Sequence[int] | NDArray[Any]) -> Marks:
    """Marks of chunks of devices as one; each chunk's devices begin at its offset."""
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
    peers = load_peers(conn, ids, vocabulary.peers, start, end)
    for first in range(0, len(ids), _CHUNK):
        frames = load_frames(conn, ids[first : first + _CHUNK], start, end, peers)
        yield frame_decisions(
            frames, np.arange(step, frames.hours + 1, step, dtype=np.float64), vocabulary
        )


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays)
