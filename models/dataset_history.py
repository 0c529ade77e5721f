"""Data sets from a history folder, a chunk of devices at a time.

A chunk is a value that can be sent to another machine: the part of the history that its devices have,
and what the fleet has in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from domain.report import MetricKind
from models.dataset import Dataset, frame_decisions
from pipeline.features.definitions import Vocabulary
from pipeline.features.folder import history_frames, history_span
from pipeline.features.frames import ANY_ERROR, HOUR, Floats, Ints, event_name
from pipeline.history import History

_CELLS = 60_000_000  # device x column x metric of the frames of one chunk


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some devices of a history.

    Attributes:
        device: indexes into the history's devices.
        history: the part of them.
        until: nothing from here on is read; None: to the end.
        weight: (devices,) how many devices each stands for.
    """

    device: Ints
    history: History
    vocabulary: Vocabulary
    until: datetime | None
    weight: Floats


def chunks(
    history: History,
    devices: Ints,
    vocabulary: Vocabulary,
    until: datetime | None = None,
    weight: Floats | None = None,
) -> Iterator[Chunk]:
    """The parts of `devices`, so many at a time that their frames fit into memory."""
    weights = np.ones(len(devices)) if weight is None else weight
    hours = (history.ended - history.began).total_seconds() / 3600 + 1
    cells = hours * 8 * max(1, len(history.readings))
    size = int(max(1, min(1000, _CELLS // cells)))
    for first in range(0, len(devices), size):
        part = devices[first : first + size]
        yield Chunk(part, history.of(part), vocabulary, until, weights[first : first + size])


def chunk_decisions(chunk: Chunk, start: datetime, moments: Floats) -> Dataset:
    """What could be asked about the devices of `chunk` at `moments`, hours since `start`."""
    everything = np.arange(len(chunk.device), dtype=np.int64)
    frames = history_frames(chunk.history, everything, until=chunk.until)
    moved = moments + frames.hours_at(start)
    data = frame_decisions(frames, moved, chunk.vocabulary, chunk.weight)
    return replace(data, device_ids=chunk.device)


def of_kind(history: History, kind: str) -> Ints:
    """The devices of one kind."""
    kinds = np.array([device.kind for device in history.devices], dtype=object)
    return np.flatnonzero(kinds == kind)


def span_of(history: History) -> tuple[datetime, timedelta]:
    return history_span(history)[0], HOUR


def sample(
    history: History,
    devices: Ints,
    components: Sequence[str],
    most: int,
    until: np.datetime64,
) -> tuple[Ints, Floats]:
    """(devices to learn from, how many devices each stands for): at most about `most`.

    Those whose components failed before `until` come first; of the others, a random share.
    """
    names = np.array(history.failures.component.texts(), dtype=object)
    chosen = np.isin(names, components) & (history.failures.at < until)
    broke = np.zeros(len(history.devices), bool)
    broke[history.failures.device[chosen]] = True
    failing, sound = devices[broke[devices]], devices[~broke[devices]]
    if len(devices) <= most:
        return devices, np.ones(len(devices))
    draw = np.random.default_rng(0)
    first = min(len(failing), max(most // 2, most - len(sound)))
    parts = [(failing, first), (sound, most - first)]
    taken = [np.sort(draw.permutation(group)[:count]) for group, count in parts]
    weight = [np.full(count, len(group) / max(1, count)) for group, count in parts]
    order = np.argsort(np.concatenate(taken), kind="stable")
    return np.concatenate(taken)[order], np.concatenate(weight)[order]


def learn_vocabulary(history: History, until: datetime | None = None) -> Vocabulary:
    events = history.events
    names = {
        event_name(events.component.names[c], events.code.names[k])
        for c, k in set(
            zip(events.component.index.tolist(), events.code.index.tolist(), strict=True)
        )
    }
    by_kind = {
        kind: tuple(r.metric for r in history.readings if r.kind is kind) for kind in MetricKind
    }
    parts = {*history.failures.component.texts(), *history.maintenance.component.texts()}
    return Vocabulary(
        by_kind[MetricKind.GAUGE],
        by_kind[MetricKind.COUNTER],
        (ANY_ERROR, *sorted(names)),
        tuple(sorted(parts)),
        tuple(sorted({device.model for device in history.devices})),
    )
