"""Random frames, and the readings that they were made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from domain.report import MetricKind
from pipeline.features.frames import (
    Frames,
    Peers,
    PeerSums,
    Series,
    empty_series,
    marks,
)
from pipeline.features.vocabulary import Attribute, Vocabulary

START = datetime(2026, 3, 2, tzinfo=UTC)
Raw = dict[tuple[str, int], list[tuple[float, float]]]  # (metric, device) -> (hours, value)
MarkRow = tuple[str, int, float, float]

KINDS = {"heat": MetricKind.GAUGE, "cuts": MetricKind.COUNTER, "lines": MetricKind.COUNTER}
JAM, OPEN = "printer:jam", "printer:open"

VOCABULARY = Vocabulary(
    gauges=("heat",),
    counters=("cuts", "lines"),
    events=("*", JAM),
    severities=("*:critical", "printer:critical", "printer:info"),
    sequences=(f"{JAM}>{OPEN}",),
    serviced=("*", "printer"),
    replaced=("printer",),
    failing=("*", "printer"),
    attributes=(Attribute("model", ("A", "B")), Attribute("rooms")),
    gaps=(90.0, 120.0),
    limits=((30.0, 55.0),),
    usage="lines",
    peers=("model", "site"),
)


@dataclass(frozen=True)
class Past:
    """What happened to some devices, as it would be told: readings and marks one by one."""

    hours: float
    readings: Raw
    events: list[MarkRow]
    severities: list[MarkRow]
    maintenance: list[MarkRow]
    replacements: list[MarkRow]
    failures: list[MarkRow]
    models: tuple[str, ...] = ("A", "A", "B", "A", "")
    sites: tuple[str, ...] = ("north", "north", "north", "south", "north")
    rooms: tuple[str, ...] = ("2", "", "7.5", "many", "1")
    installed: tuple[float, ...] = (-500.0, float("nan"), 3.0, 0.0, -1.0)
    bucket_h: float = 1.0

    @property
    def devices(self) -> int:
        return len(self.models)


def random_past(seed: int, hours: float = 300, bucket_h: float = 1.0) -> Past:
    """Five devices, measured about every bucket and with gaps."""
    rng = np.random.default_rng(seed)
    readings: Raw = {}
    buckets = int(hours / bucket_h)
    for device in range(5):
        at = np.sort(rng.uniform(0, hours, rng.integers(buckets // 40, buckets)))
        readings["heat", device] = list(zip(at, rng.normal(40, 3, len(at)), strict=True))
        for name in ("cuts", "lines"):
            readings[name, device] = list(_counter(rng, buckets, bucket_h))

    def some(name: str, late_h: float) -> list[MarkRow]:
        at = rng.uniform(-200, hours, rng.integers(0, 40))
        late = rng.exponential(late_h, len(at)) * (rng.random(len(at)) < 0.5)
        device = rng.integers(0, 5, len(at))
        return [
            (name, int(d), float(a), float(a + delay))
            for d, a, delay in zip(device, at, late, strict=True)
        ]

    maintenance = [*some("printer", 1), *some("reader", 1)]
    return Past(
        hours,
        readings,
        [*some("*", 30), *some(JAM, 30), *some(OPEN, 5)],
        [*some("printer:critical", 30), *some("reader:critical", 5), *some("printer:info", 1)],
        maintenance,
        [row for row in maintenance if rng.random() < 0.5],
        [*some("printer", 1), *some("reader", 1)],
        bucket_h=bucket_h,
    )


def _counter(rng: np.random.Generator, buckets: int, bucket_h: float) -> list[tuple[float, float]]:
    value, rows = 1000.0, []
    for bucket in range(buckets):
        if rng.random() < 0.2:
            continue
        for at in np.sort(rng.uniform(bucket, bucket + 1, rng.integers(1, 4))):
            value += float(rng.integers(0, 3))
            rows.append((float(at * bucket_h), value))
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


def frames_of(past: Past) -> Frames:
    """All devices, held against all of them."""
    shape = (past.devices, int(past.hours / past.bucket_h))
    frames = Frames(
        start=START,
        buckets=shape[1],
        device_ids=np.arange(shape[0]),
        attributes={
            "kind": ("kiosk",) * shape[0],
            "model": past.models,
            "site": past.sites,
            "rooms": past.rooms,
        },
        installed=np.array(past.installed),
        series=tuple(_series(name, past, shape) for name in KINDS),
        events=marks(past.events),
        severities=marks(past.severities),
        maintenance=marks(past.maintenance),
        replacements=marks(past.replacements),
        failures=marks(past.failures),
        bucket=timedelta(hours=past.bucket_h),
    )
    return replace(frames, peers=_peers(frames))


def _peers(frames: Frames) -> Peers:
    groups, sums = {}, {}
    for grouping in ("model", "site"):
        keys = [f"kiosk/{name}" for name in frames.attributes[grouping]]
        groups[grouping] = {key: place for place, key in enumerate(sorted(set(keys)))}
        for series in frames.series:
            found = PeerSums(*np.zeros((3, len(groups[grouping]), frames.buckets)))
            for device, key in enumerate(keys):
                place, there = groups[grouping][key], series.n[device] > 0
                level = series.total[device] / np.maximum(series.n[device], 1)
                if series.kind is MetricKind.COUNTER:
                    level = series.growth[device]
                found.n[place] += there
                found.total[place] += np.where(there, level, 0)
                found.squares[place] += np.where(there, level**2, 0)
            sums[grouping, series.metric] = found
    return Peers(frames.start, frames.bucket, groups, sums)


def _series(name: str, past: Past, shape: tuple[int, int]) -> Series:
    series = empty_series(name, KINDS[name], shape)
    for device in range(shape[0]):
        before = None
        for at, value in past.readings.get((name, device), []):
            place = device, int(at / past.bucket_h)
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


def shifted(past: Past, hours: float) -> Past:
    """The same past, with the readings before `hours` forgotten and time counted from there."""

    def moved(rows: list[MarkRow]) -> list[MarkRow]:
        return [(name, device, at - hours, known - hours) for name, device, at, known in rows]

    return replace(
        past,
        hours=past.hours - hours,
        readings={
            key: [(at - hours, value) for at, value in points if at >= hours]
            for key, points in past.readings.items()
        },
        events=moved(past.events),
        severities=moved(past.severities),
        maintenance=moved(past.maintenance),
        replacements=moved(past.replacements),
        failures=moved(past.failures),
        installed=tuple(at - hours for at in past.installed),
    )
