"""How fast the features of a large fleet are computed as of now, from its rollups as arrays.

python -m benchmarks.features [--devices 100000]. The last line is JSON: seconds for all devices, from
the rollups' columns to the matrix, a chunk of devices at a time, in one process.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.report import MetricKind
from pipeline.features.build import features_at
from pipeline.features.definitions import features
from pipeline.features.frames import Frames, Marks, Peers, PeerSums
from pipeline.features.store import series_of
from pipeline.features.vocabulary import Attribute, Vocabulary

_START = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 2_000
_HEARD = 0.95  # of all hours
_HOUR_US = np.timedelta64(3_600_000_000, "us")
_CODES = tuple(f"printer:{number}" for number in range(5))
_PARTS = ("printer", "reader")
_SEVERE = ("*:critical", "*:warning", "printer:warning")

VOCABULARY = Vocabulary(
    gauges=("heat", "voltage", "level", "current"),
    counters=("prints", "cuts", "jams"),
    events=("*", *_CODES),
    severities=_SEVERE,
    sequences=(f"{_CODES[0]}>{_CODES[1]}", f"{_CODES[1]}>{_CODES[2]}"),
    serviced=("*", *_PARTS),
    failing=("*", *_PARTS),
    attributes=(Attribute("model", ("A", "B", "C")),),
    gaps=(720.0, 1440.0, 1440.0),
    limits=((0.0, 90.0), (11.0, 14.0), (0.0, 100.0), (0.0, 5.0)),
    usage="prints",
    peers=("model",),
)
_HOURS = ceil(VOCABULARY.lookback_h)


_METRICS = {
    number: (name, MetricKind.GAUGE if name in VOCABULARY.gauges else MetricKind.COUNTER)
    for number, name in enumerate((*VOCABULARY.gauges, *VOCABULARY.counters))
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    devices = parser.parse_args().devices
    peers, seconds = _peers(), 0.0
    for first in range(0, devices, _CHUNK):
        count = min(_CHUNK, devices - first)
        frames, columns = _told(count, peers, first), _rollups(count, first)
        began = time.perf_counter()
        series = series_of(columns, _METRICS, frames.device_ids, _START, _HOURS)
        frames = replace(frames, series=series)
        moments = np.full(count, float(_HOURS))
        matrix = features_at(frames, np.arange(count), moments, VOCABULARY)
        seconds += time.perf_counter() - began
        assert matrix.values.shape == (count, len(features(VOCABULARY)))
    figures = {
        "devices": devices,
        "features": len(features(VOCABULARY)),
        "rollups": devices * _HOURS * len(_METRICS),
        "seconds": round(seconds, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(figures))


def _rollups(devices: int, seed: int) -> dict[str, NDArray[Any]]:
    """Columns as they are read from the store: four readings an hour, one hour in twenty missing."""
    rng = np.random.default_rng(seed)
    metric, device, hour = (
        axis.reshape(-1) for axis in np.indices((len(_METRICS), devices, _HOURS), np.int32)
    )
    kept = np.flatnonzero(rng.random(len(hour)) < _HEARD)
    level = rng.normal(40, 5, len(kept))
    return {
        "hour": np.datetime64(_START.replace(tzinfo=None), "us") + hour[kept] * _HOUR_US,
        "device_id": device[kept],
        "metric_id": metric[kept].astype(np.int16),
        "n": np.full(len(kept), 4, np.int32),
        "total": 4 * level,
        "squares": 4 * level**2 + 1,
        "low": level - 1,
        "high": level + 1,
        "first": level,
        "last": level + hour[kept],
        "growth": rng.poisson(3, len(kept)).astype(np.float64),
    }


def _told(devices: int, peers: Peers, seed: int) -> Frames:
    rng = np.random.default_rng(seed)

    def marks(names: tuple[str, ...], a_device: int, back_h: float) -> Marks:
        count = a_device * devices
        at = rng.uniform(_HOURS - back_h, _HOURS, count)
        who, what = rng.integers(0, devices, count), rng.integers(0, len(names), count)
        return Marks(names, what, who, at, at)

    services = marks(_PARTS, 4, 4_000)
    model = tuple("ABC"[number % 3] for number in range(devices))
    same = ("",) * devices
    return Frames(
        start=_START,
        buckets=_HOURS,
        device_ids=np.arange(devices),
        attributes={"kind": same, "model": model, "firmware": same, "site": same},
        installed=np.zeros(devices),
        series=(),
        events=marks(VOCABULARY.events, 20, 720),
        severities=marks(("printer:critical", "printer:warning", "reader:warning"), 20, 720),
        maintenance=services,
        replacements=services,
        failures=marks(_PARTS, 2, 4_000),
        peers=peers,
    )


def _peers() -> Peers:
    groups = {"model": {f"/{name}": place for place, name in enumerate("ABC")}}
    counted, level = np.full((3, _HOURS), 30_000.0), np.full((3, _HOURS), 40.0)
    sums = PeerSums(counted, counted * level, counted * (level**2 + 25))
    names = (name for name, _ in _METRICS.values())
    return Peers(_START, timedelta(hours=1), groups, {("model", name): sums for name in names})


if __name__ == "__main__":
    main()
