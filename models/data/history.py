"""Data sets from a history folder, a chunk of devices at a time.

A chunk is a value that can be sent to another machine: the part of the history that its devices have,
and what the fleet has in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from models.data.dataset import Dataset, frame_decisions
from pipeline.features.folder import device_chunks, history_frames, history_peers, history_span
from pipeline.features.frames import Floats, Ints, Peers
from pipeline.features.learn import history_bucket
from pipeline.features.vocabulary import Vocabulary
from pipeline.history import History


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some devices of a history.

    Attributes:
        device: indexes into the history's devices.
        history: the part of them.
        peers: how all devices of the history stood.
        until: nothing from here on is read; None: to the end.
        weight: (devices,) how many devices each stands for.
    """

    device: Ints
    history: History
    vocabulary: Vocabulary
    peers: Peers
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
    peers, first = history_peers(history, vocabulary, until), 0
    for part in device_chunks(history, devices, vocabulary.bucket):
        theirs = weights[first : first + len(part)]
        yield Chunk(part, history.of(part), vocabulary, peers, until, theirs)
        first += len(part)


def chunk_decisions(chunk: Chunk, start: datetime, moments: Floats) -> Dataset:
    """What could be asked about the devices of `chunk` at `moments`, hours since `start`."""
    everything = np.arange(len(chunk.device), dtype=np.int64)
    bucket = chunk.vocabulary.bucket
    frames = history_frames(chunk.history, everything, bucket, chunk.until, chunk.peers)
    moved = moments + frames.hours_at(start)
    data = frame_decisions(frames, moved, chunk.vocabulary, chunk.weight)
    return replace(data, device_ids=chunk.device)


def of_kind(history: History, kind: str) -> Ints:
    """The devices of one kind."""
    kinds = np.array([device.kind for device in history.devices], dtype=object)
    return np.flatnonzero(kinds == kind)


def span_of(history: History) -> tuple[datetime, timedelta]:
    """(when the first column begins, how long each lasts)."""
    bucket = history_bucket(history)
    return history_span(history, None, bucket)[0], bucket


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
