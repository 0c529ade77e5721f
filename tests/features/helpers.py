"""Random frames, and the readings that they were made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from domain.report import MetricKind
from pipeline.features.definitions import Vocabulary
from pipeline.features.frames import Frames, Series, empty_series, marks

START = datetime(2026, 3, 2, tzinfo=UTC)
Raw = dict[tuple[str, int], list[tuple[float, float]]]  # (metric, device) -> (hours, value)
MarkRow = tuple[str, int, float, float]

VOCABULARY = Vocabulary(
    gauges=("heat",),
    counters=("cuts",),
    events=("*", "printer:jam"),
    components=("printer",),
    models=("A", "B"),
)


@dataclass(frozen=True)
class Past:
    """What happened to a few devices, as it would be told: readings and marks one by one."""

    hours: int
    readings: Raw
    events: list[MarkRow]
    maintenance: list[MarkRow]
    failures: list[MarkRow]
    models: tuple[str, ...] = ("A", "B", "")
    installed: tuple[float, ...] = (-500.0, float("nan"), 3.0)


def random_past(seed: int, hours: int = 240) -> Past:
    rng = np.random.default_rng(seed)
    readings: Raw = {}
    for device in range(3):
        at = np.sort(rng.uniform(0, hours, rng.integers(5, hours)))
        readings["heat", device] = list(zip(at, rng.normal(40, 3, len(at)), strict=True))
        readings["cuts", device] = list(_counter(rng, hours))

    def some(name: str, late_h: float) -> list[MarkRow]:
        at = rng.uniform(-20, hours, rng.integers(0, 25))
        late = rng.exponential(late_h, len(at)) * (rng.random(len(at)) < 0.5)
        device = rng.integers(0, 3, len(at))
        return [
            (name, int(d), float(a), float(a + delay))
            for d, a, delay in zip(device, at, late, strict=True)
        ]

    return Past(
        hours,
        readings,
        [*some("*", 30), *some("printer:jam", 30)],
        some("printer", 1),
        some("printer", 1),
    )


def _counter(rng: np.random.Generator, hours: int) -> list[tuple[float, float]]:
    value, rows = 1000.0, []
    for hour in range(hours):
        if rng.random() < 0.2:
            continue
        for at in np.sort(rng.uniform(hour, hour + 1, rng.integers(1, 4))):
            value += float(rng.integers(0, 5))
            rows.append((float(at), value))
        if rng.random() < 0.02:
            value = 0.0
    return rows


def counted(before: float | None, after: float) -> float:
    """What a reading adds to the one before it, by the rule as it is told in words."""
    if before is None:
        return 0.0
    if after >= before:
        return after - before
    for limit in (2**16, 2**32):
        if limit * 15 / 16 <= before < limit and after <= limit / 16:
            return limit - before + after
    return after if after <= before / 2 else 0.0


def frames_of(past: Past, hours: int | None = None) -> Frames:
    shape = (len(past.models), hours or past.hours)
    return Frames(
        start=START,
        hours=shape[1],
        device_ids=np.arange(shape[0]),
        models=past.models,
        installed=np.array(past.installed),
        series=(
            _series("heat", MetricKind.GAUGE, past.readings, shape),
            _series("cuts", MetricKind.COUNTER, past.readings, shape),
        ),
        events=marks(past.events),
        maintenance=marks(past.maintenance),
        failures=marks(past.failures),
    )


def _series(name: str, kind: MetricKind, readings: Raw, shape: tuple[int, int]) -> Series:
    series = empty_series(name, kind, shape)
    for device in range(shape[0]):
        before = None
        for at, value in readings.get((name, device), []):
            place = device, int(at)
            if place[1] >= shape[1]:
                continue
            fresh = series.n[place] == 0
            series.growth[place] += counted(before, value)
            before = value
            series.n[place] += 1
            series.total[place] += value
            series.squares[place] += value**2
            series.low[place] = value if fresh else min(value, series.low[place])
            series.high[place] = value if fresh else max(value, series.high[place])
            series.first[place] = value if fresh else series.first[place]
            series.last[place] = value
    return series
