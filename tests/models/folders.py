"""Small history folders for backtests: daily counters and gauges of some devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 1, tzinfo=UTC)
PART = "pump"

Column = Callable[["Life", int, np.random.Generator], float]
"""What a metric shows of a device on a day."""


@dataclass
class Life:
    """One device: when it fails, and how long it is in service, in days."""

    failures: list[int]
    days: int


@dataclass
class Fleet:
    """What `write` puts into a folder.

    Attributes:
        kinds: the devices' kinds in turn.
        repaired: whether repairs are recorded, a day after the failure.
    """

    lives: Sequence[Life]
    columns: Mapping[str, Column]
    kinds: Sequence[str] = ("press",)
    keys: str = "d{:03}"
    repaired: bool = True
    parts: Callable[[int], str] = field(default=lambda _day: PART)

    def write(self, folder: Path, seed: int = 0) -> Path:
        draw = np.random.default_rng(seed)
        folder.mkdir(parents=True, exist_ok=True)
        names = [self.keys.format(place) for place in range(len(self.lives))]
        kinds = [f"{name},{self.kinds[i % len(self.kinds)]}" for i, name in enumerate(names)]
        _write(folder / "devices.csv", "device_id,kind", kinds)
        rows = [
            f"{moment(day)},{name},"
            + ",".join(f"{column(life, day, draw):.4f}" for column in self.columns.values())
            for name, life in zip(names, self.lives, strict=True)
            for day in range(life.days)
        ]
        _write(folder / "readings.csv", "time,device_id," + ",".join(self.columns), rows)
        failures = [
            (day, name)
            for name, life in zip(names, self.lives, strict=True)
            for day in life.failures
        ]
        broke = [f"{moment(day)},{name},{self.parts(day)}" for day, name in failures]
        _write(folder / "failures.csv", "time,device_id,component", broke)
        mended = [f"{moment(day + 1)},{name},{self.parts(day)},replaced" for day, name in failures]
        if self.repaired:
            _write(folder / "maintenance.csv", "time,device_id,component,action", mended)
        return folder


def alarms(folder: Path, lives: Sequence[Life], keys: str = "d{:03}") -> None:
    """Puts events into `folder`, two a day in the two days before each failure, and some others."""
    draw = np.random.default_rng(5)
    rows = []
    for place, life in enumerate(lives):
        signs = [at - left for at in life.failures for left in (0.5, 1, 1.5, 2)]
        others = draw.uniform(0, life.days, 12).tolist()
        for day, code in [*((day, "slip") for day in signs), *((day, "hum") for day in others)]:
            if day > 0:
                rows.append(f"{moment(day)},{keys.format(place)},{PART},{code},error")
    _write(folder / "events.csv", "time,device_id,component,code,severity", rows)


def wearing(devices: int = 30, days: int = 150, seed: int = 0) -> list[Life]:
    """Devices that fail every 20 to 60 days."""
    draw = np.random.default_rng(seed)
    lives = []
    for _ in range(devices):
        at = np.cumsum(draw.integers(20, 60, 10)) - draw.integers(0, 20)
        lives.append(Life([int(day) for day in at if 0 < day < days], days))
    return lives


def heat(life: Life, day: int, draw: np.random.Generator) -> float:
    """A gauge that rises over the three days before a failure."""
    left = min((at - day for at in life.failures if at > day), default=99)
    return 40 + 6 * max(0, 4 - left) + float(draw.normal(0, 1.5))


def noise(_life: Life, _day: int, draw: np.random.Generator) -> float:
    """A gauge that says nothing."""
    return float(draw.normal(10, 2))


def moment(day: float) -> str:
    return (START + timedelta(days=day)).isoformat()


def _write(path: Path, header: str, rows: Sequence[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")
